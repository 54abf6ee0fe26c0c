import { describe, expect, it } from 'vitest';
import { Adjustments } from './adjustments.ts';
import { resolveSampling } from './sampling-options.ts';

const adjustments = (
  options: Parameters<typeof resolveSampling>[0],
  prompt: number[],
): Adjustments => new Adjustments(resolveSampling(options, 0), prompt);

describe('Adjustments', () => {
  it('asks for nothing by default', () => {
    const plain = adjustments({}, [1, 2, 3]);
    plain.add(4);
    expect(plain.current()).toEqual([]);
  });

  it('penalises repetition of prompt and answer, frequency and presence of the answer alone', () => {
    const all = adjustments(
      {
        repetitionPenalty: 1.5,
        frequencyPenalty: 0.5,
        presencePenalty: 0.25,
        logitBias: new Map([[9, 2]]),
      },
      [1, 2],
    );
    for (const id of [2, 7, 7]) all.add(id);
    const byId = new Map(all.current().map(({ id, divisor, addend }) => [id, [divisor, addend]]));
    expect(byId).toEqual(
      new Map([
        [1, [1.5, 0]],
        [2, [1.5, -0.75]],
        [7, [1.5, -1.25]],
        [9, [1, 2]],
      ]),
    );
  });
});
