// Adapters as files: exact keys, and the same logits whether an adapter stands beside its base, is merged
// by us, or is merged by hand in Hugging Face's own order of rows.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { randomNormal, tinyCheckpoint, tinyConfig } from '../../../test/tiny-llama.ts';
import { writeSafetensorsFile } from '../../../test/write-safetensors.ts';
import { openDevice } from '../../device/open.ts';
import { Engine } from '../../engine/index.ts';
import type { Checkpoint } from '../../formats/checkpoint.ts';
import { convertCheckpoint, openCheckpoint } from '../../formats/index.ts';
import { load } from '../../index.ts';
import { loadWeights } from '../../model/index.ts';
import type { MethodRecipe } from '../recipe/recipe.ts';
import { adapterTensors, planAdapter } from './adapter.ts';
import { readGgufAdapter, writeGgufAdapter } from './gguf-adapter.ts';
import { readLowRankUpdates } from './low-rank-updates.ts';
import { mergeAdapter } from './merge.ts';
import { readPeftAdapter } from './peft-read.ts';
import { writePeftAdapter } from './peft-write.ts';

const config = tinyConfig({ dim: 32, heads: 4, kvHeads: 2, headDim: 8, feedForward: 64 });
const ids = [1, 40, 77, 12, 200, 31];

let folder = '';
let base: Checkpoint;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'corral-peft-'));
  await convertCheckpoint(tinyCheckpoint(config), join(folder, 'base'), { type: 'f32' });
  await convertCheckpoint(tinyCheckpoint(config), join(folder, 'base.gguf'), { type: 'f32' });
  base = await openCheckpoint(join(folder, 'base'));
});
afterAll(async () => {
  await base.close();
  rmSync(folder, { recursive: true, force: true });
});

function methodOf(changes: Partial<MethodRecipe>): MethodRecipe {
  return { kind: 'lora', rank: 4, alpha: 8, dropout: 0, targets: 'all', ...changes };
}

/** An adapter with random tensors, written to a folder. */
async function makeAdapter(name: string, method: MethodRecipe): Promise<string> {
  const adapter = planAdapter(config, method);
  const names = [...adapterTensors(adapter).keys()];
  const path = join(folder, name);
  mkdirSync(path);
  const facts = { method, base: 'somewhere/base', headDim: config.headDim };
  await writePeftAdapter(path, adapter, facts, async (tensor) => {
    const shape = adapterTensors(adapter).get(tensor) ?? [];
    const count = shape.reduce((product, size) => product * size, 1);
    const values = randomNormal(count, names.indexOf(tensor) + 5, 0.3);
    const isMagnitude = shape.length === 1;
    return new Uint8Array((isMagnitude ? values.map((x) => 1 + x * x) : values).buffer);
  });
  return path;
}

async function logprobsOf(path: string, adapter?: string): Promise<readonly number[]> {
  const options = { cache: 'f32', ...(adapter === undefined ? {} : { adapter }) } as const;
  await using llama = await load(path, options);
  return (await llama.score(ids)).logprobs;
}

function expectClose(found: readonly number[], expected: readonly number[]): void {
  expect(found.length).toBe(expected.length);
  for (const [i, value] of found.entries())
    expect(Math.abs(value - (expected[i] ?? 9))).toBeLessThan(1e-4);
}

describe('a PEFT adapter', () => {
  it('has the keys, shapes and settings that PEFT has', async () => {
    const path = await makeAdapter(
      'keys',
      methodOf({ kind: 'dora', targets: ['q_proj', 'down_proj'] }),
    );
    const bytes = readFileSync(join(path, 'adapter_model.safetensors'));
    const length = Number(bytes.readBigUInt64LE());
    const header = JSON.parse(bytes.subarray(8, 8 + length).toString()) as Record<
      string,
      { shape?: number[] }
    >;
    expect(header['__metadata__']).toEqual({ format: 'pt' });
    const shapes = Object.entries(header)
      .filter(([key]) => key.includes('.layers.1.'))
      .map(([key, { shape }]) => [key, shape]);
    expect(shapes).toEqual([
      ['base_model.model.model.layers.1.self_attn.q_proj.lora_A.weight', [4, 32]],
      ['base_model.model.model.layers.1.self_attn.q_proj.lora_B.weight', [32, 4]],
      ['base_model.model.model.layers.1.self_attn.q_proj.lora_magnitude_vector', [32]],
      ['base_model.model.model.layers.1.mlp.down_proj.lora_A.weight', [4, 64]],
      ['base_model.model.model.layers.1.mlp.down_proj.lora_B.weight', [32, 4]],
      ['base_model.model.model.layers.1.mlp.down_proj.lora_magnitude_vector', [32]],
    ]);
    const settings = JSON.parse(readFileSync(join(path, 'adapter_config.json'), 'utf8'));
    expect(settings).toMatchObject({
      peft_type: 'LORA',
      task_type: 'CAUSAL_LM',
      base_model_name_or_path: 'somewhere/base',
      r: 4,
      lora_alpha: 8,
      target_modules: ['q_proj', 'down_proj'],
      use_dora: true,
      use_rslora: false,
      bias: 'none',
    });
  });

  it.each([
    ['lora', { kind: 'lora' }],
    ['rslora', { kind: 'rslora', targets: ['q_proj', 'k_proj'] }],
    ['dora', { kind: 'dora' }],
  ] as const)('computes the same beside its base and merged: %s', async (name, method) => {
    const path = await makeAdapter(name, methodOf(method));
    const beside = await logprobsOf(join(folder, 'base.gguf'), path);
    const merged = mergeAdapter(base, await readPeftAdapter(path, config));
    for (const out of [join(folder, `${name}-merged`), join(folder, `${name}-merged.gguf`)]) {
      await convertCheckpoint(merged, out, { type: 'f32' });
      expectClose(await logprobsOf(out), beside);
    }
    const plain = await logprobsOf(join(folder, 'base'));
    const changes = plain.map((value, i) => Math.abs(value - (beside[i] ?? value)));
    expect(Math.max(...changes)).toBeGreaterThan(0.01);
  });

  it('means what it means at Hugging Face: B · A is added in their order of rows', async () => {
    const path = await makeAdapter('by-hand', methodOf({}));
    const hand = join(folder, 'by-hand-merged');
    await convertCheckpoint(base, hand, { type: 'f32' });
    const weights = readTensors(join(hand, 'model.safetensors'));
    const adapter = readTensors(join(path, 'adapter_model.safetensors'));
    for (const [name, { values, shape }] of weights) {
      const key = `base_model.model.${name.replace(/\.weight$/, '')}`;
      const [a, b] = [adapter.get(`${key}.lora_A.weight`), adapter.get(`${key}.lora_B.weight`)];
      if (a === undefined || b === undefined) continue;
      const [n = 0, k = 0] = shape;
      for (let row = 0; row < n; row++) {
        for (let column = 0; column < k; column++) {
          let sum = 0;
          for (let r = 0; r < 4; r++) {
            sum += (b.values[row * 4 + r] as number) * (a.values[r * k + column] as number);
          }
          values[row * k + column] = (values[row * k + column] as number) + 2 * sum;
        }
      }
    }
    const tensors = Array.from(weights, ([name, { shape, values }]) => {
      const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
      return [name, { dtype: 'F32', shape, bytes }] as const;
    });
    const file = writeSafetensorsFile(Object.fromEntries(tensors));
    writeFileSync(join(hand, 'model.safetensors'), file);
    expectClose(await logprobsOf(join(folder, 'base'), path), await logprobsOf(hand));
  });

  it('is the base itself while B is zero, also with magnitudes', async () => {
    const adapter = planAdapter(config, methodOf({}));
    const path = join(folder, 'zero');
    mkdirSync(path);
    const facts = { method: methodOf({}), base: '', headDim: 8 };
    await writePeftAdapter(path, adapter, facts, async (name) => {
      const count = (adapterTensors(adapter).get(name) ?? []).reduce((p, size) => p * size, 1);
      return new Uint8Array(new Float32Array(count).fill(name.endsWith('a') ? 1 : 0).buffer);
    });
    const plain = await logprobsOf(join(folder, 'base'));
    expect(await logprobsOf(join(folder, 'base'), path)).toEqual(plain);
  });

  it('is the same as a GGUF, also where matrices have ranks and alphas of their own', async () => {
    const path = await makeAdapter('as-gguf', methodOf({ targets: ['q_proj', 'v_proj'] }));
    const file = join(path, 'adapter_config.json');
    const settings = JSON.parse(readFileSync(file, 'utf8'));
    writeFileSync(file, JSON.stringify({ ...settings, alpha_pattern: { v_proj: 2 } }));
    const gguf = join(folder, 'as-gguf.gguf');
    await writeGgufAdapter(gguf, await readPeftAdapter(path, config));
    const { adapter, tensors } = await readGgufAdapter(gguf, config);
    expect(adapter.matrices.get('blk.1.attn_v.weight')).toMatchObject({ n: 16, k: 32, rank: 4 });
    expect([...tensors.keys()].slice(0, 2)).toEqual([
      'blk.0.attn_q.weight.lora_a',
      'blk.0.attn_q.weight.lora_b',
    ]);
    const expected = await logprobsOf(join(folder, 'base'), path);
    expectClose(await logprobsOf(join(folder, 'base.gguf'), gguf), expected);
    const dora = await makeAdapter('dora-gguf', methodOf({ kind: 'dora' }));
    const loaded = await readPeftAdapter(dora, config);
    await expect(writeGgufAdapter(gguf, loaded)).rejects.toThrow('no place for the magnitudes');
  });

  it.each([
    ['another kind', { peft_type: 'LOHA' }, 'its peft_type is LOHA, not LORA'],
    ['whole modules', { modules_to_save: ['lm_head'] }, 'it replaces whole modules (lm_head)'],
    ['transposed matrices', { fan_in_fan_out: true }, 'its matrices are transposed'],
  ])('is refused with %s', async (name, changes, reason) => {
    const path = await makeAdapter(`refused ${name}`, methodOf({}));
    const file = join(path, 'adapter_config.json');
    const settings = JSON.parse(readFileSync(file, 'utf8'));
    writeFileSync(file, JSON.stringify({ ...settings, ...changes }));
    await expect(readPeftAdapter(path, config)).rejects.toThrow(reason);
  });

  it('is refused for a model of another shape, with both shapes', async () => {
    const path = await makeAdapter('shape', methodOf({ targets: ['down_proj'] }));
    const wider = { ...config, feedForward: 96 };
    await expect(readPeftAdapter(path, wider)).rejects.toThrow(
      'the a of blk.0.ffn_down.weight is [4, 64]; the model needs [4, 96]',
    );
  });

  it('takes what newer releases write: unknown settings, ranks and alphas of some matrices', async () => {
    const path = await makeAdapter('newer', methodOf({ targets: ['q_proj', 'v_proj'] }));
    const file = join(path, 'adapter_config.json');
    const settings = JSON.parse(readFileSync(file, 'utf8'));
    const changes = { alpha_pattern: { 'layers.1.self_attn.v_proj': 2 }, use_qalora: false };
    writeFileSync(file, JSON.stringify({ ...settings, ...changes }));
    const { adapter } = await readPeftAdapter(path, config);
    expect(adapter.matrices.get('blk.1.attn_v.weight')?.scale).toBe(0.5);
    expect(adapter.matrices.get('blk.0.attn_v.weight')?.scale).toBe(2);
  });

  it.each(['lora', 'rslora'] as const)(
    'computes the same in a slot of an engine: %s',
    async (kind) => {
      const path = await makeAdapter(`slot-${kind}`, methodOf({ kind }));
      const device = openDevice();
      const weights = await loadWeights(base, device);
      const adapters = { slots: 1, rank: 4 };
      const options = { device, weights, cache: 'f32', sequences: 1 } as const;
      const engine = await Engine.open({ config: base.config, ...options, adapters });
      await engine.loadAdapter('mine', await readLowRankUpdates(path, base.config));
      const { logprobs } = await engine.score(ids, { adapter: 'mine' });
      expectClose(logprobs, await logprobsOf(join(folder, 'base'), path));
      await engine.close();
      await device.close();
    },
  );

  it('that is a DoRA has no place in a slot', async () => {
    const path = await makeAdapter('slot-dora', methodOf({ kind: 'dora' }));
    await expect(readLowRankUpdates(path, base.config)).rejects.toThrow(/it is a DoRA/);
  });
});

interface Tensor {
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

/** All f32 tensors of a safetensors file, read plainly. */
function readTensors(path: string): Map<string, Tensor> {
  const bytes = readFileSync(path);
  const length = Number(bytes.readBigUInt64LE());
  const { __metadata__: _, ...entries } = JSON.parse(bytes.subarray(8, 8 + length).toString());
  const tensors = new Map<string, Tensor>();
  for (const [name, entry] of Object.entries(entries)) {
    const { shape, data_offsets: offsets } = entry as {
      shape: number[];
      data_offsets: [number, number];
    };
    const data = bytes.subarray(8 + length + offsets[0], 8 + length + offsets[1]);
    tensors.set(name, { shape, values: new Float32Array(new Uint8Array(data).buffer) });
  }
  return tensors;
}
