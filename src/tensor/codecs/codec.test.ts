// The codecs against blocks decoded by an independent Python script (golden/make-blocks.py), against
// blocks worked by hand, and against the errors known for each type on normal values.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../test/mutate.ts';
import { dtypes, type WeightDType } from '../dtype.ts';
import { dequantize, dequantizeInto, quantize, roundActivations } from './codec.ts';

type Golden = Record<string, { block: string; values: string }[]>;
const golden = JSON.parse(
  readFileSync(join(import.meta.dirname, 'golden', 'blocks.json'), 'utf8'),
) as Golden;

const blockTypes = Object.keys(golden) as WeightDType[];

function normalValues(count: number, seed: number): Float32Array {
  const random = seededRandom(seed);
  return Float32Array.from({ length: count }, () => {
    const radius = Math.sqrt(-2 * Math.log(1 - random()));
    return radius * Math.cos(2 * Math.PI * random());
  });
}

function rootMeanSquare(a: Float32Array, b: Float32Array): number {
  return Math.sqrt(a.reduce((sum, x, i) => sum + (x - (b[i] ?? 0)) ** 2, 0) / a.length);
}

function roundTrip(dtype: WeightDType, values: Float32Array): Float32Array {
  return dequantize(dtype, quantize(dtype, values), values.length);
}

describe.each(blockTypes)('%s', (dtype) => {
  it('decodes blocks as the layout says, to the bit', () => {
    for (const { block, values } of golden[dtype] ?? []) {
      const bytes = Buffer.from(block, 'hex');
      const decoded = dequantize(dtype, bytes, dtypes[dtype].blockSize);
      // The script computes in fractions, which have no negative zero: + 0 takes its sign away.
      const unsigned = decoded.map((value) => value + 0);
      expect(Buffer.from(unsigned.buffer).toString('hex') === values).toBe(true);
    }
  });

  it('keeps zeros zero', () => {
    const zeros = new Float32Array(dtypes[dtype].blockSize * 2);
    expect(roundTrip(dtype, zeros).every((value) => value === 0)).toBe(true);
  });

  it('finds values again that it can hold exactly', () => {
    const first = golden[dtype]?.[0];
    const bytes = Buffer.from(first?.block ?? '', 'hex');
    const values = dequantize(dtype, bytes, dtypes[dtype].blockSize);
    const largest = values.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
    // Not to the bit: which scales made them is not unique. Far under one step of the type.
    const allowed = { q2_k: 0.12, q3_k: 0.06, q4_k: 0.02, q5_k: 0.01 }[dtype as string] ?? 0.035;
    expect(rootMeanSquare(roundTrip(dtype, values), values) / largest).toBeLessThan(allowed);
  });

  it('refuses NaN and infinity', () => {
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      const values = new Float32Array(256);
      values[77] = bad;
      expect(() => quantize(dtype, values)).toThrow(/A weight is (NaN|-?Infinity).*cannot hold/);
    }
  });

  it('refuses values whose scale is beyond half precision', () => {
    const values = new Float32Array(256).fill(3e38);
    values[0] = -3e38;
    expect(() => quantize(dtype, values)).toThrow(
      expect.objectContaining({ code: 'CORRAL_WEIGHT_NOT_STORABLE' }),
    );
  });

  it('survives constants, single spikes and tiny values', () => {
    for (const make of [
      () => 0.37,
      () => -0.37,
      (i: number) => (i === 40 ? 5 : 0),
      (i: number) => (i % 2 ? 1e-42 : -1e-42),
      (i: number) => 1e-7 * i,
    ]) {
      const values = Float32Array.from({ length: 256 }, (_, i) => make(i));
      const back = roundTrip(dtype, values);
      const largest = values.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
      // Half a step of the coarsest type; scales round to half precision's smallest step of 2^-24, and
      // up to 128 × 32 of them make a value.
      const allowed = largest * 0.34 + 4096 * 2 ** -25;
      expect(back.every((value, i) => Math.abs(value - (values[i] ?? 0)) <= allowed)).toBe(true);
    }
  });
});

describe('quantisers', () => {
  // Errors of llama.cpp's quantisers on normal values; ours may not lose more.
  it.each([
    ['q8_0', 0.0056],
    ['q6_k', 0.0185],
    ['q5_k', 0.038],
    ['q5_1', 0.039],
    ['q5_0', 0.044],
    ['q4_k', 0.075],
    ['q4_1', 0.08],
    ['q4_0', 0.088],
    ['q3_k', 0.16],
    ['q2_k', 0.3],
    ['bf16', 0.0018],
    ['f16', 0.00025],
    ['f32', 1e-12],
  ] as const)('%s loses at most %d of the deviation of normal values', (dtype, bound) => {
    const values = normalValues(256 * 64, 3);
    expect(rootMeanSquare(roundTrip(dtype, values), values)).toBeLessThan(bound);
    const small = values.map((value) => value * 0.02);
    expect(rootMeanSquare(roundTrip(dtype, small), small)).toBeLessThan(bound * 0.021);
  });

  it('packs q4_0 as the hand does: -8 steps at the largest value, halves rounded up', () => {
    // Largest by size is -4: d = 0.5. 0 → 8, 0.25 → 8.5 + 0.5 → 9, 3.9 → 15 at most, -4 → 0.
    const values = new Float32Array(32);
    values.set([-4, 0.25, 3.9]);
    values.set([1, -1], 16);
    const packed = quantize('q4_0', values);
    expect([...packed.subarray(0, 2)]).toEqual([0x00, 0x38]);
    expect([...packed.subarray(2, 6)]).toEqual([0xa0, 0x69, 0x8f, 0x88]);
  });

  it('packs q8_0 with 127 at the largest size and halves away from zero', () => {
    const values = new Float32Array(32);
    values.set([127, -127, 0.5, -0.5, 1.49, -2.5]);
    const packed = quantize('q8_0', values);
    expect([...packed.subarray(0, 2)]).toEqual([0x00, 0x3c]);
    expect([...new Int8Array(packed.buffer, 2, 6)]).toEqual([127, -127, 1, -1, 1, -3]);
  });

  it('packs q4_1 from the smallest to the largest value', () => {
    const values = Float32Array.from({ length: 32 }, (_, i) => 2 + (i % 16));
    const packed = quantize('q4_1', values);
    expect(Buffer.from(packed.subarray(0, 4)).toString('hex')).toBe('003c0040');
    expect(dequantize('q4_1', packed, 32)).toEqual(values);
  });

  it('holds what f32, f16 and bf16 can: NaN and infinity pass, finite overflow of f16 is refused', () => {
    const special = Float32Array.from([Number.NaN, Number.POSITIVE_INFINITY, -0, 1.5]);
    for (const dtype of ['f32', 'f16', 'bf16'] as const) {
      expect(roundTrip(dtype, special)).toEqual(special);
    }
    expect(roundTrip('f16', Float32Array.of(65504, 65519))).toEqual(Float32Array.of(65504, 65504));
    expect(() => quantize('f16', Float32Array.of(65520))).toThrow(/65520.*f16 cannot hold/);
  });

  it('reads from and into the middle of other memory, also unaligned', () => {
    const values = normalValues(512, 9);
    for (const dtype of [...blockTypes, 'f32', 'f16', 'bf16'] as const) {
      const packed = quantize(dtype, values);
      const shifted = new Uint8Array(packed.length + 3);
      shifted.set(packed, 3);
      const out = new Float32Array(600).fill(7);
      dequantizeInto(dtype, shifted.subarray(3), out.subarray(10, 522));
      expect(out.slice(10, 522)).toEqual(dequantize(dtype, packed, 512));
      expect([out[9], out[522]]).toEqual([7, 7]);
    }
  });
});

describe('roundActivations', () => {
  it('makes a whole q8_0 block NaN where one value is not finite or its scale overflows', () => {
    const plain = normalValues(32, 1);
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1e7]) {
      const values = Float32Array.from([...plain, ...plain]);
      values[39] = bad;
      const bytes = roundActivations('q8_0', values);
      const read = dequantize('q8_0', bytes, 64);
      expect(bytes.subarray(0, 34)).toEqual(quantize('q8_0', plain));
      expect(read.subarray(32).every(Number.isNaN), `${bad}`).toBe(true);
    }
  });

  it('gives infinity for what is beyond f16', () => {
    const bytes = roundActivations('f16', Float32Array.of(1e6, -1e6, Number.NaN));
    expect(dequantize('f16', bytes, 3)).toEqual(
      Float32Array.of(Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN),
    );
  });
});
