import { expect, it } from 'vitest';
import { ModelPool } from './model-pool.ts';
import type { ModelSource, ServedModel } from './served-model.ts';

interface Log {
  readonly events: string[];
  source(name: string, bytes?: number): ModelSource;
}

// The pool touches nothing of a model but close().
function makeLog(): Log {
  const events: string[] = [];
  return {
    events,
    source: (name, bytes = 1) => ({
      name,
      createdAt: new Date(0),
      measure: async () => bytes,
      load: async () => {
        events.push(`load ${name}`);
        await Promise.resolve();
        return { close: async () => void events.push(`close ${name}`) } as unknown as ServedModel;
      },
    }),
  };
}

it('loads a model once for all who ask, and keeps it', async () => {
  const { events, source } = makeLog();
  const pool = new ModelPool({ sources: [source('a')] });
  expect(pool.list()).toMatchObject([{ name: 'a', state: 'unloaded' }]);
  const leases = await Promise.all([pool.use('a'), pool.use('a'), pool.use('a')]);
  expect(new Set(leases.map(({ model }) => model)).size).toBe(1);
  for (const lease of leases) lease[Symbol.dispose]();
  using _again = await pool.use('a');
  expect(events).toEqual(['load a']);
  expect(pool.find('a').state).toBe('loaded');
});

it('offers the adapters of a model as models of their own, on one load of it', async () => {
  const { events, source } = makeLog();
  const pool = new ModelPool({ sources: [{ ...source('a'), adapters: ['a-law'] }, source('b')] });
  expect(pool.list().map(({ name }) => name)).toEqual(['a', 'a-law', 'b']);
  using law = await pool.use('a-law');
  using plain = await pool.use('a');
  expect(law).toMatchObject({ name: 'a-law', adapter: 'a-law' });
  expect(plain).toMatchObject({ name: 'a', adapter: undefined });
  expect(law.model).toBe(plain.model);
  expect(events).toEqual(['load a']);
  expect(pool.find('a-law').state).toBe('loaded');
  expect(() => pool.find('law')).toThrow(/a, a-law, b/);
});

it('makes room by closing the model that was used longest ago, never one in use', async () => {
  const { events, source } = makeLog();
  const pool = new ModelPool({
    sources: [source('a', 4), source('b', 4), source('c', 4), source('huge', 11)],
    memoryBytes: 10,
  });
  for (const name of ['a', 'b', 'a']) (await pool.use(name))[Symbol.dispose]();
  const c = await pool.use('c');
  expect(events).toEqual(['load a', 'load b', 'close b', 'load c']);
  const a = await pool.use('a');
  await expect(pool.use('b')).rejects.toMatchObject({ code: 'CORRAL_MODELS_BUSY' });
  await expect(pool.use('huge')).rejects.toMatchObject({ code: 'CORRAL_MODEL_MEMORY_EXCEEDED' });
  c[Symbol.dispose]();
  c[Symbol.dispose]();
  using _b = await pool.use('b');
  expect(events.slice(4)).toEqual(['close c', 'load b']);
  a[Symbol.dispose]();
});

it('closes a model that nobody used for a while, and loads it again when asked', async () => {
  const { events, source } = makeLog();
  const pool = new ModelPool({ sources: [source('a')], unloadAfterMs: 20 });
  const lease = await pool.use('a');
  await new Promise((resolve) => setTimeout(resolve, 60));
  expect(events).toEqual(['load a']);
  lease[Symbol.dispose]();
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(events).toEqual(['load a', 'close a']);
  using _again = await pool.use('a');
  expect(events.at(-1)).toBe('load a');
});

it('tries again after a load that failed, and says which model it was', async () => {
  let fails = true;
  const { source } = makeLog();
  const good = source('a');
  const load = async (): Promise<ServedModel> => {
    if (fails) throw new Error('/secret/path is gone');
    return good.load();
  };
  const pool = new ModelPool({ sources: [{ ...good, load }] });
  await expect(pool.use('a')).rejects.toMatchObject({
    code: 'CORRAL_MODEL_LOAD_FAILED',
    message: 'The model a could not be loaded.',
  });
  fails = false;
  using lease = await pool.use('a');
  expect(lease.name).toBe('a');
});

it('serves nothing after it was closed', async () => {
  const { events, source } = makeLog();
  const pool = new ModelPool({ sources: [source('a')] });
  (await pool.use('a'))[Symbol.dispose]();
  await pool.close();
  expect(events).toEqual(['load a', 'close a']);
  await expect(pool.use('a')).rejects.toMatchObject({ code: 'CORRAL_SERVER_DRAINING' });
  await expect(pool.use('b')).rejects.toThrow('The model b is not served here. There are: a.');
});
