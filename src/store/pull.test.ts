// Pulls against a local hub: what arrives, and what happens when connections, bytes or names are bad.
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type HubRepository, type HubServer, startHubServer } from '../../test/hub-server.ts';
import type { Progress } from '../base/progress.ts';
import { listModels, listUnfinished, removeModel, resolveModel } from './models.ts';
import { type PullOptions, pull } from './pull.ts';

function bytes(length: number, seed: number): Uint8Array {
  const out = new Uint8Array(length);
  let state = seed;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    out[i] = state >>> 24;
  }
  return out;
}

const shards: HubRepository = {
  files: {
    'config.json': '{"model_type":"llama"}',
    'tokenizer.model': bytes(5000, 1),
    'model-00001-of-00002.safetensors': bytes(300_000, 2),
    'model-00002-of-00002.safetensors': bytes(200_000, 3),
    'model.safetensors.index.json': '{}',
    'pytorch_model-00001-of-00001.bin': bytes(4000, 4),
    'original/consolidated.00.pth': bytes(4000, 5),
    'README.md': '# hello',
    empty: '',
  },
  licence: 'apache-2.0',
};
const shardPath = 'model-00001-of-00002.safetensors';

let store: string;
let hub: HubServer;

beforeEach(async () => {
  store = mkdtempSync(join(tmpdir(), 'corral-store-'));
  hub = await startHubServer({ 'ranch/llama': shards });
});

afterEach(async () => {
  await hub.close();
  rmSync(store, { recursive: true, force: true });
});

function options(more: PullOptions = {}): PullOptions {
  return { store, hubUrl: hub.url, env: {}, retryDelayMs: 1, segmentBytes: 65536, ...more };
}

describe('pull', () => {
  it('fetches safetensors with config and tokenizer, and nothing that doubles them', async () => {
    const seen: Progress[] = [];
    const model = await pull('ranch/llama', options({ onProgress: (p) => seen.push(p) }));
    expect(model.fresh).toBe(true);
    expect(readdirSync(model.path).sort()).toEqual([
      'config.json',
      'model-00001-of-00002.safetensors',
      'model-00002-of-00002.safetensors',
      'model.safetensors.index.json',
      'tokenizer.model',
    ]);
    for (const { path } of model.files) {
      expect(readFileSync(join(model.path, path))).toEqual(Buffer.from(shards.files[path] ?? ''));
    }
    expect(seen.at(0)?.done).toBe(0);
    const downloading = seen.filter((progress) => progress.task.startsWith('Pulling'));
    expect(downloading.at(-1)).toMatchObject({ done: model.bytes, total: model.bytes });
    expect((await listModels({ store })).map((each) => each.name)).toEqual(['ranch/llama']);
    expect((await resolveModel('ranch/llama', { store })).path).toBe(model.path);
    expect(await listUnfinished({ store })).toEqual([]);
  });

  it('finds a model that is there already without fetching it again', async () => {
    await pull('ranch/llama', options());
    hub.requests.length = 0;
    const again = await pull('ranch/llama', options());
    expect(again.fresh).toBe(false);
    expect(hub.requests.filter((request) => request.path.includes('/resolve/'))).toEqual([]);
  });

  it('replaces the older commit when the repository has moved on', async () => {
    const first = await pull('ranch/llama', options());
    hub.repositories['ranch/llama'] = {
      ...shards,
      files: { ...shards.files, 'config.json': '{"model_type":"llama","rev":2}' },
    };
    const second = await pull('ranch/llama', options());
    expect(second.commit).not.toBe(first.commit);
    expect(existsSync(first.folder)).toBe(false);
    expect(await listModels({ store })).toHaveLength(1);
  });

  it('goes on after a cut connection from the byte where it was cut', async () => {
    hub.faults.cut = { [shardPath]: { afterBytes: 20_000, times: 3 } };
    const model = await pull('ranch/llama', options({ parallel: 1, segmentBytes: 2 ** 20 }));
    expect(readFileSync(join(model.path, shardPath))).toEqual(
      Buffer.from(shards.files[shardPath] ?? ''),
    );
    const ranges = hub.requests
      .filter((request) => request.origin === 'storage' && request.path.includes(shardPath))
      .map((request) => request.range);
    expect(ranges).toEqual([
      'bytes=0-299999',
      'bytes=20000-299999',
      'bytes=40000-299999',
      'bytes=60000-299999',
    ]);
  });

  it('gives up after as many fruitless attempts as allowed, and keeps what it has', async () => {
    hub.faults.cut = { [shardPath]: { afterBytes: 0, times: 1000 } };
    await expect(pull('ranch/llama', options({ retries: 2 }))).rejects.toMatchObject({
      code: 'CORRAL_HUB_UNREACHABLE',
    });
    expect(await listModels({ store })).toEqual([]);
    expect(await listUnfinished({ store })).toMatchObject([{ name: 'ranch/llama' }]);
    hub.faults.cut = {};
    expect((await pull('ranch/llama', options())).fresh).toBe(true);
  });

  it('waits out a hub that is busy for a while', async () => {
    hub.faults.busy = 3;
    expect((await pull('ranch/llama', options())).fresh).toBe(true);
  });

  it('gives up a connection that brings nothing and makes a new one', async () => {
    const hanging: typeof fetch = (input, init) => {
      hung++;
      if (hung !== 4) return fetch(input, init);
      return new Promise((_, reject) =>
        init?.signal?.addEventListener('abort', () => reject(new Error('given up'))),
      );
    };
    let hung = 0;
    const model = await pull('ranch/llama', options({ fetch: hanging, stallMs: 50 }));
    expect(model.fresh).toBe(true);
  });

  it('works with a mirror that ignores ranges', async () => {
    hub.faults.ignoreRanges = true;
    const model = await pull('ranch/llama', options());
    expect(readFileSync(join(model.path, shardPath))).toEqual(
      Buffer.from(shards.files[shardPath] ?? ''),
    );
  });

  it('reads a listing that comes in pages', async () => {
    hub.faults.pageSize = 2;
    expect((await pull('ranch/llama', options())).files).toHaveLength(5);
  });

  for (const file of [shardPath, 'config.json']) {
    it(`fetches ${file} again when a byte of it arrived wrong`, async () => {
      hub.faults.corrupt = { [file]: { byte: 7, times: 1 } };
      const model = await pull('ranch/llama', options());
      expect(readFileSync(join(model.path, file))).toEqual(Buffer.from(shards.files[file] ?? ''));
    });

    it(`says so when ${file} arrives wrong twice, and lists nothing`, async () => {
      hub.faults.corrupt = { [file]: { byte: 7, times: 2 } };
      await expect(pull('ranch/llama', options())).rejects.toMatchObject({
        code: 'CORRAL_DOWNLOAD_CORRUPTED',
        data: { file },
      });
      expect(await listModels({ store })).toEqual([]);
    });
  }

  it('stops when asked to, and takes up again later', async () => {
    hub.faults.delayMs = 5;
    const stop = new AbortController();
    const pulling = pull(
      'ranch/llama',
      options({
        signal: stop.signal,
        onProgress: ({ done }) => {
          if (done > 100_000) stop.abort();
        },
      }),
    );
    await expect(pulling).rejects.toMatchObject({ code: 'CORRAL_ABORTED' });
    hub.faults.delayMs = 0;
    const seen: number[] = [];
    await pull('ranch/llama', options({ onProgress: ({ done }) => seen.push(done) }));
    expect(seen[0]).toBeGreaterThan(100_000);
  });

  it('lets the second of two pulls of one model wait for the first', async () => {
    hub.faults.delayMs = 1;
    const said: string[] = [];
    const logger = { warn: (message: string) => said.push(message), debug: () => {} };
    const both = await Promise.all([
      pull('ranch/llama', options({ logger })),
      pull('ranch/llama', options({ logger })),
    ]);
    expect(both.map((model) => model.fresh).sort()).toEqual([false, true]);
    expect(said).toEqual([expect.stringContaining(`process ${process.pid}`)]);
  });

  it('keeps a choice of files by patterns apart from the whole model', async () => {
    await pull('ranch/llama', options());
    const some = await pull('ranch/llama', options({ include: ['empty', 'README.*'] }));
    expect(readdirSync(some.path).sort()).toEqual(['README.md', 'empty']);
    expect(some.name).toMatch(/^ranch\/llama:include-[0-9a-f]{8}$/);
    expect(await listModels({ store })).toHaveLength(2);
    expect((await resolveModel('ranch/llama', { store })).files).toHaveLength(5);
  });

  it('says when the store cannot be written', async () => {
    const blocked = join(store, 'file');
    writeFileSync(blocked, '');
    await expect(
      pull('ranch/llama', options({ store: join(blocked, 'store') })),
    ).rejects.toMatchObject({
      code: 'CORRAL_FILE_UNWRITABLE',
    });
  });

  it('asks the hub anew when the storage it points to refuses', async () => {
    hub.faults.refuse = { [shardPath]: 2 };
    expect((await pull('ranch/llama', options())).fresh).toBe(true);
  });

  it('checks the room on the disk before it fetches', async () => {
    const freeBytes = async (): Promise<number> => 1000;
    await expect(pull('ranch/llama', options({ freeBytes }))).rejects.toMatchObject({
      code: 'CORRAL_STORE_FULL',
      data: { free: 1000 },
    });
  });
});

describe('pull from places that refuse', () => {
  it('names the repository that does not exist', async () => {
    await expect(pull('ranch/nothing', options())).rejects.toMatchObject({
      code: 'CORRAL_HUB_NOT_FOUND',
      message: expect.stringContaining('ranch/nothing'),
    });
  });

  it('names a revision that does not exist', async () => {
    await expect(pull('ranch/llama@v9', options())).rejects.toMatchObject({
      code: 'CORRAL_HUB_NOT_FOUND',
    });
  });

  it('explains a gated repository without a token, and with one that may not read it', async () => {
    hub.repositories['meta/gated'] = { ...shards, gated: { token: 'hf_good' } };
    const refused = pull('meta/gated', options());
    await expect(refused).rejects.toMatchObject({
      code: 'CORRAL_HUB_GATED',
      message: expect.stringContaining('no token'),
      hint: expect.stringContaining(`${hub.url}/meta/gated`),
    });
    await expect(
      pull('meta/gated', options({ env: { HF_TOKEN: 'hf_bad' } })),
    ).rejects.toMatchObject({ message: expect.stringContaining('refused the token') });
  });

  it('sends the token to the hub and to no other origin', async () => {
    hub.repositories['meta/gated'] = { ...shards, gated: { token: 'company-token', hidden: true } };
    const env = { HUGGING_FACE_HUB_TOKEN: 'company-token' };
    await pull('meta/gated', options({ env }));
    const of = (origin: string): Set<string | undefined> =>
      new Set(hub.requests.filter((r) => r.origin === origin).map((r) => r.authorization));
    expect(of('hub')).toEqual(new Set(['Bearer company-token']));
    expect(of('storage')).toEqual(new Set([undefined]));
  });

  it('takes the mirror from HF_ENDPOINT when none is named', async () => {
    const env = { HF_ENDPOINT: `${hub.url}/` };
    expect((await pull('ranch/llama', options({ hubUrl: undefined, env }))).hubUrl).toBe(hub.url);
  });

  it('refuses an address that is none', async () => {
    await expect(pull('ranch/llama', options({ hubUrl: 'file:///etc' }))).rejects.toMatchObject({
      code: 'CORRAL_OPTION_INVALID',
    });
  });

  it('says when nothing listens at the address', async () => {
    const hubUrl = 'http://127.0.0.1:1';
    await expect(pull('ranch/llama', options({ hubUrl, retries: 1 }))).rejects.toMatchObject({
      code: 'CORRAL_HUB_UNREACHABLE',
    });
  });

  it('takes a page of text for what it is', async () => {
    const page: typeof fetch = async () => new Response('<html>log in</html>');
    await expect(pull('ranch/llama', options({ fetch: page }))).rejects.toMatchObject({
      code: 'CORRAL_HUB_ANSWER_INVALID',
    });
  });

  for (const name of [
    '../x.json',
    '/etc/passwd',
    'a/../../x',
    'a\\b',
    'C:x',
    'a//b',
    'x\u001b[2J',
  ]) {
    it(`refuses a listing with the file name ${JSON.stringify(name)}`, async () => {
      hub.repositories['evil/llama'] = { ...shards, extraNames: [name] };
      await expect(pull('evil/llama', options())).rejects.toMatchObject({
        code: 'CORRAL_HUB_ANSWER_INVALID',
      });
      expect(await listUnfinished({ store })).toEqual([]);
    });
  }

  for (const name of [
    'llama',
    '../x/y',
    'a/../b',
    'a/b/c',
    'a/b@../c',
    '.a/b',
    'a/b:../c',
    'a/ b',
  ]) {
    it(`refuses the model name ${name}`, async () => {
      await expect(pull(name, options())).rejects.toMatchObject({ code: 'CORRAL_OPTION_INVALID' });
      expect(hub.requests).toEqual([]);
    });
  }
});

describe('licences', () => {
  const text = 'LLAMA 2 COMMUNITY LICENSE AGREEMENT\nBe good.';
  beforeEach(() => {
    hub.repositories['meta/llama2'] = {
      licence: 'llama2',
      files: { ...shards.files, 'LICENSE.txt': text },
    };
    hub.repositories['other/llama2'] = { files: { ...shards.files, LICENSE: text } };
  });

  it('refuses Llama 2 files whose licence nobody accepted, before it fetches them', async () => {
    await expect(pull('meta/llama2', options())).rejects.toMatchObject({
      code: 'CORRAL_LICENCE_NOT_ACCEPTED',
      hint: expect.stringMatching(/Read it at http\S+\/meta\/llama2,.*--accept-licence/),
    });
    expect(hub.requests.filter((request) => request.path.includes('safetensors'))).toEqual([]);
  });

  it('shows the licence once and remembers the answer, also for files known by their text', async () => {
    const shown: string[] = [];
    const acceptLicence = async (licence: { text: string }): Promise<boolean> => {
      shown.push(licence.text);
      return true;
    };
    const model = await pull('meta/llama2', options({ acceptLicence }));
    expect(model.licence).toBe('llama2');
    expect(model.files.map((file) => file.path)).toContain('LICENSE.txt');
    expect((await pull('other/llama2', options({ acceptLicence }))).licence).toBe('llama2');
    expect(shown).toEqual([text]);
  });

  it('takes no for no', async () => {
    const acceptLicence = async (): Promise<boolean> => false;
    await expect(pull('meta/llama2', options({ acceptLicence }))).rejects.toMatchObject({
      code: 'CORRAL_LICENCE_NOT_ACCEPTED',
    });
  });
});

describe('a pull killed at any moment', () => {
  it('leaves a store that lists only whole models, and goes on afterwards', async () => {
    hub.faults.delayMs = 2;
    const script = pullScript();
    let finished = false;
    let killed = 0;
    let afterEvents = 1;
    for (let round = 0; round < 8 && !finished; round++) {
      finished = await runAndKill(script, afterEvents);
      if (!finished) killed++;
      afterEvents += 5;
      const listed = await listModels({ store });
      expect(listed).toHaveLength(finished ? 1 : listed.length);
      for (const model of listed) {
        for (const { path } of model.files) {
          const found = readFileSync(join(model.path, path));
          expect(found).toEqual(Buffer.from(shards.files[path] ?? ''));
        }
      }
    }
    hub.faults.delayMs = 0;
    const model = await pull('ranch/llama', options());
    expect(readFileSync(join(model.path, shardPath))).toEqual(
      Buffer.from(shards.files[shardPath] ?? ''),
    );
    expect(killed).toBeGreaterThan(0);
    expect(await listUnfinished({ store })).toEqual([]);
    await removeModel('ranch/llama', { store });
    expect(await listModels({ store })).toEqual([]);
  });
});

describe('a lock whose holder was killed', () => {
  it('is free at once for the pull that waits for it', async () => {
    hub.faults.delayMs = 20;
    const child = spawn(process.execPath, ['--input-type=module', '-e', pullScript()], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    await new Promise((resolve) => child.stdout.once('data', resolve));
    const said: string[] = [];
    const logger = {
      warn: (message: string): void => {
        said.push(message);
        hub.faults.delayMs = 0;
        child.kill('SIGKILL');
      },
      debug: (): void => {},
    };
    const model = await pull('ranch/llama', options({ logger }));
    expect(model.fresh).toBe(true);
    expect(said).toEqual([expect.stringContaining(`process ${child.pid}`)]);
  });
});

/** A program that pulls slowly and writes a dot for each sign of progress. */
function pullScript(): string {
  return `
    import { pull } from ${JSON.stringify(new URL('./pull.ts', import.meta.url).href)};
    await pull('ranch/llama', {
      store: ${JSON.stringify(store)}, hubUrl: ${JSON.stringify(hub.url)}, env: {},
      segmentBytes: 65536, parallel: 2, onProgress: () => process.stdout.write('.'),
    });`;
}

/** Runs a script and kills it after so many signs of life; true when it ended before. */
async function runAndKill(script: string, afterEvents: number): Promise<boolean> {
  const child: ChildProcess = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let events = 0;
  child.stdout?.on('data', (data: Buffer) => {
    events += data.length;
    if (events >= afterEvents) child.kill('SIGKILL');
  });
  const code = await new Promise((resolve) => child.on('exit', resolve));
  return code === 0;
}
