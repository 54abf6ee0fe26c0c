// Conversions of half precision and bfloat16 against their definitions.
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../test/mutate.ts';
import {
  bf16BytesToF32,
  bf16ToF32,
  f16BytesToF32,
  f16ToF32,
  f32ToBf16,
  f32ToBf16Bytes,
  f32ToF16,
  f32ToF16Bytes,
} from './half.ts';

describe('half precision', () => {
  it('gives every bit pattern the value of its sign, exponent and fraction, and back', () => {
    const wrong: number[] = [];
    for (let bits = 0; bits < 65536; bits++) {
      const sign = bits & 0x8000 ? -1 : 1;
      const exponent = (bits >> 10) & 31;
      const fraction = bits & 1023;
      const value =
        exponent === 0
          ? fraction * 2 ** -24
          : exponent === 31
            ? fraction === 0
              ? Number.POSITIVE_INFINITY
              : Number.NaN
            : (1 + fraction / 1024) * 2 ** (exponent - 15);
      if (!Object.is(f16ToF32(bits), Number.isNaN(value) ? value : sign * value)) wrong.push(bits);
      if (!Number.isNaN(value) && f32ToF16(sign * value) !== bits) wrong.push(bits);
    }
    expect(wrong).toEqual([]);
  });

  it('rounds ties to even and overflows to infinity', () => {
    expect(f32ToF16(1 + 2 ** -11)).toBe(0x3c00);
    expect(f32ToF16(1 + 3 * 2 ** -11)).toBe(0x3c02);
    expect(f32ToF16(65519.996)).toBe(0x7bff);
    expect(f32ToF16(65520)).toBe(0x7c00);
    expect(f32ToF16(2 ** -25)).toBe(0);
    expect(f32ToF16(3 * 2 ** -25)).toBe(2);
  });
});

describe('bfloat16', () => {
  it('rounds ties to even, keeps NaN and overflows to infinity', () => {
    expect(f32ToBf16(1 + 2 ** -8)).toBe(0x3f80);
    expect(f32ToBf16(1 + 3 * 2 ** -8)).toBe(0x3f82);
    expect(f32ToBf16(3.4028234663852886e38)).toBe(0x7f80);
    expect(f32ToBf16(-0)).toBe(0x8000);
    const quiet = new Float32Array(Uint32Array.of(0x7f800001, 0xff800001).buffer);
    const bytes = f32ToBf16Bytes(quiet);
    const back = new Float32Array(2);
    bf16BytesToF32(bytes, back);
    expect(back).toEqual(Float32Array.of(Number.NaN, Number.NaN));
    expect(bf16ToF32(0xc040)).toBe(-3);
  });
});

it('converts in bulk as one by one', () => {
  const random = seededRandom(5);
  const values = Float32Array.from(
    { length: 999 },
    () => (random() - 0.5) * 2 ** (random() * 60 - 40),
  );
  const half = new Float32Array(999);
  f16BytesToF32(f32ToF16Bytes(values), half);
  expect(half).toEqual(values.map((value) => f16ToF32(f32ToF16(value))));
  const brain = new Float32Array(999);
  bf16BytesToF32(f32ToBf16Bytes(values), brain);
  expect(brain).toEqual(values.map((value) => bf16ToF32(f32ToBf16(value))));
});
