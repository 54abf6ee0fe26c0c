import { describe, expect, it } from 'vitest';
import { Adjustments } from './adjustments.ts';
import { resolveSampling } from './sampling-options.ts';

const adjustments = (
  options: Parameters<typeof resolveSampling>[0],
  prompt: number[],
): Adjustments => new Adjustments(resolveSampling(options, 0), prompt);

function byId(all: Adjustments): Map<number, [number, number]> {
  const { ids, how } = all.current();
  return new Map(
    Array.from(ids, (id, i) => [id, [how[2 * i] as number, how[2 * i + 1] as number]]),
  );
}

describe('Adjustments', () => {
  it('asks for nothing by default', () => {
    const plain = adjustments({}, [1, 2, 3]);
    plain.add(4);
    expect(byId(plain)).toEqual(new Map());
  });

  it('penalises repetition of prompt and answer once, frequency and presence of the answer alone', () => {
    const all = adjustments(
      {
        repetitionPenalty: 1.5,
        frequencyPenalty: 0.5,
        presencePenalty: 0.25,
        logitBias: new Map([
          [9, 2],
          [2, 1],
        ]),
      },
      [1, 2, 2],
    );
    for (const id of [2, 7, 7]) all.add(id);
    expect(byId(all)).toEqual(
      new Map([
        [9, [1, 2]],
        [2, [1.5, 0.25]],
        [1, [1.5, 0]],
        [7, [1.5, -1.25]],
      ]),
    );
  });

  it('foretells what further tokens would change, and changes nothing', () => {
    const options = {
      repetitionPenalty: 1.5,
      frequencyPenalty: 0.5,
      presencePenalty: 0.25,
      logitBias: new Map([[9, 2]]),
    };
    const all = adjustments(options, [1, 2]);
    for (const id of [2, 7]) all.add(id);
    const before = byId(all);
    const foretold = all.ahead([7, 9, 30]);
    expect(byId(all)).toEqual(before);
    for (const [index, id] of [7, 9, 30].entries()) {
      all.add(id);
      expect(foretold[index]).toEqual(all.current());
    }
  });

  it('keeps thousands of tokens apart', () => {
    const ids = Array.from({ length: 5000 }, (_, i) => i * 3);
    const all = byId(adjustments({ repetitionPenalty: 2 }, ids));
    expect([...all.keys()]).toEqual(ids);
    expect([...all.values()].every(([divisor]) => divisor === 2)).toBe(true);
  });
});
