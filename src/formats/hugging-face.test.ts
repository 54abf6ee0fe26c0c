import { readFileSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectSameTensors } from '../../test/compare-checkpoints.ts';
import { hasSharedData, sharedData } from '../../test/shared-data.ts';
import { tinyCheckpoint, tinyConfig } from '../../test/tiny-llama.ts';
import { type SafetensorsEntry, writeSafetensorsFile } from '../../test/write-safetensors.ts';
import { writeTorchFile } from '../../test/write-torch.ts';
import { openCheckpoint } from './open.ts';
import { nameFromGguf } from './tensor-names.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'corral-hugging-face-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

// The example of transformers' own conversion: one layer, two heads of six rows, two columns.
const golden = JSON.parse(
  readFileSync(
    resolve(import.meta.dirname, '..', '..', 'test', 'golden', 'torch', 'permuted.json'),
    'utf8',
  ),
) as { meta: number[][]; huggingFace: number[][] };
const config = tinyConfig({
  vocab: 12,
  dim: 2,
  layers: 1,
  heads: 2,
  kvHeads: 2,
  headDim: 6,
  feedForward: 4,
});
const configJson = {
  architectures: ['LlamaForCausalLM'],
  hidden_size: 2,
  intermediate_size: 4,
  num_hidden_layers: 1,
  num_attention_heads: 2,
  head_dim: 6,
  vocab_size: 12,
  rms_norm_eps: 1e-5,
  max_position_embeddings: 128,
};

const model = tinyCheckpoint(config);
const rotated = Float32Array.from(golden.huggingFace.flat());

async function floatsOf(name: string): Promise<Float32Array<ArrayBuffer>> {
  const bytes = await model.read(name, 0, model.tensors.get(name)?.bytes ?? 0);
  return new Float32Array(bytes.slice().buffer);
}

async function huggingFaceTensors(): Promise<
  Record<string, { shape: readonly number[]; values: Float32Array<ArrayBuffer> }>
> {
  const tensors: Record<string, { shape: readonly number[]; values: Float32Array<ArrayBuffer> }> =
    {};
  for (const { name, shape } of model.tensors.values()) {
    const isRotated = name === 'blk.0.attn_q.weight' || name === 'blk.0.attn_k.weight';
    const values = isRotated ? rotated : await floatsOf(name);
    tensors[nameFromGguf(name, 'huggingFace') ?? name] = { shape, values };
  }
  return tensors;
}

async function writeFolder(
  name: string,
  files: {
    config?: Record<string, unknown>;
    weights?: 'single' | 'sharded' | 'torch';
    [file: string]: unknown;
  } = {},
): Promise<string> {
  const path = join(folder, name);
  await rm(path, { recursive: true, force: true });
  await mkdir(path);
  const { config: change = {}, weights = 'single', ...others } = files;
  await writeFile(join(path, 'config.json'), JSON.stringify({ ...configJson, ...change }));
  const tensors = await huggingFaceTensors();
  const entries = Object.entries(tensors).map(
    ([tensor, { shape, values }]): [string, SafetensorsEntry] => [
      tensor,
      { dtype: 'F32', shape, bytes: new Uint8Array(values.buffer) },
    ],
  );
  if (weights === 'torch') {
    await writeFile(join(path, 'pytorch_model.bin'), writeTorchFile(tensors));
  } else if (weights === 'single') {
    await writeFile(
      join(path, 'model.safetensors'),
      writeSafetensorsFile(Object.fromEntries(entries)),
    );
  } else {
    const halves = [entries.slice(0, 5), entries.slice(5)];
    const map: Record<string, string> = {};
    for (const [i, half] of halves.entries()) {
      const shard = `model-0000${i + 1}-of-00002.safetensors`;
      for (const [tensor] of half) map[tensor] = shard;
      await writeFile(join(path, shard), writeSafetensorsFile(Object.fromEntries(half)));
    }
    const index = JSON.stringify({ metadata: {}, weight_map: map });
    await writeFile(join(path, 'model.safetensors.index.json'), index);
  }
  for (const [file, content] of Object.entries(others)) {
    const text = typeof content === 'string' ? content : JSON.stringify(content);
    await writeFile(join(path, file), text);
  }
  return path;
}

async function configOf(change: Record<string, unknown>) {
  const opened = await openCheckpoint(await writeFolder('config', { config: change }));
  await opened.close();
  return opened.config;
}

describe('a Hugging Face folder', () => {
  it.each(['single', 'sharded', 'torch'] as const)(
    'gives interleaved q and k from %s weights',
    async (weights) => {
      const opened = await openCheckpoint(await writeFolder('weights', { weights }));
      expect(opened.config).toEqual(config);
      for (const { name, bytes } of model.tensors.values()) {
        const found = new Float32Array((await opened.read(name, 0, bytes)).slice().buffer);
        const isRotated = /attn_[qk]/.test(name);
        expect([...found], name).toEqual(
          isRotated ? golden.meta.flat() : [...(await floatsOf(name))],
        );
        expect(opened.region(name) === undefined, name).toBe(isRotated);
      }
      await opened.close();
    },
  );

  it('opens by a file in it as by itself', async () => {
    const path = await writeFolder('paths', { weights: 'sharded' });
    const whole = await openCheckpoint(path);
    for (const name of ['config.json', 'model.safetensors.index.json']) {
      const opened = await openCheckpoint(join(path, name));
      await expectSameTensors(opened, whole);
      await opened.close();
    }
    await whole.close();
  });

  it('takes defaults of LlamaConfig where config.json is silent', async () => {
    const found = await configOf({ rms_norm_eps: undefined, max_position_embeddings: undefined });
    expect(found).toMatchObject({
      normEps: 1e-6,
      ropeTheta: 10000,
      context: 2048,
      kvHeads: 2,
      tiedEmbeddings: false,
      ropeScaling: { kind: 'none' },
    });
  });

  it.each<[Record<string, unknown>, Record<string, unknown>]>([
    [
      { rope_scaling: { type: 'linear', factor: 4 } },
      { ropeScaling: { kind: 'linear', factor: 4 }, context: 128 },
    ],
    [
      { rope_scaling: { rope_type: 'dynamic', factor: 2 } },
      { ropeScaling: { kind: 'dynamic', factor: 2, originalContext: 128 }, context: 256 },
    ],
    [
      {
        rope_scaling: {
          rope_type: 'yarn',
          factor: 16,
          original_max_position_embeddings: 8,
          beta_fast: 24,
          attention_factor: 1.5,
        },
      },
      {
        ropeScaling: {
          kind: 'yarn',
          factor: 16,
          originalContext: 8,
          betaFast: 24,
          betaSlow: 1,
          attentionFactor: 1.5,
        },
        context: 128,
      },
    ],
    [
      {
        rope_scaling: {
          rope_type: 'llama3',
          factor: 32,
          low_freq_factor: 1,
          high_freq_factor: 4,
          original_max_position_embeddings: 8192,
        },
        rope_theta: 500000,
      },
      {
        ropeTheta: 500000,
        ropeScaling: {
          kind: 'llama3',
          factor: 32,
          lowFrequencyFactor: 1,
          highFrequencyFactor: 4,
          originalContext: 8192,
        },
      },
    ],
    [
      { rope_parameters: { rope_type: 'default', rope_theta: 1e6 } },
      { ropeTheta: 1e6, ropeScaling: { kind: 'none' } },
    ],
    [{ rope_scaling: null }, { ropeScaling: { kind: 'none' } }],
    [
      { architectures: ['MistralForCausalLM'], sliding_window: 64, num_key_value_heads: 2 },
      { slidingWindow: 64 },
    ],
  ])('understands %j', async (change, expected) => {
    expect(await configOf(change)).toMatchObject(expected);
  });

  it('takes no window where Mistral says null', async () => {
    const change = { architectures: ['MistralForCausalLM'], sliding_window: null };
    expect(await configOf({ ...change, num_key_value_heads: 2 })).not.toHaveProperty(
      'slidingWindow',
    );
  });

  it.each<[Record<string, unknown>, string, string]>([
    [{ architectures: ['GemmaForCausalLM'] }, 'CORRAL_FORMAT_UNSUPPORTED', 'GemmaForCausalLM'],
    [{ architectures: ['constructor'] }, 'CORRAL_FORMAT_UNSUPPORTED', 'constructor'],
    [{ attention_bias: true }, 'CORRAL_FORMAT_UNSUPPORTED', 'attention_bias'],
    [{ mlp_bias: true }, 'CORRAL_FORMAT_UNSUPPORTED', 'mlp_bias'],
    [{ quantization_config: { bits: 4 } }, 'CORRAL_FORMAT_UNSUPPORTED', 'quantization_config'],
    [{ hidden_act: 'gelu' }, 'CORRAL_FORMAT_UNSUPPORTED', 'gelu'],
    [{ rope_scaling: { type: 'longrope' } }, 'CORRAL_FORMAT_UNSUPPORTED', 'longrope'],
    [{ rope_scaling: { type: 'linear' } }, 'CORRAL_CONFIG_INVALID', 'rope_scaling.factor'],
    [{ hidden_size: -1 }, 'CORRAL_CONFIG_INVALID', 'hidden_size'],
    [{ hidden_size: 'two' }, 'CORRAL_CONFIG_INVALID', 'hidden_size'],
    [{ num_attention_heads: 1e9 }, 'CORRAL_CONFIG_INVALID', 'num_attention_heads'],
    [{ num_key_value_heads: 3 }, 'CORRAL_CONFIG_INVALID', 'num_key_value_heads'],
    [{ intermediate_size: 5 }, 'CORRAL_TENSOR_SHAPE', 'ffn_gate'],
    [{ num_hidden_layers: 2 }, 'CORRAL_TENSOR_MISSING', 'blk.1.attn_norm'],
  ])('is refused with %j, naming what is wrong', async (change, code, named) => {
    await expect(configOf(change)).rejects.toMatchObject({
      code,
      message: expect.stringContaining(named),
    });
  });

  it('reads generation defaults and several end tokens', async () => {
    const path = await writeFolder('generation', {
      'generation_config.json': {
        do_sample: true,
        temperature: 0.6,
        top_p: 0.9,
        eos_token_id: [2, 7],
      },
    });
    const opened = await openCheckpoint(path);
    expect(opened.generation).toEqual({ temperature: 0.6, topP: 0.9, endTokens: [2, 7] });
    await opened.close();
  });

  it.each<[string, Record<string, unknown>]>([
    ['a string', { 'tokenizer_config.json': { chat_template: 'T' } }],
    [
      'a list',
      {
        'tokenizer_config.json': {
          chat_template: [
            { name: 'tool_use', template: 'no' },
            { name: 'default', template: 'T' },
          ],
        },
      },
    ],
    ['a file', { 'chat_template.jinja': 'T', 'tokenizer_config.json': { chat_template: 'old' } }],
  ])('finds a chat template given as %s', async (_, files) => {
    const opened = await openCheckpoint(await writeFolder('template', files));
    expect(opened.chatTemplate).toBe('T');
    await opened.close();
  });

  it('reads the licence of the model card', async () => {
    const opened = await openCheckpoint(
      await writeFolder('card', { 'README.md': '---\nlicense: llama2\n---\nHi' }),
    );
    expect(opened.licence).toBe('llama2');
    await opened.close();
  });

  it('never follows an index out of its folder', async () => {
    const path = await writeFolder('escape', { weights: 'sharded' });
    const index = { weight_map: { 'lm_head.weight': '../weights/model.safetensors' } };
    await writeFile(join(path, 'model.safetensors.index.json'), JSON.stringify(index));
    await expect(openCheckpoint(path)).rejects.toMatchObject({ code: 'CORRAL_CONFIG_INVALID' });
  });

  it('says which tensor has no place in a Llama', async () => {
    const path = await writeFolder('adapter');
    const extra = {
      'model.layers.0.self_attn.q_proj.bias': {
        dtype: 'F32',
        shape: [1],
        bytes: new Uint8Array(4),
      },
    };
    await writeFile(join(path, 'model.safetensors'), writeSafetensorsFile(extra));
    await expect(openCheckpoint(path)).rejects.toMatchObject({
      code: 'CORRAL_FORMAT_UNSUPPORTED',
      message: expect.stringContaining('q_proj.bias'),
    });
  });

  it('without config.json asks for one, and takes it from elsewhere', async () => {
    const path = await writeFolder('configless');
    await cp(join(path, 'config.json'), join(folder, 'elsewhere.json'));
    await rm(join(path, 'config.json'));
    await expect(openCheckpoint(path)).rejects.toMatchObject({ code: 'CORRAL_CONFIG_NEEDED' });
    const opened = await openCheckpoint(path, { config: join(folder, 'elsewhere.json') });
    expect(opened.config).toEqual(config);
    await opened.close();
  });
});

describe.skipIf(!hasSharedData)('tokenizers of a folder (needs the shared data)', () => {
  it('prefers tokenizer.model, unless tokenizer.json adds tokens to it', async () => {
    const path = await writeFolder('tokenizers');
    await cp(sharedData('llama2-tokenizer', 'tokenizer.model'), join(path, 'tokenizer.model'));
    const json = JSON.parse(
      await readFile(sharedData('llama2-tokenizer', 'phi-3-mini-tokenizer.json'), 'utf8'),
    ) as { added_tokens: { id: number }[] };
    await writeFile(join(path, 'tokenizer.json'), JSON.stringify(json));
    const added = await openCheckpoint(path);
    expect((await added.tokenizer())?.size).toBe(
      1 + Math.max(...json.added_tokens.map(({ id }) => id)),
    );
    json.added_tokens = json.added_tokens.filter(({ id }) => id < 3);
    await writeFile(join(path, 'tokenizer.json'), JSON.stringify(json));
    const plain = await openCheckpoint(path);
    expect((await plain.tokenizer())?.size).toBe(32000);
    await added.close();
    await plain.close();
  });
});
