// Measuring a tiny model: what is measured and how it fits together. No figure is held to a value.
import { describe, expect, it } from 'vitest';
import { addonStatus } from '../base/addon.ts';
import { describeLeftOut, type InferencePlan } from './inference-plan.ts';
import { measureInference } from './measure-inference.ts';
import { makeRandomModel } from './random-model.ts';

const plan: InferencePlan = {
  prefill: [8, 64],
  batches: [1, 2],
  batchContext: 32,
  contexts: [48, 96],
  rounds: 1,
  steps: 2,
};

describe('makeRandomModel', () => {
  it('has the tensors of its shape, in the types that a conversion gives them', () => {
    const { config, tensors } = makeRandomModel('tiny', 'q4_k_m');
    expect(tensors.get('token_embd.weight')).toMatchObject({ dtype: 'q4_k', shape: [4096, 256] });
    expect(tensors.get('output.weight')).toMatchObject({ dtype: 'q6_k' });
    expect(tensors.get('blk.0.attn_norm.weight')).toMatchObject({ dtype: 'f32', bytes: 1024 });
    expect(tensors.size).toBe(3 + 9 * config.layers);
  });

  it('has as many parameters as the models it is shaped after', () => {
    const count = (shape: '1b' | '7b' | '13b'): number =>
      [...makeRandomModel(shape, 'f16').tensors.values()].reduce(
        (sum, { shape: axes }) => sum + axes.reduce((a, b) => a * b, 1),
        0,
      );
    // TinyLlama 1.1B, Llama 2 7B and 13B, as their model cards count them.
    expect(count('1b')).toBe(1_100_048_384);
    expect(count('7b')).toBe(6_738_415_616);
    expect(count('13b')).toBe(13_015_864_320);
  });

  it('reads the same bytes at once and in parts', async () => {
    const model = makeRandomModel('tiny', 'q4_0');
    const whole = await model.read('output.weight', 0, 860_160);
    const part = await model.read('output.weight', 420_000, 440_160);
    expect(Buffer.compare(part, whole.subarray(420_000))).toBe(0);
  });
});

describe('describeLeftOut', () => {
  it('names what the context has no room for', () => {
    expect(describeLeftOut(plan, 64)).toEqual(['prefill 64', 'decode at context 96']);
    expect(describeLeftOut(plan, 96)).toEqual([]);
  });
});

describe.skipIf(!addonStatus().available)('measureInference (needs the native addon)', () => {
  it('measures all that fits the context, and shares of what the machine can do', async () => {
    const parts: number[] = [];
    const speed = await measureInference({
      open: async () => makeRandomModel('tiny', 'q4_0'),
      load: { threads: 1, context: 64, packCache: false },
      plan,
      onProgress: ({ task, done }) => {
        if (task === 'Measuring') parts.push(done);
      },
    });
    expect(Object.keys(speed)).toEqual(['machine', 'model', 'load', 'prefill', 'decode']);
    expect(speed.model).toBe('random-tiny-q4_0');
    expect(speed.machine.threads).toBe(1);
    expect(speed.prefill.map(({ rows }) => rows)).toEqual([8]);
    expect(speed.decode.map(({ batch, context }) => [batch, context])).toEqual([
      [1, 32],
      [2, 32],
      [1, 48],
    ]);
    const { machine, load } = speed;
    for (const each of [machine.readBandwidth, machine.int8Peak, machine.f32Peak]) {
      expect(each).toBeGreaterThan(0);
    }
    expect(load.coldSeconds).toBeGreaterThan(0);
    expect(parts).toEqual(parts.toSorted((a, b) => a - b));

    // By hand: four layers of q and o (256²), k and v (128 · 256), three of 768 · 256; the head once.
    const layer = 2 * 256 ** 2 + 2 * 128 * 256 + 3 * 768 * 256;
    const [prefill] = speed.prefill;
    const least = (8 * 4 * layer + 4096 * 256) / machine.int8Peak;
    expect(prefill?.shareOfPeak).toBeCloseTo((least * (prefill?.tokensPerSecond ?? 0)) / 8, 10);
  });

  it('measures a plain model against f32', async () => {
    const small = { ...plan, prefill: [8], batches: [1], contexts: [] };
    const speed = await measureInference({
      open: async () => makeRandomModel('tiny', 'f16'),
      load: { threads: 1, context: 64, packCache: false },
      plan: small,
    });
    const layer = 2 * 256 ** 2 + 2 * 128 * 256 + 3 * 768 * 256;
    const least = (2 * (8 * 4 * layer + 4096 * 256)) / speed.machine.f32Peak;
    const [prefill] = speed.prefill;
    expect(prefill?.shareOfPeak).toBeCloseTo((least * (prefill?.tokensPerSecond ?? 0)) / 8, 10);
  });

  it('refuses the reference device, and stops when asked to', async () => {
    const open = async (): Promise<ReturnType<typeof makeRandomModel>> =>
      makeRandomModel('tiny', 'q4_0');
    await expect(measureInference({ open, load: { device: 'reference' }, plan })).rejects.toThrow(
      /reference device does not support measuring/,
    );
    const signal = AbortSignal.abort();
    await expect(measureInference({ open, load: {}, plan, signal })).rejects.toThrow(/aborted/);
  });
});
