import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { naiveHidden } from '../../test/naive-llama.ts';
import { collectEvents, idsOf, openTinyEngine } from '../../test/open-tiny-engine.ts';
import { tinyCheckpoint, tinyConfig } from '../../test/tiny-llama.ts';
import { type Device, deviceNames } from '../device/device.ts';
import { openDevice } from '../device/open.ts';
import type { Pooling } from './embed-job.ts';
import type { Engine } from './engine.ts';

const checkpoint = tinyCheckpoint(tinyConfig({ context: 512 }));
const text = Array.from({ length: 40 }, (_, at) => 1 + ((at * 37) % 280));

function normalised(vector: readonly number[]): number[] {
  const length = Math.hypot(...vector);
  return vector.map((each) => each / length);
}

describe.each(deviceNames)('embeddings on %s', (deviceName) => {
  let device: Device;
  let engine: Engine;
  beforeAll(async () => {
    device = openDevice(deviceName);
    engine = await openTinyEngine(device, checkpoint, { cache: 'f32', sequences: 2 });
  });
  afterAll(async () => {
    await engine.close();
    await device.close();
  });

  it('are the mean of the hidden states, or the last, at length 1', async () => {
    const rows = await naiveHidden(checkpoint, text);
    const mean = rows[0]?.map((_, i) => rows.reduce((sum, row) => sum + (row[i] as number), 0));
    const expected: Record<Pooling, number[]> = {
      mean: normalised(mean as number[]),
      last: normalised(rows.at(-1) as number[]),
    };
    for (const pooling of ['mean', 'last'] as const) {
      const found = await engine.embed(text, { pooling });
      expect(found).toHaveLength(checkpoint.config.dim);
      for (const [i, value] of found.entries()) {
        expect(value).toBeCloseTo(expected[pooling][i] as number, 5);
      }
    }
  });

  it('are the same bits alone, in steps with answers and scores, and of a beginning that is known', async () => {
    // Longer than a step's rows: computed in chunks.
    const long = Array.from({ length: 300 }, (_, at) => 1 + ((at * 53) % 280));
    const ask = (tokens: number[], pooling: Pooling): Promise<Float32Array> =>
      engine.embed(tokens, { pooling });
    const alone = [await ask(long, 'mean'), await ask(text, 'last'), await ask(text, 'mean')];
    const request = { prompt: text, maxTokens: 20, seed: 1, logprobs: 1, endTokens: [] };
    const answer = idsOf(await collectEvents(engine.generate(request)));
    const score = await engine.score(text);
    const [first, second, third, events, again] = await Promise.all([
      ask(long, 'mean'),
      ask(text, 'last'),
      ask(text, 'mean'),
      collectEvents(engine.generate(request)),
      engine.score(text),
    ]);
    expect([first, second, third]).toEqual(alone);
    expect(idsOf(events)).toEqual(answer);
    expect(again.logprobs).toEqual(score.logprobs);
  });

  it('are refused without a pooling, and end with their signal', async () => {
    await expect(engine.embed(text, { pooling: 'max' as 'mean' })).rejects.toThrow(
      /pooling is max; allowed: mean, last/,
    );
    await expect(engine.embed(new Array(600).fill(1), { pooling: 'mean' })).rejects.toThrow(
      /needs 600 tokens/,
    );
    const signal = AbortSignal.abort();
    await expect(engine.embed(text, { pooling: 'last', signal })).rejects.toMatchObject({
      code: 'CORRAL_ABORTED',
    });
  });
});
