// More rows in embedding and output: means by hand, everything else as it was.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tinyCheckpoint, tinyConfig, tinyTokenizer } from '../../test/tiny-llama.ts';
import { dequantize } from '../tensor/codecs/codec.ts';
import { rowBytes, type WeightDType } from '../tensor/dtype.ts';
import type { Checkpoint, TensorInfo } from './checkpoint.ts';
import { convertCheckpoint } from './convert.ts';
import { extendVocabulary } from './extend-vocabulary.ts';
import { openCheckpoint } from './open.ts';

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'corral-extend-'));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function rowOf(checkpoint: Checkpoint, name: string, row: number): Promise<number[]> {
  const info = checkpoint.tensors.get(name) as TensorInfo;
  const dtype = info.dtype as WeightDType;
  const dim = info.shape[1] as number;
  const width = rowBytes(dtype, dim);
  return [...dequantize(dtype, await checkpoint.read(name, row * width, width), dim)];
}

function meanOf(rows: readonly number[][]): number[] {
  const [first = []] = rows;
  return first.map((_, at) => rows.reduce((sum, row) => sum + (row[at] ?? 0), 0) / rows.length);
}

const larger = { tokenizer: tinyTokenizer(291), parts: [[10, 20, 30], [], [260]] };
const names = ['token_embd.weight', 'output.weight'];

describe('a checkpoint with a larger vocabulary', () => {
  it.each([
    ['f32', 48, 1e-7],
    ['q8_0', 64, 0.01],
  ] as const)(
    'has the mean of the old rows for each new piece, in %s',
    async (dtype, dim, bound) => {
      const config = tinyConfig({ dim, heads: dim / 8, kvHeads: 2 });
      const base = tinyCheckpoint(config, { dtype });
      const extended = await extendVocabulary(base, larger);
      expect(extended.config.vocab).toBe(291);
      for (const name of names) {
        const old = await Promise.all(
          Array.from({ length: 288 }, (_, row) => rowOf(base, name, row)),
        );
        expect(extended.tensors.get(name)).toMatchObject({ dtype, shape: [291, dim] });
        const expected = [
          meanOf([10, 20, 30].map((row) => old[row] as number[])),
          meanOf(old),
          old[260],
        ];
        for (const [at, row] of expected.entries()) {
          const found = await rowOf(extended, name, 288 + at);
          for (const [column, value] of (row as number[]).entries()) {
            expect(Math.abs((found[column] as number) - value)).toBeLessThan(bound);
          }
        }
        expect(await rowOf(extended, name, 287)).toEqual(old[287]);
      }
    },
  );

  it('takes the rows of padding first', async () => {
    const base = tinyCheckpoint(tinyConfig({ vocab: 292 }));
    const padded: Checkpoint = { ...base, tokenizer: async () => tinyTokenizer(288) };
    const extended = await extendVocabulary(padded, larger);
    expect(extended.config.vocab).toBe(292);
    for (const name of names) {
      expect(await rowOf(extended, name, 290)).toEqual(await rowOf(base, name, 260));
      expect(await rowOf(extended, name, 291)).toEqual(await rowOf(base, name, 291));
    }
  });

  it('is written and read again, tied or not, as any other', async () => {
    for (const tiedEmbeddings of [true, false]) {
      const base = tinyCheckpoint(tinyConfig({ tiedEmbeddings }));
      const out = join(folder, `tied-${tiedEmbeddings}.gguf`);
      await convertCheckpoint(await extendVocabulary(base, larger), out, { type: 'f32' });
      const again = await openCheckpoint(out);
      expect(again.config).toMatchObject({ vocab: 291, tiedEmbeddings });
      expect((await again.tokenizer())?.size).toBe(291);
      expect(await rowOf(again, 'token_embd.weight', 290)).toEqual(
        await rowOf(base, 'token_embd.weight', 260),
      );
      expect(await rowOf(again, 'blk.1.attn_q.weight', 5)).toEqual(
        await rowOf(base, 'blk.1.attn_q.weight', 5),
      );
      await again.close();
    }
  });

  it('refuses a tokenizer of another model', async () => {
    const other = { tokenizer: tinyTokenizer(400), parts: [[1]] };
    await expect(extendVocabulary(tinyCheckpoint(), other)).rejects.toMatchObject({
      code: 'CORRAL_TOKENIZER_MISMATCH',
    });
  });
});
