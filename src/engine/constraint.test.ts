import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tinyCheckpoint } from '../../test/tiny-llama.ts';
import { type Device, deviceNames } from '../device/device.ts';
import { openDevice } from '../device/open.ts';
import { loadWeights } from '../model/weights.ts';
import { type Constraint, type ConstraintWalk, writeMask } from './constraint.ts';
import { Engine } from './engine.ts';
import type { GenerationEvent } from './generate-job.ts';
import type { GenerateRequest } from './generate-request.ts';

// Allows the given answers, those that fit into what is left.
function oneOf(answers: readonly (readonly number[])[]): Constraint {
  return {
    shortest: Math.min(...answers.map(({ length }) => length)),
    start: () => walk([]),
  };
  function walk(said: number[]): ConstraintWalk {
    const open = (): (readonly number[])[] =>
      answers.filter((answer) => said.every((id, i) => id === answer[i]));
    return {
      get mayEnd(): boolean {
        return open().some(({ length }) => length === said.length);
      },
      mask: (left): Uint32Array => {
        const words = new Uint32Array(9);
        for (const answer of open()) {
          const id = answer[said.length];
          if (id === undefined || answer.length > said.length + left) continue;
          words[id >> 5] = (words[id >> 5] as number) | (1 << (id & 31));
        }
        return words;
      },
      accept: (id): void => {
        said.push(id);
      },
      fork: () => walk([...said]),
    };
  }
}

const prompt = [1, 262, 270, 265, 280, 261];

describe('writeMask', () => {
  it('sets end tokens exactly where the answer may end, also those that are text', () => {
    const words = Uint32Array.of(0b110, 0b1);
    const endTokens = new Set([1, 33]);
    const row = new Int32Array(2);
    writeMask({ words, endTokens, mayEnd: false }, row);
    expect([...row]).toEqual([0b100, 0b1]);
    row.fill(0);
    writeMask({ words, endTokens, mayEnd: true }, row);
    expect([...row]).toEqual([0b110, 0b11]);
  });
});

describe.each(deviceNames)('answers under a constraint on %s', (deviceName) => {
  let device: Device;
  let engine: Engine;
  beforeAll(async () => {
    device = openDevice(deviceName);
    const { config, ...rest } = tinyCheckpoint();
    const weights = await loadWeights({ config, ...rest }, device);
    engine = await Engine.open({ config, device, weights, cache: 'f32', sequences: 4 });
  });
  afterAll(async () => {
    await engine.close();
    await device.close();
  });
  const generate = async (request: Partial<GenerateRequest>): Promise<GenerationEvent[]> => {
    const events: GenerationEvent[] = [];
    const whole = { prompt, maxTokens: 8, endTokens: [2], ...request };
    for await (const event of engine.generate(whole)) events.push(event);
    return events;
  };
  const idsOf = (events: readonly GenerationEvent[]): number[] =>
    events.flatMap((event) => (event.type === 'token-delta' ? [event.id] : []));

  it.each([0, 1])(
    'says one of the allowed answers at temperature %d, and stops',
    async (temperature) => {
      const answers = [
        [9, 40, 41],
        [9, 40, 287, 7],
        [70, 71],
      ];
      for (let seed = 0; seed < 5; seed++) {
        const events = await generate({ constraint: oneOf(answers), temperature, seed });
        expect(answers).toContainEqual(idsOf(events));
        expect(events.at(-1)).toMatchObject({ finishReason: 'stop' });
      }
    },
  );

  it('lets bias and penalties choose among what is allowed only', async () => {
    const constraint = oneOf([[9], [40], [41]]);
    const logitBias = new Map([
      [5, 100],
      [40, 50],
    ]);
    const events = await generate({ constraint, logitBias, temperature: 0 });
    expect(idsOf(events)).toEqual([40]);
  });

  it('takes the end token only where the answer may end', async () => {
    const constraint = oneOf([
      [9, 40],
      [9, 40, 41, 42],
    ]);
    const eager = new Map([[2, 100]]);
    expect(idsOf(await generate({ constraint, logitBias: eager }))).toEqual([9, 40]);
    const reluctant = new Map([[2, -100]]);
    expect(idsOf(await generate({ constraint, logitBias: reluctant }))).toEqual([9, 40, 41, 42]);
  });

  it('leaves log-probabilities as the model has them', async () => {
    const [, token] = await generate({ constraint: oneOf([[77]]), logprobs: 2, temperature: 0 });
    const { logprobs } = await engine.score([...prompt, 77], { from: prompt.length });
    expect(token).toMatchObject({ id: 77 });
    expect(token?.type === 'token-delta' && token.logprob).toBeCloseTo(logprobs[0] as number, 4);
  });

  it('does not touch a request without a constraint beside it', async () => {
    const free: Partial<GenerateRequest> = { temperature: 0.8, seed: 3, topP: 0.9, endTokens: [] };
    const alone = idsOf(await generate(free));
    const [beside] = await Promise.all([
      generate(free),
      generate({ constraint: oneOf([[9, 40, 41, 42, 43, 44, 45]]), temperature: 0.8 }),
    ]);
    expect(idsOf(beside)).toEqual(alone);
  });

  it('refuses an answer that cannot be whole within the limit', () => {
    const constraint = oneOf([[9, 40, 41]]);
    expect(() => engine.generate({ prompt, maxTokens: 2, constraint })).toThrow(
      'The shortest answer the constraint allows may take 3 tokens; the request allows 2.',
    );
  });

  it('refuses stop strings, which could end an answer that is not whole', () => {
    expect(() => engine.generate({ prompt, stop: 'a', constraint: oneOf([[9]]) })).toThrow(
      'stop is there beside a constraint; allowed: none',
    );
  });

  it('says so when a bias bans all that may come next', async () => {
    const logitBias = new Map([[9, Number.NEGATIVE_INFINITY]]);
    await expect(generate({ constraint: oneOf([[9]]), logitBias })).rejects.toThrow(
      'logitBias is a ban of every token that may come next',
    );
  });
});
