// A data section from YAML-like values to batches, and what its schema refuses.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasSharedData, sharedData } from '../../../test/shared-data.ts';
import { type Tokenizer, tokenizerFromSentencePiece } from '../../tokenizer/index.ts';
import type { Batch, BatchSource } from '../batch.ts';
import { dataSchema } from './data-schema.ts';
import { type OpenedData, openData } from './open-data.ts';

const golden = JSON.parse(
  readFileSync(
    join(import.meta.dirname, '..', '..', 'tokenizer', 'golden', 'trained.json'),
    'utf8',
  ),
) as { readonly model: string };
const small = tokenizerFromSentencePiece(Buffer.from(golden.model, 'base64'), 'trained.model');

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'corral-open-'));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function open(
  section: Readonly<Record<string, unknown>>,
  options: {
    readonly tokenizer?: Tokenizer;
    readonly context?: number;
    readonly seed?: number;
  } = {},
): Promise<OpenedData> {
  const { tokenizer = small, context = 64, seed = 1 } = options;
  const recipe = dataSchema.parse({ cache: 'tokens', ...section });
  return openData(recipe, { tokenizer, template: 'llama-2', context, seed, folder });
}

function wholeOf(source: BatchSource | undefined): Batch[] {
  const steps = source?.stepsPerEpoch ?? 0;
  return Array.from({ length: steps }, (_, step) => source?.step(step) ?? []).flat();
}

const targetsIn = (batches: readonly Batch[]): number =>
  batches.reduce((sum, { targets }) => sum + targets.length, 0);

describe('the data of a recipe', () => {
  it('are read beside the recipe, trained on and held out', async () => {
    writeFileSync(
      join(folder, 'a.txt'),
      'the llama\n\nwalked over\n\nthe hill\n\nthe hat\n\nits hat',
    );
    const text = { path: 'a.txt', separator: '\n\n', repeat: 3 };
    const data = await open({ train: text, heldOut: 0.2, batch: 2, context: 8 });
    expect(data.sources).toMatchObject([{ path: 'a.txt', examples: 5, badRows: 0 }]);
    const lengths = ['the llama', 'walked over', 'the hill', 'the hat', 'its hat'].map(
      (one) => small.encode(one).length + 1,
    );
    const training = lengths.slice(0, 4).reduce((sum, length) => sum + length, 0);
    expect(targetsIn(wholeOf(data.train))).toBe(3 * training);
    expect(targetsIn(wholeOf(data.heldOut))).toBe(lengths[4]);
    await data.close();
  });

  it('have a hash of content and of how batches are drawn', async () => {
    writeFileSync(join(folder, 'b.txt'), 'the llama walked over the hill');
    const hashOf = async (more: Readonly<Record<string, unknown>>, seed = 1): Promise<string> => {
      const data = await open({ train: 'b.txt', ...more }, { seed });
      await data.close();
      return data.train.hash;
    };
    const hashes = [
      await hashOf({}),
      await hashOf({ batch: 3 }),
      await hashOf({ layout: 'windows', context: 4 }),
      await hashOf({}, 2),
    ];
    expect(new Set(hashes).size).toBe(4);
    expect(await hashOf({})).toBe(hashes[0]);
  });

  it('may come from several files, with others for evaluation', async () => {
    writeFileSync(join(folder, 'c.txt'), 'the llama');
    writeFileSync(join(folder, 'd.jsonl'), '{"text":"the hill"}\nbad\n');
    const data = await open({
      train: ['c.txt', { path: 'd.jsonl' }],
      validation: 'c.txt',
      badRows: 'skip',
    });
    expect(data.sources.map(({ path, badRows }) => [path, badRows])).toEqual([
      ['c.txt', 0],
      ['d.jsonl', 1],
      ['c.txt', 0],
    ]);
    expect(targetsIn(wholeOf(data.heldOut))).toBe(3);
    await data.close();
    await expect(open({ train: ['c.txt', 'd.jsonl'] })).rejects.toThrow(/Line 2 of .*d\.jsonl/);
  });

  it('say when nothing fits', async () => {
    writeFileSync(join(folder, 'e.txt'), 'the llama');
    await expect(open({ train: 'e.txt', context: 1, overlong: 'drop' })).rejects.toThrow(
      'no example fits the context of 1 tokens',
    );
    await expect(open({ train: 'e.txt', layout: 'windows' })).rejects.toThrow(
      'it has no stretch of 65 tokens',
    );
  });
});

describe('the schema of a data section', () => {
  const refuse = (section: unknown): string[] =>
    dataSchema
      .safeParse(section)
      .error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`) ?? [];

  it('fills in defaults', () => {
    expect(dataSchema.parse({ train: 'x.txt' })).toEqual({
      train: [{ path: 'x.txt', format: 'auto', repeat: 1 }],
      heldOut: 0,
      learn: 'assistant',
      eos: true,
      layout: 'packed',
      batch: 16,
      microRows: 4096,
      bucketing: false,
      overlong: 'auto',
      badRows: 'fatal',
    });
  });

  it('refuses what does not go together, and fields that are not there', () => {
    expect(refuse({ train: 'x', heldOut: 0.1, validation: 'y' })).toEqual([
      'heldOut: 0, beside `validation`',
    ]);
    expect(refuse({ train: 'x', bucketing: true })).toHaveLength(1);
    expect(refuse({ train: [{ path: 'x', formt: 'plain' }] })[0]).toContain('formt');
    expect(refuse({})).toHaveLength(1);
    expect(refuse({ train: [] })).toHaveLength(1);
  });
});

describe.skipIf(!hasSharedData)('real data (needs ../shared/data)', () => {
  it('splits tinyshakespeare where nanoGPT does, and covers all that is held out', async () => {
    const path = sharedData('tinyshakespeare', 'input.txt');
    const text = readFileSync(path, 'utf8');
    const section = { train: path, heldOut: 0.1, bos: false, eos: false, context: 64 };
    const characters: Tokenizer = {
      ...small,
      kind: 'huggingface',
      size: 128,
      addsBos: false,
      bos: undefined,
      eos: undefined,
      controls: new Map(),
      piece: (id) => String.fromCharCode(id),
      encode: (part) => Array.from(part, (one) => one.charCodeAt(0)),
    };
    const data = await open({ ...section, layout: 'windows' }, { tokenizer: characters });
    const split = Math.floor(0.9 * text.length);
    const held = wholeOf(data.heldOut);
    expect(targetsIn(held)).toBe(text.length - split - 1);
    expect(String.fromCharCode(...(held[0]?.tokens.subarray(0, 64) ?? []))).toBe(
      text.slice(split, split + 64),
    );
    await data.close();
  });

  it('packs a chat set of a thousand into bins that are 98 % full', async () => {
    const path = sharedData('llama2-tokenizer', 'tokenizer.model');
    const tokenizer = tokenizerFromSentencePiece(readFileSync(path), path);
    const train = sharedData('llama-factory-demo', 'alpaca_en_demo.json');
    const data = await open({ train, context: 512, batch: 1 }, { tokenizer });
    const rows = wholeOf(data.train).reduce((sum, { tokens }) => sum + tokens.length, 0);
    expect(rows / ((data.train.stepsPerEpoch as number) * 512)).toBeGreaterThan(0.98);
    expect(data.sources[0]).toMatchObject({ examples: 999, badRows: 0 });
    await data.close();
  });
});
