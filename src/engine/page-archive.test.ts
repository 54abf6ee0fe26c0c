import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { collectEvents, openTinyEngine } from '../../test/open-tiny-engine.ts';
import { randomNormal, tinyCheckpoint } from '../../test/tiny-llama.ts';
import { type Device, deviceNames } from '../device/device.ts';
import { openDevice } from '../device/open.ts';
import type { LowRankUpdate } from './adapter-slots.ts';
import type { Engine } from './engine.ts';
import type { EngineOptions } from './engine-options.ts';
import type { GenerationEvent } from './generate-job.ts';
import type { GenerateRequest } from './generate-request.ts';
import type { PageStore } from './page-archive.ts';

const checkpoint = tinyCheckpoint();

/** A store in memory that notes what is asked of it. */
class MemoryStore implements PageStore {
  readonly pages = new Map<string, Uint8Array>();
  reads = 0;
  has(key: string): boolean {
    return this.pages.has(key);
  }
  async read(key: string): Promise<Uint8Array | undefined> {
    this.reads++;
    return this.pages.get(key);
  }
  async write(key: string, bytes: Uint8Array): Promise<void> {
    this.pages.set(key, new Uint8Array(bytes));
  }
  async remove(key: string): Promise<void> {
    this.pages.delete(key);
  }
}

const request: GenerateRequest = {
  // 50 tokens: six full pages of eight before the last token.
  prompt: Array.from({ length: 50 }, (_, at) => 3 + ((at * 13) % 280)),
  maxTokens: 12,
  temperature: 0.9,
  seed: 7,
  logprobs: 3,
  endTokens: [],
};

function tokensOf(events: readonly GenerationEvent[]): GenerationEvent[] {
  return events.filter(({ type }) => type === 'token-delta');
}

function cachedOf(events: readonly GenerationEvent[]): number {
  const end = events.at(-1);
  return end?.type === 'request-end' ? end.cachedTokens : Number.NaN;
}

describe.each(deviceNames)('pages kept outside memory on %s', (deviceName) => {
  let device: Device;
  let alone: GenerationEvent[];
  const open = (store: PageStore, options: Partial<EngineOptions> = {}): Promise<Engine> =>
    openTinyEngine(device, checkpoint, { archive: { store, model: 'tiny' }, ...options });
  const ask = async (
    store: PageStore,
    options: Partial<EngineOptions> = {},
    changes: Partial<GenerateRequest> = {},
  ): Promise<GenerationEvent[]> => {
    const engine = await open(store, options);
    const events = await collectEvents(engine.generate({ ...request, ...changes }));
    await engine.close();
    return events;
  };
  beforeAll(async () => {
    device = openDevice(deviceName);
    const engine = await openTinyEngine(device, checkpoint, {});
    alone = tokensOf(await collectEvents(engine.generate(request)));
    await engine.close();
  });
  afterAll(() => device.close());

  it('are found after a restart, and the answer is the same to the bit', async () => {
    const store = new MemoryStore();
    const first = await ask(store);
    // Of 61 tokens with keys and values, seven full pages.
    expect([cachedOf(first), store.pages.size]).toEqual([0, 7]);
    const second = await ask(store);
    expect(cachedOf(second)).toBe(48);
    for (const events of [first, second]) expect(tokensOf(events)).toEqual(alone);
  });

  it('serve requests that come together, and those that go on longer', async () => {
    const store = new MemoryStore();
    await ask(store);
    const engine = await open(store);
    const other = { ...request, prompt: [...request.prompt.slice(0, 30), 9, 9, 9, 9, 9, 9, 9, 9] };
    const all = await Promise.all(
      [request, other, request].map((each) => collectEvents(engine.generate(each))),
    );
    expect(all.map(cachedOf)).toEqual([48, 24, 48]);
    expect(tokensOf(all[0] ?? [])).toEqual(alone);
    expect(tokensOf(all[2] ?? [])).toEqual(alone);
    // Each page was read once for all of them.
    expect(store.reads).toBe(6);
    await engine.close();
  });

  it('are computed where they are lost or of the wrong size', async () => {
    const store = new MemoryStore();
    await ask(store);
    const lost = [...store.pages.keys()][2] as string;
    const read = store.read.bind(store);
    store.read = async (key) => (key === lost ? undefined : read(key));
    const events = await ask(store);
    expect(cachedOf(events)).toBe(16);
    expect(tokensOf(events)).toEqual(alone);
    store.read = read;
    store.pages.set(lost, new Uint8Array(3));
    const again = await ask(store);
    expect([cachedOf(again), store.pages.get(lost)?.length]).toEqual([16, 2 * 2 * 8 * 16 * 2]);
    expect(tokensOf(again)).toEqual(alone);
  });

  it('are not taken for those of another model, cache, salt or setting', async () => {
    const store = new MemoryStore();
    await ask(store, {}, { cacheSalt: 'mine' });
    expect(cachedOf(await ask(store, {}, { cacheSalt: 'mine' }))).toBe(48);
    const others: [Partial<EngineOptions>, Partial<GenerateRequest>][] = [
      [{}, {}],
      [{}, { cacheSalt: 'yours' }],
      [{ archive: { store, model: 'other' } }, { cacheSalt: 'mine' }],
      [{ cache: 'f32' }, { cacheSalt: 'mine' }],
      [{ sharePrefixes: false }, { cacheSalt: 'mine' }],
    ];
    for (const [options, changes] of others) {
      const apart = new MemoryStore();
      for (const [key, bytes] of store.pages) apart.pages.set(key, bytes);
      const archive = { store: apart, model: options.archive?.model ?? 'tiny' };
      expect(cachedOf(await ask(apart, { ...options, archive }, changes))).toBe(0);
    }
  });

  it('belong to an adapter by what it adds, whatever it is called and whatever was loaded before', async () => {
    const store = new MemoryStore();
    const update = (scale: number): Map<string, LowRankUpdate> =>
      new Map([
        [
          'blk.0.attn_q.weight',
          { rank: 1, scale, down: randomNormal(48, 1, 1), up: randomNormal(48, 2, 1) },
        ],
      ]);
    const askAdapted = async (...loaded: readonly [string, number][]): Promise<number[]> => {
      const engine = await open(store, { adapters: { slots: 2, rank: 1 } });
      const cached: number[] = [];
      for (const [name, scale] of loaded) {
        await engine.loadAdapter(name, update(scale));
        const events = await collectEvents(engine.generate({ ...request, adapter: name }));
        cached.push(cachedOf(events));
      }
      await engine.close();
      return cached;
    };
    expect(await askAdapted(['law', 0.1], ['care', 0.2])).toEqual([0, 0]);
    expect(await askAdapted(['nurse', 0.2], ['law', 0.3])).toEqual([48, 0]);
  });

  it('are neither used nor made after weights were changed', async () => {
    const store = new MemoryStore();
    await ask(store);
    const engine = await open(store);
    engine.noteChangedWeights();
    const events = await collectEvents(engine.generate({ ...request, maxTokens: 40 }));
    await engine.close();
    expect([cachedOf(events), store.pages.size, store.reads]).toEqual([0, 7, 0]);
  });

  it('hold nobody up who stops waiting for them', async () => {
    const store = new MemoryStore();
    await ask(store);
    const gate = Promise.withResolvers<void>();
    const read = store.read.bind(store);
    store.read = async (key) => {
      await gate.promise;
      return read(key);
    };
    const engine = await open(store);
    const leaving = new AbortController();
    const gone = collectEvents(engine.generate({ ...request, signal: leaving.signal }));
    const staying = collectEvents(engine.generate(request));
    // The step loop waits for the pages by now.
    await sleep(20);
    const short = collectEvents(engine.generate({ ...request, prompt: [3, 4, 5], maxTokens: 0 }));
    leaving.abort();
    expect((await gone).at(-1)).toMatchObject({ finishReason: 'abort' });
    await short;
    gate.resolve();
    const events = await staying;
    expect(cachedOf(events)).toBe(48);
    expect(tokensOf(events)).toEqual(alone);
    await engine.close();
  });

  it('wait for no store: an answer ends while its pages are still being written', async () => {
    const store = new MemoryStore();
    const gate = Promise.withResolvers<void>();
    const write = store.write.bind(store);
    store.write = async (key, bytes) => {
      await gate.promise;
      await write(key, bytes);
    };
    const engine = await open(store);
    expect(tokensOf(await collectEvents(engine.generate(request)))).toEqual(alone);
    expect(store.pages.size).toBe(0);
    const closing = engine.close();
    gate.resolve();
    await closing;
    expect(store.pages.size).toBe(7);
  });
});
