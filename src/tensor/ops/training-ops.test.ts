// The ops of training by hand: what each computes at values small enough to check on paper. Slopes are
// checked in gradients.test.ts, whole models in test/training-golden.test.ts.
import { describe, expect, it } from 'vitest';
import { philox } from '../../base/random.ts';
import { quantize } from '../codecs/codec.ts';
import { f16ToF32 } from '../codecs/half.ts';
import { type OpName, ops } from '../ops.ts';
import type { Attributes } from '../program.ts';
import type { HostTensor } from './op.ts';

const f32 = (shape: readonly number[], data: readonly number[]): HostTensor => ({
  dtype: 'f32',
  shape,
  data: Float32Array.from(data),
});
const i32 = (shape: readonly number[], data: readonly number[]): HostTensor => ({
  dtype: 'i32',
  shape,
  data: Int32Array.from(data),
});
const vector = (...data: number[]): HostTensor => f32([data.length], data);

/** Runs an op's kernel; `shapes` are its outputs'. */
function compute(
  op: OpName,
  inputs: readonly HostTensor[],
  shapes: readonly (readonly number[])[] = [inputs[0]?.shape ?? []],
  attributes: Attributes = {},
): number[][] {
  const row = ops[op];
  if (!('reference' in row)) throw new Error(`${op} is fused`);
  const outputs = shapes.map((shape) =>
    f32(shape, Array(shape.reduce((a, b) => a * b, 1)).fill(9)),
  );
  row.reference({ inputs, outputs, attributes });
  return outputs.map(({ data }) => [...data]);
}

function expectClose(found: readonly number[] | undefined, expected: readonly number[]): void {
  expect(found).toHaveLength(expected.length);
  for (const [i, value] of expected.entries()) expect(found?.[i], `[${i}]`).toBeCloseTo(value, 6);
}

describe('functions', () => {
  it('log_sigmoid stays finite and exact where the sigmoid is 0 or 1', () => {
    const [out] = compute('log_sigmoid', [vector(0, 200, -200, 20)]);
    expectClose(out, [-Math.LN2, 0, -200, -2.061153618190204e-9]);
    expect(out?.[3]).toBeLessThan(0);
  });

  it('clip keeps what is inside and passes NaN on, as minimum and maximum do', () => {
    const x = vector(-3, -1, 0.5, 2, Number.NaN);
    const limits = { low: -1, high: 2 };
    expect(compute('clip', [x], undefined, limits)[0]).toEqual([-1, -1, 0.5, 2, Number.NaN]);
    expect(compute('inside', [x], undefined, limits)[0]).toEqual([0, 1, 1, 1, 0]);
    const y = vector(0, -1, Number.NaN, 1, 1);
    expect(compute('minimum', [x, y])[0]).toEqual([-3, -1, Number.NaN, 1, Number.NaN]);
    expect(compute('maximum', [x, y])[0]).toEqual([0, -1, Number.NaN, 2, Number.NaN]);
    expect(compute('not_above', [x, y])[0]).toEqual([1, 1, 0, 0, 0]);
    expect(compute('not_below', [x, y])[0]).toEqual([0, 1, 0, 1, 0]);
  });
});

describe('reductions', () => {
  it('add up and spread out again', () => {
    const x = f32([2, 3], [1, 2, 3, 10, 20, 30]);
    expect(compute('sum', [x], [[1]])[0]).toEqual([66]);
    expect(compute('mean', [x], [[1]])[0]).toEqual([11]);
    expect(compute('sum_rows', [x], [[3]])[0]).toEqual([11, 22, 33]);
    expect(compute('dot', [x, x], [[1]])[0]).toEqual([1414]);
    const repeated = compute('broadcast', [vector(1, 2, 3), x], [[2, 3]], { mean: 0 });
    expect(repeated[0]).toEqual([1, 2, 3, 1, 2, 3]);
    expect(compute('broadcast', [vector(12), x], [[2, 3]], { mean: 1 })[0]).toEqual(
      Array(6).fill(2),
    );
  });

  it('segment_sum adds rows to the segments they name, and leaves the others 0', () => {
    const x = f32([3, 2], [1, 2, 10, 20, 100, 200]);
    const segment = i32([3], [2, 0, 2]);
    const like = f32([3, 1], [5, 5, 5]);
    expect(compute('segment_sum', [x, segment, like], [[3, 2]])[0]).toEqual([
      10, 20, 0, 0, 101, 202,
    ]);
    expect(compute('segment_sum', [vector(1, 2, 4), segment, like], [[3]])[0]).toEqual([2, 0, 5]);
  });

  it('whiten gives mean 0 and variance 1, or keeps the mean', () => {
    // Mean 3, variance 8 / 3 of the population.
    const x = vector(1, 3, 5);
    const root = Math.sqrt(8 / 3);
    const [plain] = compute('whiten', [x], undefined, { eps: 0, keepMean: 0 });
    expectClose(plain, [-2 / root, 0, 2 / root]);
    const [kept] = compute('whiten', [x], undefined, { eps: 0, keepMean: 1 });
    expectClose(kept, [3 - 2 / root, 3, 3 + 2 / root]);
  });
});

describe('losses', () => {
  it('cross_entropy is the logarithm of how many times less likely than certain the target is', () => {
    const logits = f32([2, 3], [Math.log(1), Math.log(2), Math.log(5), 1000, 1000, 0]);
    const [nll, mass] = compute('cross_entropy', [logits, i32([2], [1, 0])], [[2], [2]]);
    expectClose(nll, [Math.log(8 / 2), Math.LN2]);
    expect(mass?.[0]).toBeCloseTo(Math.log(8), 6);
    expect(mass?.[1]).toBeCloseTo(1000 + Math.LN2, 3);
  });
});

describe('self_attention', () => {
  // Scores are q · k: with q = 1 and keys ln 1, ln 2, ln 3 the weights are as 1 : 2 : 3.
  const q = f32([3, 1], [1, 1, 1]);
  const k = f32([3, 1], [Math.log(1), Math.log(2), Math.log(3)]);
  const v = f32([3, 1], [6, 12, 18]);
  const attributes = { heads: 1, kvHeads: 1, headDim: 1, scale: 1, window: 0 };
  const attend = (starts: readonly number[], window = 0): number[][] =>
    compute(
      'self_attention',
      [q, k, v, i32([3], starts)],
      [
        [3, 1],
        [3, 1],
      ],
      { ...attributes, window },
    );

  it('mixes the rows from the start of the sequence to the row itself', () => {
    const [out, mass] = attend([0, 0, 0]);
    expectClose(out, [6, (6 + 24) / 3, (6 + 24 + 54) / 6]);
    expectClose(mass, [0, Math.log(3), Math.log(6)]);
  });

  it('never looks into the sequence before, nor beyond its window', () => {
    expectClose(attend([0, 1, 1])[0], [6, 12, (24 + 54) / 5]);
    expectClose(attend([0, 0, 0], 2)[0], [6, (6 + 24) / 3, (24 + 54) / 5]);
  });
});

describe('dropout', () => {
  const x = f32([100, 10], Array(1000).fill(1));
  const drop = (seed: readonly number[], site: number, rate = 0.25): number[] =>
    compute('dropout', [x, i32([2], seed)], undefined, { rate, site })[0] ?? [];

  it('drops about its share, scales the rest, and is the same for the same seed and place', () => {
    const out = drop([1, 2], 0);
    const kept = out.filter((value) => value !== 0);
    // 750 ± 4 standard deviations of 13.7.
    expect(Math.abs(kept.length - 750)).toBeLessThan(55);
    expect(new Set(kept)).toEqual(new Set([Math.fround(4 / 3)]));
    expect(drop([1, 2], 0)).toEqual(out);
    expect(drop([1, 3], 0)).not.toEqual(out);
    expect(drop([1, 2], 1)).not.toEqual(out);
    expect(drop([1, 2], 0, 0)).toEqual(Array(1000).fill(1));
  });

  it('decides by the words of the counter that its doc comment names', () => {
    const words = philox([3, 0, 7, 1], [1, 0xffffffff]);
    const expected = words.map((word) => (word < 2 ** 31 ? 0 : 2));
    expect(drop([1, -1], 7, 0.5).slice(12, 16)).toEqual(expected);
  });
});

describe('lora_row_norm', () => {
  it('is the length of each row of W + scale · B · A', () => {
    const w = f32([2, 2], [1, 0, 0, 5]);
    const [b, a] = [f32([2, 1], [1, 0]), f32([1, 2], [1, 2])];
    // Rows (1, 0) + 2 · (1, 2) = (3, 4), and (0, 5).
    expect(compute('lora_row_norm', [w, b, a], [[2]], { scale: 2 })[0]).toEqual([5, 5]);
  });
});

describe('ops that change buffers', () => {
  it('add, clear and average in place', () => {
    const state = vector(1, 2);
    compute('accumulate', [vector(10, 20), state], []);
    expect([...state.data]).toEqual([11, 22]);
    const shadow = vector(1, 2);
    compute('ema', [shadow, state], [], { decay: 0.75 });
    expect([...shadow.data]).toEqual([3.5, 7]);
    expect(compute('sum_squares', [state], [[1]])[0]).toEqual([605]);
    compute('zero', [state], []);
    expect([...state.data]).toEqual([0, 0]);
  });

  const settings = { beta1: 0.5, beta2: 0.75, eps: 0, decay: 0.1 };
  // Step 2, with half of the gradient.
  const control = vector(0.5, 0.5, 1 - 0.5 ** 2, 1 - 0.75 ** 2, 0, 0);

  it('adamw decays first and then steps against the corrected mean', () => {
    const [weight, m, v] = [vector(1), vector(0), vector(0)];
    compute('adamw', [weight, m, v, vector(8), control], [], settings);
    // g = 4, m = 2, v = 4: w = 0.95 − 0.5 · (2 / 0.75) / sqrt(4 / 0.4375).
    expectClose([...m.data], [2]);
    expectClose([...v.data], [4]);
    expectClose([...weight.data], [0.95 - (0.5 * (2 / 0.75)) / Math.sqrt(4 / 0.4375)]);
  });

  it('adamw with 8-bit states takes the same step, and keeps roots that are never too small', () => {
    const count = 64;
    const gradients = Array.from({ length: count }, (_, i) => 1e-3 * Math.sin(i + 1) ** 3);
    const packed = (): HostTensor => ({
      dtype: 'q8_0',
      shape: [2, 32],
      data: quantize('q8_0', new Float32Array(count)),
    });
    const [weight, exact] = [0, 1].map(() => f32([2, 32], Array(count).fill(0.5)));
    const [m, v] = [packed(), packed()];
    const zeros = (): HostTensor => f32([2, 32], Array(count).fill(0));
    const gradient = f32([2, 32], gradients);
    const inputs = [weight, m, v, gradient, control] as readonly HostTensor[];
    compute('adamw', inputs, [], settings);
    compute('adamw', [exact as HostTensor, zeros(), zeros(), gradient, control], [], settings);
    // Both states were 0: nothing is lost before the first step.
    expect([...(weight?.data ?? [])]).toEqual([...(exact?.data ?? [])]);

    for (const [i, given] of gradients.entries()) {
      const block = Math.floor(i / 32) * 34;
      const stored = (tensor: HostTensor): { scale: number; value: number } => {
        const bytes = tensor.data as Uint8Array;
        const scale = f16ToF32((bytes[block] ?? 0) | ((bytes[block + 1] ?? 0) << 8)) / 4096;
        return { scale, value: scale * (((bytes[block + 2 + (i % 32)] ?? 0) << 24) >> 24) };
      };
      const [mean, root] = [0.5 * 0.5 * given, Math.sqrt(0.25) * 0.5 * Math.abs(given)];
      const [storedMean, storedRoot] = [stored(m), stored(v)];
      expect(Math.abs(storedMean.value - mean)).toBeLessThanOrEqual(storedMean.scale * 0.51);
      expect(storedRoot.value).toBeGreaterThanOrEqual(root * (1 - 1e-7));
      expect(storedRoot.value).toBeLessThan(root + storedRoot.scale * 1.001);
    }
  });
});
