import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectSameTensors } from '../../test/compare-checkpoints.ts';
import { hasSharedData, sharedData } from '../../test/shared-data.ts';
import { tinyCheckpoint, tinyConfig } from '../../test/tiny-llama.ts';
import { writeMetaFolder } from '../../test/write-meta-folder.ts';
import { openCheckpoint } from './open.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'corral-meta-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

// The ratios of 70B in params.json (64/8 heads, ×1.3), small: 1.3 × int(2 × 4 × 128 / 3) = 443.3,
// rounded up to 448.
const geometry70b = tinyConfig({
  vocab: 320,
  dim: 128,
  heads: 64,
  kvHeads: 8,
  headDim: 2,
  feedForward: 448,
});
const model70b = tinyCheckpoint(geometry70b);
const params70b = {
  dim: 128,
  multiple_of: 64,
  ffn_dim_multiplier: 1.3,
  n_heads: 64,
  n_kv_heads: 8,
  n_layers: 2,
  norm_eps: 1e-5,
  vocab_size: -1,
};

describe('Meta folders', () => {
  it('joins the eight shards of the 70B geometry into the weights that were cut', async () => {
    const path = join(folder, '70b');
    await writeMetaFolder(model70b, path, { shards: 8, params: params70b });
    const opened = await openCheckpoint(path);
    expect(opened.config).toEqual({ ...geometry70b, context: 4096 });
    expect(opened.format).toBe('meta');
    await expectSameTensors(opened, model70b);
    await opened.close();
  });

  it('gives any stretch of a joined tensor as a stretch of the whole', async () => {
    const opened = await openCheckpoint(join(folder, '70b'));
    for (const name of ['token_embd.weight', 'blk.1.ffn_down.weight', 'blk.0.attn_q.weight']) {
      const bytes = opened.tensors.get(name)?.bytes ?? 0;
      const whole = await opened.read(name, 0, bytes);
      for (const [offset, length] of [
        [0, 3],
        [509, 7],
        [1021, 4099],
        [bytes - 5, 5],
        [bytes, 0],
      ] as const) {
        const part = await opened.read(name, offset, length);
        expect(Buffer.compare(part, whole.subarray(offset, offset + length))).toBe(0);
      }
    }
    await opened.close();
  });

  it('joins an embedding that was cut by rows, as Llama 3 cuts it', async () => {
    const path = join(folder, 'rows');
    await writeMetaFolder(model70b, path, { shards: 4, params: params70b, embedding: 'rows' });
    const opened = await openCheckpoint(path);
    await expectSameTensors(opened, model70b);
    await opened.close();
  });

  it('opens one shard by its path, mapped where it lies, also in a zip64 archive', async () => {
    const path = join(folder, 'single');
    await writeMetaFolder(model70b, path, { shards: 1, params: params70b, zip64: true });
    const opened = await openCheckpoint(join(path, 'consolidated.00.pth'));
    await expectSameTensors(opened, model70b);
    expect(opened.region('blk.0.attn_q.weight')?.path).toBe(join(path, 'consolidated.00.pth'));
    await opened.close();
  });

  it.each([
    [{ norm_eps: 1e-6 }, { normEps: 1e-6, context: 2048 }],
    [{ norm_eps: 1e-5 }, { normEps: 1e-5, context: 4096 }],
    [{ rope_theta: 1e6 }, { ropeTheta: 1e6, context: 16384 }],
    [{ rope_theta: 500000 }, { ropeTheta: 500000, context: 8192 }],
    [{ vocab_size: 320 }, { vocab: 320 }],
    [
      { rope_theta: 500000, use_scaled_rope: true, rope_scaling_factor: 8 },
      {
        context: 131072,
        ropeScaling: {
          kind: 'llama3',
          factor: 8,
          lowFrequencyFactor: 1,
          highFrequencyFactor: 4,
          originalContext: 8192,
        },
      },
    ],
  ])('believes params.json: %j', async (change, expected) => {
    const path = join(folder, 'believes');
    const params = { ...params70b, ...change };
    await writeMetaFolder(model70b, path, { shards: 1, params });
    const opened = await openCheckpoint(path);
    expect(opened.config).toMatchObject(expected);
    await opened.close();
  });

  it.each([
    [{ vocab_size: 32000 }, 'CORRAL_CONFIG_INVALID', 'vocab_size'],
    [{ dim: 4096 }, 'CORRAL_CONFIG_INVALID', 'dim'],
    [{ n_layers: 3 }, 'CORRAL_CONFIG_INVALID', 'n_layers'],
    [{ n_kv_heads: 7 }, 'CORRAL_CONFIG_INVALID', 'n_kv_heads'],
    [{ n_kv_heads: 4 }, 'CORRAL_TENSOR_SHAPE', 'attn_k'],
    [{ ffn_dim_multiplier: 1 }, 'CORRAL_CONFIG_INVALID', 'multiple_of'],
    [{ n_heads: undefined }, 'CORRAL_CONFIG_INVALID', 'n_heads'],
  ])('refuses params that the tensors contradict: %j', async (change, code, named) => {
    const path = join(folder, 'contradicts');
    const params = { ...params70b, ...change };
    await writeMetaFolder(model70b, path, { shards: 1, params });
    await expect(openCheckpoint(path)).rejects.toMatchObject({
      code,
      message: expect.stringContaining(named),
    });
  });

  it('names the shard that is missing, and notices a missing last one by the shapes', async () => {
    const path = join(folder, 'gap');
    await cp(join(folder, '70b'), path, { recursive: true });
    await rm(join(path, 'consolidated.07.pth'));
    await expect(openCheckpoint(path)).rejects.toMatchObject({ code: 'CORRAL_SHARDS_MISSING' });
    await rm(join(path, 'consolidated.02.pth'));
    await expect(openCheckpoint(path)).rejects.toMatchObject({
      code: 'CORRAL_FILE_NOT_FOUND',
      message: expect.stringContaining('consolidated.02.pth'),
    });
  });

  it('takes tokenizer.model from the folder above, and explains a tiktoken one', async () => {
    await writeMetaFolder(model70b, join(folder, 'llama', '7b'), { shards: 1, params: params70b });
    await writeFile(join(folder, 'llama', 'tokenizer.model'), 'IQ== 0\nIg== 1\n');
    const opened = await openCheckpoint(join(folder, 'llama', '7b'));
    await expect(opened.tokenizer()).rejects.toMatchObject({
      code: 'CORRAL_FORMAT_UNSUPPORTED',
      message: expect.stringContaining('tiktoken'),
    });
    await opened.close();
  });
});

describe.skipIf(!hasSharedData)('Meta layouts of real weights (needs the shared data)', () => {
  it('reads stories260K cut into two shards as the unsplit file', async () => {
    const whole = await openCheckpoint(sharedData('stories260K', 'stories260K.bin'));
    const path = join(folder, 'stories');
    // Its 172 hidden units follow from llama2.c's multiple_of 4; its head is tied.
    const params = {
      dim: 64,
      n_layers: 5,
      n_heads: 8,
      n_kv_heads: 4,
      multiple_of: 4,
      vocab_size: -1,
    };
    await writeMetaFolder(whole, path, { shards: 2, params: { ...params, max_seq_len: 512 } });
    const opened = await openCheckpoint(path);
    expect(opened.config).toEqual(whole.config);
    await expectSameTensors(opened, whole);
    await opened.close();
    await whole.close();
  });

  it('reads every tensor of the torchtune checkpoint once it is told the heads', async () => {
    const path = sharedData('torchtune-tiny-llama2', 'tiny_fair_checkpoint.pt');
    await expect(openCheckpoint(path)).rejects.toMatchObject({ code: 'CORRAL_CONFIG_NEEDED' });
    const opened = await openCheckpoint(path, { config: { n_heads: 4, max_seq_len: 64 } });
    expect(opened.format).toBe('torchtune');
    expect(opened.config).toMatchObject({
      vocab: 500,
      dim: 32,
      layers: 2,
      feedForward: 256,
      heads: 4,
    });
    // Upstream fills every tensor with 0.2 to keep the file reproducible.
    const expected = new Float32Array(1).fill(0.2)[0];
    expect(opened.tensors.size).toBe(21);
    for (const { name, bytes } of opened.tensors.values()) {
      const values = new Float32Array((await opened.read(name, 0, bytes)).slice().buffer);
      expect(values.every((value) => value === expected)).toBe(true);
    }
    await opened.close();
  });
});
