import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { naiveLogits } from '../../test/naive-llama.ts';
import { collectEvents, idsOf, openTinyEngine } from '../../test/open-tiny-engine.ts';
import { tinyCheckpoint } from '../../test/tiny-llama.ts';
import type { Device } from '../device/device.ts';
import { openDevice } from '../device/open.ts';
import type { Engine } from './engine.ts';
import type { GenerationEvent, PromptEnd } from './generate-job.ts';

const checkpoint = tinyCheckpoint();
const prompt = [1, 262, 270, 265, 280, 261, 77];

function promptEnd(events: readonly GenerationEvent[]): PromptEnd {
  const ends = events.filter((event) => event.type === 'prompt-end');
  expect(ends).toHaveLength(1);
  return ends[0] as PromptEnd;
}

describe('log-probabilities of a prompt', () => {
  let device: Device;
  let engine: Engine;
  beforeAll(async () => {
    device = openDevice('reference');
    engine = await openTinyEngine(device, checkpoint, { cache: 'f32', sequences: 3 });
  });
  afterAll(async () => {
    await engine.close();
    await device.close();
  });
  const ask = (changes: object): Promise<GenerationEvent[]> =>
    collectEvents(
      engine.generate({ prompt, temperature: 0, maxTokens: 4, endTokens: [], ...changes }),
    );

  it('are what the formulas say, with the likeliest alternatives in order', async () => {
    const { logprobs = [] } = promptEnd(await ask({ promptLogprobs: 3 }));
    const rows = await naiveLogits(checkpoint, prompt);
    expect(logprobs.map(({ id }) => id)).toEqual(prompt.slice(1));
    for (const [index, { id, logprob, topLogprobs }] of logprobs.entries()) {
      const logits = rows[index] as number[];
      const mass = Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit), 0));
      expect(logprob).toBeCloseTo((logits[id] as number) - mass, 4);
      const ranked = logits.map((logit, at) => ({ at, logit })).sort((a, b) => b.logit - a.logit);
      expect(topLogprobs.map((each) => each.id)).toEqual(ranked.slice(0, 3).map(({ at }) => at));
      expect(topLogprobs[0]?.logprob).toBeCloseTo((ranked[0]?.logit as number) - mass, 4);
    }
  });

  it('change nothing of the answer, and come alone where no answer is asked for', async () => {
    const [plain, both, alone] = await Promise.all([
      ask({}),
      ask({ promptLogprobs: 0 }),
      ask({ promptLogprobs: 0, maxTokens: 0 }),
    ]);
    expect(promptEnd(plain)).not.toHaveProperty('logprobs');
    expect(idsOf(both)).toEqual(idsOf(plain));
    expect(promptEnd(alone).logprobs).toEqual(promptEnd(both).logprobs);
    expect(alone.map(({ type }) => type)).toEqual(['prompt-end', 'request-end']);
    expect(alone.at(-1)).toMatchObject({ finishReason: 'length' });
  });

  it('are none where the prompt has one token, and refused beyond 32 alternatives', async () => {
    const events = await ask({ prompt: [1], promptLogprobs: 5, maxTokens: 0 });
    expect(promptEnd(events).logprobs).toEqual([]);
    expect(() => engine.generate({ prompt, promptLogprobs: 33 })).toThrow(/promptLogprobs is 33/);
  });
});
