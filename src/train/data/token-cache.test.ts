// The token cache: tokenised once, never out of date, made again when damaged.
import {
  copyFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { tokenizerFromSentencePiece, trainTokenizer, WordCounts } from '../../tokenizer/index.ts';
import { type TokeniseOptions, tokeniseSource } from './token-cache.ts';
import { openTokenFile, writeTokenFile } from './token-file.ts';

const golden = JSON.parse(
  readFileSync(
    join(import.meta.dirname, '..', '..', 'tokenizer', 'golden', 'trained.json'),
    'utf8',
  ),
) as { readonly model: string };
const tokenizer = tokenizerFromSentencePiece(Buffer.from(golden.model, 'base64'), 'trained.model');

let folder: string;
let cache: string;
let warnings: string[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'corral-cache-'));
  cache = join(folder, 'cache');
  warnings = [];
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

const options = (more: Partial<TokeniseOptions> = {}): TokeniseOptions => ({
  tokenizer,
  template: undefined,
  system: undefined,
  learn: 'assistant',
  bos: true,
  eos: true,
  folder: cache,
  badRows: 'skip',
  logger: { warn: (message) => warnings.push(message), debug: () => {} },
  ...more,
});

function source(content: string, name = 'text.txt'): { path: string; format: 'auto' } {
  const path = join(folder, name);
  writeFileSync(path, content);
  return { path, format: 'auto' };
}

const cached = (): string[] => readdirSync(cache);

describe('the token cache', () => {
  it('holds what the tokenizer gives, and is read instead of made the second time', async () => {
    const text = 'the llama walked\nover the hill';
    const first = await tokeniseSource(source(text), options());
    const ids = tokenizer.encode(text, { bos: true, eos: true });
    const { tokens, learn } = first.read(0, ids.length);
    expect([...tokens]).toEqual(ids);
    expect([...learn]).toEqual(ids.map((_, at) => (at === 0 ? 0 : 1)));
    expect(first.facts).toMatchObject({ examples: 1, tokens: ids.length, width: 2, isText: true });
    await first.close();
    const path = join(cache, cached()[0] as string);
    const { mtimeMs, ino } = statSync(path);
    const second = await tokeniseSource(source(text), options());
    expect([...second.read(0, ids.length).tokens]).toEqual(ids);
    await second.close();
    expect(statSync(path)).toMatchObject({ mtimeMs, ino });
  });

  it('is another one for other content, tokenizer or option', async () => {
    const counts = new WordCounts();
    counts.add('the llama walked');
    const other = await trainTokenizer(counts, { vocabSize: 'characters', byteFallback: false });
    for (const [content, more] of [
      ['the llama', {}],
      ['the llamas', {}],
      ['the llama', { eos: false }],
      ['the llama', { tokenizer: other }],
    ] as const) {
      await (await tokeniseSource(source(content), options(more))).close();
    }
    expect(cached()).toHaveLength(4);
  });

  it('joins the parts of a long document without a seam', async () => {
    const text = 'the llama walked over the green hill\n'.repeat(40_000);
    const file = await tokeniseSource(source(text), options());
    const ids = tokenizer.encode(text, { bos: true, eos: true });
    expect(file.facts).toMatchObject({ examples: 1, tokens: ids.length, learned: ids.length - 1 });
    expect(Array.from(file.read(0, ids.length).tokens)).toEqual(ids);
    await file.close();
  });

  it.each([
    ['cut short', (bytes: Buffer): Buffer => bytes.subarray(0, -7)],
    ['altered', (bytes: Buffer): Buffer => Buffer.concat([Buffer.of(99), bytes.subarray(1)])],
    ['empty', (): Buffer => Buffer.alloc(0)],
  ])('is made again when a file is %s', async (_, damage) => {
    const text = 'the llama walked over the hill';
    await (await tokeniseSource(source(text), options())).close();
    const path = join(cache, cached()[0] as string);
    const whole = readFileSync(path);
    writeFileSync(path, damage(whole));
    await (await tokeniseSource(source(text), options())).close();
    expect(readFileSync(path)).toEqual(whole);
    expect(warnings).toEqual([expect.stringMatching(/is damaged at byte .* It is made again\./)]);
  });

  it('counts bad rows with line and reason, again when it comes from the cache', async () => {
    const rows = source('{"text":"the llama"}\nnope\n{"text":3}\n', 'rows.jsonl');
    for (let time = 0; time < 2; time++) {
      const file = await tokeniseSource(rows, options());
      expect(file.facts).toMatchObject({
        examples: 1,
        badRows: 2,
        firstBadRows: [
          { line: 2, reason: expect.stringContaining('not JSON') },
          { line: 3, reason: expect.stringContaining('text: ') },
        ],
      });
      await file.close();
    }
    const fatal = options({ badRows: 'fatal' });
    await expect(tokeniseSource(rows, fatal)).rejects.toMatchObject({
      code: 'CORRAL_DATA_ROW_INVALID',
      data: { line: 2 },
    });
    await expect(tokeniseSource(source('\n', 'none.jsonl'), options())).rejects.toThrow(
      'gives nothing to learn from: it is empty',
    );
  });

  it('leaves nothing behind when it is stopped', async () => {
    const signal = AbortSignal.abort();
    await expect(tokeniseSource(source('the llama'), options({ signal }))).rejects.toMatchObject({
      code: 'CORRAL_ABORTED',
    });
    const bad = source('{"text":"the"}\nnope', 'bad.jsonl');
    await expect(tokeniseSource(bad, options({ badRows: 'fatal' }))).rejects.toThrow('Line 2');
    expect(cached()).toEqual([]);
  });
});

describe('a token file', () => {
  it('keeps ids of a large vocabulary and their masks', async () => {
    const path = join(folder, 'large.tokens');
    const example = { tokens: Int32Array.of(0, 32768, 127_999), learn: Uint8Array.of(0, 1, 1) };
    await writeTokenFile(path, {
      vocab: 128_000,
      fill: async (sink) => {
        await sink.add(example, { closes: false, isText: false });
        await sink.add(example, { closes: true, isText: true });
      },
    });
    const file = await openTokenFile(path);
    expect(file.facts).toMatchObject({
      width: 4,
      examples: 1,
      tokens: 6,
      learned: 4,
      isText: false,
    });
    expect([...file.offsets]).toEqual([0, 6]);
    expect(file.read(3, 3)).toEqual(example);
    await file.close();
  });

  it('refuses any file that is none', async () => {
    const path = join(folder, 'no.tokens');
    copyFileSync(import.meta.filename, path);
    await expect(openTokenFile(path)).rejects.toMatchObject({ code: 'CORRAL_FORMAT_DAMAGED' });
  });
});
