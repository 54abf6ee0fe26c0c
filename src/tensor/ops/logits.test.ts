import { describe, expect, it } from 'vitest';
import type { Attributes } from '../program.ts';
import { adjustLogits, logSumExp, maskLogits, pick, topK } from './logits.ts';
import type { HostTensor, Op } from './op.ts';

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

function compute(
  op: Op,
  inputs: HostTensor[],
  outputs: HostTensor[],
  attributes: Attributes = {},
): number[][] {
  if (!('reference' in op)) throw new Error('a fused op');
  op.reference({ inputs, outputs, attributes });
  return outputs.map(({ data }) => [...data]);
}

describe('top_k', () => {
  it('sorts by value, then by id, with NaN last, and fills up what is not there', () => {
    const x = f32([2, 4], [1, 3, Number.NaN, 3, -1, -5, -1, Number.NEGATIVE_INFINITY]);
    const [values, ids] = compute(topK, [x], [f32([2, 5], Array(10)), i32([2, 5], Array(10))], {
      k: 5,
    });
    const none = Number.NEGATIVE_INFINITY;
    expect(ids).toEqual([1, 3, 0, 2, -1, 0, 2, 1, 3, -1]);
    expect(values).toEqual([3, 3, 1, none, none, -1, -1, -5, none, none]);
  });
});

describe('adjust_logits', () => {
  it('divides positive and multiplies negative logits, then adds, in order', () => {
    const logits = f32([2, 3], [2, -2, 1, 4, 0, 0]);
    const where = i32([4, 2], [0, 0, 0, 1, 1, 0, 1, 2]);
    const how = f32([4, 2], [2, 0, 2, 0.5, 1, Number.NEGATIVE_INFINITY, 1, -3]);
    const [out] = compute(adjustLogits, [logits, where, how], [f32([2, 3], Array(6))]);
    expect(out).toEqual([1, -3.5, 1, Number.NEGATIVE_INFINITY, 0, -3]);
  });
});

describe('mask_logits', () => {
  it('keeps the ids whose bits are set, the 32nd of a row in its second word', () => {
    const logits = f32(
      [2, 34],
      Array.from({ length: 68 }, (_, i) => i),
    );
    const bits = i32([2, 2], [0b101, 0b10, 1 << 31, 0b01]);
    const [out] = compute(maskLogits, [logits, bits], [f32([2, 34], Array(68))]);
    const kept = out?.flatMap((value, i) => (value === Number.NEGATIVE_INFINITY ? [] : [i]));
    expect(kept).toEqual([0, 2, 33, 34 + 31, 34 + 32]);
    expect(kept?.map((i) => out?.[i])).toEqual(kept);
  });
});

describe('log_sum_exp', () => {
  it('scales each row by its own factor and survives large values', () => {
    const x = f32([2, 2], [1000, 1000, Math.log(3), 0]);
    const [out] = compute(logSumExp, [x, f32([2], [1, 2])], [f32([2], [0, 0])]);
    expect(out?.[0]).toBeCloseTo(1000 + Math.LN2, 3);
    expect(out?.[1]).toBeCloseTo(Math.log(10), 6);
  });
});

describe('pick', () => {
  it('takes one element of each row', () => {
    const [out] = compute(
      pick,
      [f32([2, 3], [1, 2, 3, 4, 5, 6]), i32([2], [2, 0])],
      [f32([2], [0, 0])],
    );
    expect(out).toEqual([3, 4]);
  });
});
