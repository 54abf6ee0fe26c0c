// Names, listing and removal in stores made by hand.
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { storeFolder, storeLayout } from './folder.ts';
import { takeLock } from './lock.ts';
import { entryFolder, parseModelName, safeRelativePath } from './model-name.ts';
import { findModel, listModels, lockKey, removeModel, resolveModel } from './models.ts';

let store: string;

beforeEach(() => {
  store = mkdtempSync(join(tmpdir(), 'corral-models-'));
});

afterEach(() => {
  rmSync(store, { recursive: true, force: true });
});

function addModel(
  name: string,
  files: string[],
  commit = 'c0ffee',
  pulledAt = '2024-01-01',
): string {
  const parsed = parseModelName(name);
  const folder = join(storeLayout(store).models, parsed.owner, entryFolder(parsed, commit));
  mkdirSync(join(folder, 'files'), { recursive: true });
  for (const file of files) writeFileSync(join(folder, 'files', file), 'x');
  const manifest = {
    version: 1,
    name,
    repo: `${parsed.owner}/${parsed.name}`,
    commit,
    licence: null,
    hubUrl: 'https://huggingface.co',
    pulledAt,
    bytes: files.length,
    files: files.map((path) => ({ path, size: 1, hash: '00' })),
  };
  writeFileSync(join(folder, 'manifest.json'), JSON.stringify(manifest));
  return folder;
}

describe('the store', () => {
  it('lies where CORRAL_HOME says, or in the home folder', () => {
    expect(storeFolder({ CORRAL_HOME: '/srv/llamas' })).toBe('/srv/llamas');
    expect(storeFolder({ CORRAL_HOME: '' })).toMatch(/\.corral$/);
  });

  it('is empty before anything was pulled', async () => {
    expect(await listModels({ store: join(store, 'nowhere') })).toEqual([]);
    await expect(resolveModel('a/b', { store })).rejects.toMatchObject({
      code: 'CORRAL_MODEL_NOT_FOUND',
      message: expect.stringContaining('nothing yet'),
    });
  });

  it('opens the first part of a split GGUF, a folder of safetensors, or a single file', async () => {
    addModel('a/split:Q8_0', ['m-00002-of-00002.gguf', 'm-00001-of-00002.gguf', 'LICENSE']);
    addModel('a/shards', ['config.json', 'model.safetensors']);
    addModel('a/small:s.bin', ['s.bin', 'tokenizer.bin']);
    const paths = (await listModels({ store })).map((model) =>
      model.path.slice(model.folder.length),
    );
    expect(paths).toEqual(['/files', '/files/s.bin', '/files/m-00001-of-00002.gguf']);
  });

  it('finds a variant by the short name while it is the only one', async () => {
    addModel('a/b:Q4_0', ['x.gguf']);
    expect((await resolveModel('a/b', { store })).name).toBe('a/b:Q4_0');
    expect(await findModel('a/b:Q8_0', { store })).toBeUndefined();
    addModel('a/b:Q8_0', ['y.gguf']);
    await expect(resolveModel('a/b', { store })).rejects.toMatchObject({
      code: 'CORRAL_MODEL_AMBIGUOUS',
      message: expect.stringContaining('a/b:Q4_0, a/b:Q8_0'),
    });
    expect((await resolveModel('a/b:Q8_0', { store })).name).toBe('a/b:Q8_0');
  });

  it('takes no path, and no prose, for a name', async () => {
    for (const text of ['./a/b', '/a/b', 'hello', 'and/or what', '../a']) {
      expect(await findModel(text, { store })).toBeUndefined();
    }
  });

  it('lists the newer of two commits that a killed pull left, and removes both', async () => {
    const older = addModel('a/b', ['model.safetensors'], 'aaaa', '2024-01-01');
    const newer = addModel('a/b', ['model.safetensors'], 'bbbb', '2024-02-01');
    expect(await listModels({ store })).toMatchObject([{ commit: 'bbbb' }]);
    expect(await removeModel('a/b', { store })).toEqual({ name: 'a/b', bytes: 2 });
    expect([existsSync(older), existsSync(newer)]).toEqual([false, false]);
  });

  it('passes over folders that are no models', async () => {
    mkdirSync(join(store, 'models', 'a', 'junk'), { recursive: true });
    writeFileSync(join(store, 'models', 'a', 'junk', 'manifest.json'), '{"version":2');
    writeFileSync(join(store, 'models', 'file'), '');
    expect(await listModels({ store })).toEqual([]);
  });

  it('removes nothing while another task holds the model', async () => {
    const folder = addModel('a/b', ['model.safetensors']);
    const lock = takeLock(storeLayout(store).locks, lockKey('a/b'), 'a/b');
    await expect(removeModel('a/b', { store })).rejects.toMatchObject({
      code: 'CORRAL_STORE_BUSY',
      data: { holder: `process ${process.pid}` },
    });
    expect(existsSync(folder)).toBe(true);
    lock.release();
    lock.release();
    await removeModel('a/b', { store });
    expect(existsSync(folder)).toBe(false);
  });
});

describe('names', () => {
  it('reads owner, name, revision and selector', () => {
    expect(parseModelName('meta-llama/Llama-2-7b@v1.0:Q4_K_M')).toEqual({
      owner: 'meta-llama',
      name: 'Llama-2-7b',
      revision: 'v1.0',
      selector: 'Q4_K_M',
    });
  });

  it('gives different names different folders', () => {
    const names = ['a/b', 'a/b:c', 'a/b@c', 'a/b@c:d', 'a/b:c/d', 'a/b:c d'];
    const folders = names.map((name) => entryFolder(parseModelName(name), 'f00'));
    expect(new Set(folders).size).toBe(folders.length);
    for (const folder of folders) expect(folder).not.toMatch(/[/\\:]/);
  });

  it('lets only paths through that stay in their folder', () => {
    expect(safeRelativePath('original/params.json')).toBe('original/params.json');
    for (const path of [
      '',
      '.',
      '..',
      '../x',
      'a/..',
      '/x',
      'a//b',
      'a\\..\\b',
      'c:/x',
      'a\0b',
      'x ',
    ]) {
      expect(safeRelativePath(path)).toBeUndefined();
    }
  });
});
