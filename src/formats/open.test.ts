import { copyFile, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectSameTensors } from '../../test/compare-checkpoints.ts';
import { hasSharedData, sharedData } from '../../test/shared-data.ts';
import { tinyCheckpoint, tinyConfig } from '../../test/tiny-llama.ts';
import { writeMetaFolder } from '../../test/write-meta-folder.ts';
import { convertCheckpoint } from './convert.ts';
import { writeGguf } from './gguf-write.ts';
import { openCheckpoint, openTokenizer } from './open.ts';

let folder = '';
const model = tinyCheckpoint(tinyConfig({ dim: 32, heads: 4, layers: 1 }));
const params = { dim: 32, n_layers: 1, n_heads: 4, n_kv_heads: 2, vocab_size: -1 };
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'corral-open-'));
  await convertCheckpoint(model, join(folder, 'model.gguf'), { type: 'f32' });
  await convertCheckpoint(model, join(folder, 'hf'), { type: 'f32' });
  await writeMetaFolder(model, join(folder, 'meta'), { shards: 2, params });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function expectOpens(path: string, format: string): Promise<void> {
  const opened = await openCheckpoint(path);
  expect(opened.format).toBe(format);
  expect(opened.path).toBe(path);
  await expectSameTensors(opened, model);
  await opened.close();
}

describe('openCheckpoint', () => {
  it('tells formats by contents, whatever the file is called', async () => {
    const odd = join(folder, 'odd');
    await mkdir(odd);
    await copyFile(join(folder, 'model.gguf'), join(odd, 'a.safetensors'));
    await expectOpens(join(odd, 'a.safetensors'), 'gguf');
    await copyFile(join(folder, 'hf', 'model.safetensors'), join(odd, 'weights.bin'));
    await copyFile(join(folder, 'hf', 'config.json'), join(odd, 'config.json'));
    await expectOpens(join(odd, 'weights.bin'), 'safetensors');
  });

  it('opens folders by what is in them', async () => {
    await expectOpens(join(folder, 'hf'), 'safetensors');
    await expectOpens(join(folder, 'meta'), 'meta');
    await expectOpens(join(folder, 'meta', 'params.json'), 'meta');
    const only = join(folder, 'only-gguf');
    await mkdir(only);
    await symlink(join(folder, 'model.gguf'), join(only, 'model.gguf'));
    const opened = await openCheckpoint(only);
    expect(opened.format).toBe('gguf');
    await opened.close();
  });

  it('says what it found where it finds nothing to open', async () => {
    const nothing = join(folder, 'nothing');
    await mkdir(nothing);
    await writeFile(join(folder, 'text.txt'), 'hello, world');
    await writeFile(join(folder, 'empty'), '');
    for (const [path, code, found] of [
      [join(folder, 'absent'), 'CORRAL_FILE_NOT_FOUND', 'absent'],
      [nothing, 'CORRAL_FORMAT_UNKNOWN', 'no files'],
      [folder, 'CORRAL_FOLDER_AMBIGUOUS', 'model.gguf, second.gguf'],
      [join(folder, 'text.txt'), 'CORRAL_FORMAT_UNKNOWN', '12 bytes'],
      [join(folder, 'empty'), 'CORRAL_FORMAT_UNKNOWN', 'no bytes'],
    ] as const) {
      if (path === folder) await copyFile(join(folder, 'model.gguf'), join(folder, 'second.gguf'));
      await expect(openCheckpoint(path), path).rejects.toMatchObject({
        code,
        message: expect.stringContaining(found),
      });
    }
  });

  it('finds damage where only the name says what a file is, and before it asks for a config', async () => {
    const [gguf, hf, meta] = (await Promise.all(
      [
        join(folder, 'model.gguf'),
        join(folder, 'hf', 'model.safetensors'),
        join(folder, 'meta', 'consolidated.00.pth'),
      ].map((path) => readFile(path)),
    )) as [Buffer, Buffer, Buffer];
    const bare = join(folder, 'bare');
    await mkdir(bare);
    const swapped = Buffer.from(hf);
    swapped.subarray(0, 8).swap64();
    for (const [name, bytes, found] of [
      ['four.gguf', gguf.subarray(0, 4), /byte 4: expected the GGUF version/],
      ['page.gguf', Buffer.from('<!DOCTYPE html>'), /byte 0: expected the magic GGUF/],
      ['swapped.safetensors', swapped, /byte 0: expected length of the header of at most/],
      ['short.safetensors', hf.subarray(0, 40), /byte 0: expected a header inside the file/],
      ['cut.safetensors', hf.subarray(0, -8), /expected \d+ bytes of tensors/],
      ['no.safetensors', Buffer.alloc(0), /only 0 bytes left/],
      ['cut.pt', meta.subarray(0, meta.length >> 1), /the file may be cut off/],
    ] as const) {
      await writeFile(join(bare, name), bytes);
      await expect(openCheckpoint(join(bare, name)), name).rejects.toMatchObject({
        code: 'CORRAL_FORMAT_DAMAGED',
        message: expect.stringMatching(found),
      });
    }
  });

  it('says which weights a folder lacks', async () => {
    for (const [name, expected] of [
      ['config.json', 'model.safetensors'],
      ['params.json', 'consolidated.00.pth'],
    ] as const) {
      const lacking = join(folder, `lacking-${name}`);
      await mkdir(lacking);
      await writeFile(join(lacking, name), '{}');
      await expect(openCheckpoint(lacking)).rejects.toMatchObject({
        code: 'CORRAL_WEIGHTS_MISSING',
        message: expect.stringContaining(expected),
      });
    }
    const shards = join(folder, 'one-of-two');
    await mkdir(shards);
    for (const name of ['params.json', 'consolidated.00.pth']) {
      await copyFile(join(folder, 'meta', name), join(shards, name));
    }
    await expect(openCheckpoint(shards)).rejects.toMatchObject({
      code: 'CORRAL_SHARDS_MISSING',
      message: expect.stringMatching(/has 1; .* suggest 2/),
    });
  });

  it('calls a config that is none by its name, and no download damaged', async () => {
    const bad = join(folder, 'bad.json');
    await writeFile(bad, '# Heads\n\nn_heads: 4');
    const opened = openCheckpoint(join(folder, 'model.gguf'), { config: bad });
    await expect(opened).rejects.toMatchObject({
      code: 'CORRAL_CONFIG_INVALID',
      message: expect.stringMatching(/bad\.json: the file must be JSON, found .*valid JSON\.$/),
    });
  });

  it('takes a config from a file or an object, and says when the file is not there', async () => {
    const pt = join(folder, 'tuned.pt');
    await writeMetaFolder(model, join(folder, 'one'), { shards: 1, params });
    await copyFile(join(folder, 'one', 'consolidated.00.pth'), pt);
    await expect(openCheckpoint(pt)).rejects.toMatchObject({ code: 'CORRAL_CONFIG_NEEDED' });
    for (const config of [
      params,
      join(folder, 'one', 'params.json'),
      join(folder, 'hf', 'config.json'),
    ]) {
      const opened = await openCheckpoint(pt, { config });
      expect(opened.config).toMatchObject({ heads: 4, kvHeads: 2, headDim: 8 });
      await expectSameTensors(opened, model);
      await opened.close();
    }
    await expect(openCheckpoint(pt, { config: join(folder, 'no.json') })).rejects.toMatchObject({
      code: 'CORRAL_FILE_NOT_FOUND',
    });
  });

  it('reads JSON files that begin with a byte order mark', async () => {
    const marked = join(folder, 'marked');
    await mkdir(marked);
    await copyFile(join(folder, 'hf', 'model.safetensors'), join(marked, 'model.safetensors'));
    const config = await readFile(join(folder, 'hf', 'config.json'), 'utf8');
    await writeFile(join(marked, 'config.json'), `\ufeff${config}`);
    const vocab = { '<unk>': 0, '\u2581': 1, a: 2, '\u2581a': 3 };
    const normalizer = { type: 'Replace', pattern: { String: ' ' }, content: '\u2581' };
    const json = { normalizer, model: { type: 'BPE', vocab, merges: ['\u2581 a'] } };
    await writeFile(join(marked, 'tokenizer.json'), `\ufeff${JSON.stringify(json)}`);
    await expectOpens(marked, 'safetensors');
    const tokenizer = await openTokenizer(join(marked, 'tokenizer.json'));
    expect(tokenizer.encode(' a')).toEqual([3]);
  });

  it('lets another tokenizer take the place of its own', async () => {
    const other = join(folder, 'hf', 'tokenizer.model');
    for (const tokenizer of [other, join(folder, 'model.gguf'), join(folder, 'hf')]) {
      const opened = await openCheckpoint(join(folder, 'meta'), { tokenizer });
      expect((await opened.tokenizer())?.size).toBe(288);
      await opened.close();
    }
    const wrong = openCheckpoint(join(folder, 'meta'), { tokenizer: join(folder, 'text.txt') });
    await expect(wrong).rejects.toMatchObject({ code: 'CORRAL_TOKENIZER_UNKNOWN' });
  });
});

describe('openTokenizer', () => {
  it('names what a JSON file lacks to be a tokenizer', async () => {
    const path = join(folder, 'package.json');
    for (const [json, message] of [
      [{ name: 'x' }, 'model must be an object, found nothing'],
      [{ model: { vocab: [] } }, 'model.vocab must be an object of pieces and ids, found []'],
      [{ model: { vocab: {}, merges: [7] } }, 'model.merges.0 must be'],
      [
        { added_tokens: [{ id: -1 }], model: { vocab: {} } },
        'added_tokens.0.id must be at least 0, found -1',
      ],
    ] as const) {
      await writeFile(path, JSON.stringify(json));
      const error: unknown = await openTokenizer(path).catch((cause: unknown) => cause);
      expect(error).toMatchObject({ code: 'CORRAL_CONFIG_INVALID' });
      expect((error as Error).message).toContain(message);
      expect((error as Error).message).not.toMatch(/Invalid|undefined/);
    }
  });

  it('reads the tokenizer.model beside a GGUF that has no tokenizer', async () => {
    const both = join(folder, 'both');
    await mkdir(both);
    await writeGguf(join(both, 'empty.gguf'), { metadata: new Map(), tensors: [] });
    await expect(openTokenizer(both)).rejects.toMatchObject({ code: 'CORRAL_TOKENIZER_UNKNOWN' });
    await copyFile(join(folder, 'hf', 'tokenizer.model'), join(both, 'tokenizer.model'));
    expect((await openTokenizer(both)).size).toBe(288);
  });
});

describe.skipIf(!hasSharedData)('openTokenizer (needs the shared data)', () => {
  it.each([
    ['llama2-tokenizer', 'tokenizer.model'],
    ['llama2-tokenizer', 'tokenizer.bin'],
    ['llama2-tokenizer', 'phi-3-mini-tokenizer.json'],
    ['llama2-tokenizer', 'ggml-vocab-llama-spm.gguf'],
    ['llama2-tokenizer', 'hf'],
    // a vocabulary-only GGUF beside a tokenizer.model
    ['llama2-tokenizer'],
    ['llama-2-tiny-random-gguf', 'llama-2-tiny-random.gguf'],
  ])('reads %s %s, the same Llama 2 tokens each time', async (...parts) => {
    const tokenizer = await openTokenizer(sharedData(...parts));
    expect(tokenizer.encode('Hello World', { bos: true })).toEqual([1, 15043, 2787]);
  });

  it('keeps every piece of a GGUF, U+FEFF too, also through a folder', async () => {
    const gguf = sharedData('llama-2-tiny-random-gguf', 'llama-2-tiny-random.gguf');
    const out = join(folder, 'from-gguf');
    const checkpoint = await openCheckpoint(gguf);
    await convertCheckpoint(checkpoint, out, { type: 'f32' });
    await checkpoint.close();
    const original = await openTokenizer(sharedData('llama2-tokenizer', 'tokenizer.model'));
    const pieces = Array.from({ length: original.size }, (_, id) => original.piece(id));
    expect(pieces[30143]).toBe('\ufeff');
    for (const path of [gguf, out]) {
      const tokenizer = await openTokenizer(path);
      expect(tokenizer.encode('a\ufeffb')).toEqual([263, 30143, 29890]);
      expect(pieces.filter((piece, id) => tokenizer.piece(id) !== piece)).toEqual([]);
    }
  });

  it('says so where a checkpoint has none', async () => {
    const opened = openTokenizer(sharedData('stories260K', 'stories260K.bin'));
    await expect(opened).rejects.toMatchObject({ code: 'CORRAL_TOKENIZER_UNKNOWN' });
  });
});
