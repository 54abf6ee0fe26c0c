import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { collectEvents, openTinyEngine } from '../../test/open-tiny-engine.ts';
import { randomNormal, tinyCheckpoint } from '../../test/tiny-llama.ts';
import { type Device, deviceNames } from '../device/device.ts';
import { openDevice } from '../device/open.ts';
import type { Checkpoint } from '../formats/checkpoint.ts';
import type { LowRankUpdate } from './adapter-slots.ts';
import type { Engine } from './engine.ts';
import type { GenerationEvent } from './generate-job.ts';

const checkpoint = tinyCheckpoint();
const text = Array.from({ length: 45 }, (_, at) => 1 + ((at * 37) % 280));

/** Random updates, of different ranks and scales, for the matrices whose names the pattern fits. */
function makeAdapter(seed: number, pattern: RegExp): Map<string, LowRankUpdate> {
  const updates = new Map<string, LowRankUpdate>();
  for (const [name, { shape }] of checkpoint.tensors) {
    const [n = 0, k] = shape;
    if (k === undefined || !pattern.test(name)) continue;
    const rank = 1 + ((seed + n) % 4);
    const down = randomNormal(rank * k, seed + n, k ** -0.5);
    const up = randomNormal(n * rank, seed + k, rank ** -0.5);
    updates.set(name, { rank, scale: 0.5 + seed / 10, down, up });
  }
  return updates;
}

/** The same model with the products added to its weights, in float64. */
function merge(updates: ReadonlyMap<string, LowRankUpdate>): Checkpoint {
  return {
    ...checkpoint,
    read: async (name, offset, length) => {
      const update = updates.get(name);
      if (update === undefined) return checkpoint.read(name, offset, length);
      const { bytes, shape } = checkpoint.tensors.get(name) ?? { bytes: 0, shape: [] };
      const weights = new Float32Array((await checkpoint.read(name, 0, bytes)).buffer);
      const [n = 0, k = 0] = shape;
      const { rank, scale, down, up } = update;
      for (let row = 0; row < n; row++) {
        for (let column = 0; column < k; column++) {
          let change = 0;
          for (let j = 0; j < rank; j++) {
            change += (up[row * rank + j] as number) * (down[j * k + column] as number);
          }
          weights[row * k + column] = (weights[row * k + column] as number) + scale * change;
        }
      }
      return new Uint8Array(weights.buffer, offset, length).slice();
    },
  };
}

const everything = makeAdapter(1, /^blk/);
const attention = makeAdapter(2, /attn_[qv]/);

describe.each(deviceNames)('adapters chosen per request on %s', (deviceName) => {
  let device: Device;
  let engine: Engine;
  beforeAll(async () => {
    device = openDevice(deviceName);
    const adapters = { slots: 2, rank: 4 };
    engine = await openTinyEngine(device, checkpoint, { cache: 'f32', sequences: 4, adapters });
    await engine.loadAdapter('everything', everything);
    await engine.loadAdapter('attention', attention);
  });
  afterAll(async () => {
    await engine.close();
    await device.close();
  });

  it.each([
    ['everything', everything],
    ['attention', attention],
  ])('says what the merged weights say: %s', async (adapter, updates) => {
    const merged = await openTinyEngine(device, merge(updates), { cache: 'f32', sequences: 1 });
    const expected = await merged.score(text);
    const { logprobs } = await engine.score(text, { adapter });
    for (const [at, logprob] of logprobs.entries()) {
      expect(Math.abs(logprob - (expected.logprobs[at] as number))).toBeLessThan(1e-4);
    }
    const plain = await engine.score(text);
    const distance = logprobs.map((each, at) => Math.abs(each - (plain.logprobs[at] as number)));
    expect(Math.max(...distance)).toBeGreaterThan(0.1);
    await merged.close();
  });

  it('gives two adapters and none in the same steps the bits each has alone', async () => {
    const answer = async (adapter?: string): Promise<GenerationEvent[]> => {
      const request = { prompt: text, maxTokens: 20, seed: 3, logprobs: 3, endTokens: [] };
      const events = engine.generate({ ...request, ...(adapter !== undefined && { adapter }) });
      return (await collectEvents(events)).filter(({ type }) => type === 'token-delta');
    };
    const bare = await openTinyEngine(device, checkpoint, { cache: 'f32', sequences: 4 });
    const request = { prompt: text, maxTokens: 20, seed: 3, logprobs: 3, endTokens: [] };
    const plain = (await collectEvents(bare.generate(request))).filter(
      ({ type }) => type === 'token-delta',
    );
    await bare.close();
    const alone = [await answer('everything'), await answer('attention')];
    expect(alone[0]).not.toEqual(alone[1]);
    const together = await Promise.all([answer('everything'), answer('attention'), answer()]);
    expect(together).toEqual([...alone, plain]);
  });

  it('shares no beginnings between adapters, nor between two loads of one name', async () => {
    const cached = async (adapter?: string): Promise<number> => {
      const scope = adapter === undefined ? {} : { adapter };
      return (await engine.scoreChoices(text, [1], { ...scope, cacheSalt: 'own' })).cachedTokens;
    };
    expect([await cached(), await cached('everything'), await cached('attention')]).toEqual([
      0, 0, 0,
    ]);
    expect(await cached('attention')).toBe(40);
    engine.unloadAdapter('attention');
    await engine.loadAdapter('attention', attention);
    expect(await cached('attention')).toBe(0);
  });

  it('keeps a place until the last request that uses it has ended', async () => {
    const adapters = { slots: 1, rank: 4 };
    const small = await openTinyEngine(device, checkpoint, { sequences: 2, adapters });
    await small.loadAdapter('first', everything);
    const stream = small.generate({ prompt: [1], maxTokens: 5, adapter: 'first', endTokens: [] });
    small.unloadAdapter('first');
    expect(small.adapters).toEqual([]);
    expect(() => small.generate({ prompt: [1], adapter: 'first' })).toThrow(
      'There is no adapter first in this engine. Loaded: none.',
    );
    await expect(small.loadAdapter('second', attention)).rejects.toMatchObject({
      code: 'CORRAL_ADAPTERS_FULL',
    });
    expect((await collectEvents(stream)).at(-1)).toMatchObject({ finishReason: 'length' });
    await small.loadAdapter('second', attention);
    expect(small.adapters).toEqual(['second']);
    await small.close();
  });

  it('loads a name anew without losing the old one where there is no place', async () => {
    const adapters = { slots: 1, rank: 4 };
    const small = await openTinyEngine(device, checkpoint, {
      cache: 'f32',
      sequences: 2,
      adapters,
    });
    await small.loadAdapter('only', everything);
    const { logprobs: before } = await small.score(text, { adapter: 'only' });
    const stream = small.generate({ prompt: [1], maxTokens: 5, adapter: 'only', endTokens: [] });
    await expect(small.loadAdapter('only', attention)).rejects.toMatchObject({
      code: 'CORRAL_ADAPTERS_FULL',
    });
    expect(small.adapters).toEqual(['only']);
    await collectEvents(stream);
    expect((await small.score(text, { adapter: 'only' })).logprobs).toEqual(before);
    await small.loadAdapter('only', attention);
    expect(small.adapters).toEqual(['only']);
    const { logprobs: after } = await small.score(text, { adapter: 'only' });
    const { logprobs: expected } = await engine.score(text, { adapter: 'attention' });
    expect(after).toEqual(expected);
    await small.close();
  });

  it('lets a name answer as before until it has been loaded anew', async () => {
    const adapters = { slots: 2, rank: 4 };
    const small = await openTinyEngine(device, checkpoint, {
      cache: 'f32',
      sequences: 2,
      adapters,
    });
    await small.loadAdapter('one', everything);
    const loading = small.loadAdapter('one', attention);
    expect(small.adapters).toEqual(['one']);
    const request = { prompt: text, maxTokens: 3, adapter: 'one', endTokens: [], temperature: 0 };
    const [old] = await Promise.all([collectEvents(small.generate(request)), loading]);
    expect(small.adapters).toEqual(['one']);
    const idsOf = (events: readonly GenerationEvent[]): number[] =>
      events.flatMap((event) => (event.type === 'token-delta' ? [event.id] : []));
    const expected = engine.generate({ ...request, adapter: 'everything' });
    expect(idsOf(old)).toEqual(idsOf(await collectEvents(expected)));
    await small.close();
  });

  it('refuses adapters of other models and higher ranks, and engines without room', async () => {
    const [[name, update]] = [...attention] as [[string, LowRankUpdate]];
    const load = (updates: [string, LowRankUpdate][]): Promise<void> =>
      engine.loadAdapter('wrong', new Map(updates));
    await expect(load([['blk.9.attn_q.weight', update]])).rejects.toThrow(/no matrix blk.9/);
    await expect(load([[name, { ...update, rank: 5 }]])).rejects.toThrow(/rank is 5; allowed is 4/);
    const short = { ...update, up: update.up.slice(1) };
    await expect(load([[name, short]])).rejects.toThrow(/are not \[/);
    const bare = await openTinyEngine(device, checkpoint, { sequences: 1 });
    await expect(bare.loadAdapter('any', attention)).rejects.toThrow(/without room/);
    await bare.close();
  });
});
