// GGUF's block types of 32 values with one half-precision scale (and, for the _1 types, a minimum).
// Encoders round as the reference quantisers of ggml do, in single precision, so the bytes agree.
import type { WeightDType } from '../dtype.ts';
import { type BlockCodec, storeScale } from './block-codec.ts';
import { readHalf } from './half.ts';

const SIZE = 32;
const { abs, fround, min, trunc } = Math;

// d · (q - 8); element i is the low nibble of byte i, element i + 16 the high one.
export const q4_0: BlockCodec = {
  decode(bytes, at, out, outAt) {
    const scale = readHalf(bytes, at);
    for (let i = 0; i < 16; i++) {
      const pair = bytes[at + 2 + i] as number;
      out[outAt + i] = scale * ((pair & 15) - 8);
      out[outAt + i + 16] = scale * ((pair >> 4) - 8);
    }
  },
  encode(values, at, out, outAt) {
    const inverse = storeSymmetricScale('q4_0', 8, values, at, out, outAt);
    for (let i = 0; i < 16; i++) {
      const low = shiftedLevel(values[at + i] as number, inverse, 8.5, 15);
      const high = shiftedLevel(values[at + i + 16] as number, inverse, 8.5, 15);
      out[outAt + 2 + i] = low | (high << 4);
    }
  },
};

// d · q + m
export const q4_1: BlockCodec = {
  decode(bytes, at, out, outAt) {
    const scale = readHalf(bytes, at);
    const minimum = readHalf(bytes, at + 2);
    for (let i = 0; i < 16; i++) {
      const pair = bytes[at + 4 + i] as number;
      out[outAt + i] = scale * (pair & 15) + minimum;
      out[outAt + i + 16] = scale * (pair >> 4) + minimum;
    }
  },
  encode(values, at, out, outAt) {
    const { inverse, minimum } = storeScaleAndMinimum('q4_1', 15, values, at, out, outAt);
    for (let i = 0; i < 16; i++) {
      const low = levelAbove(values[at + i] as number, minimum, inverse, 15);
      const high = levelAbove(values[at + i + 16] as number, minimum, inverse, 15);
      out[outAt + 4 + i] = low | (high << 4);
    }
  },
};

// As q4_0 with a fifth bit: bit i of the 32-bit word after the scale belongs to element i.
export const q5_0: BlockCodec = {
  decode(bytes, at, out, outAt) {
    const scale = readHalf(bytes, at);
    const fifth = readWord(bytes, at + 2);
    for (let i = 0; i < 16; i++) {
      const pair = bytes[at + 6 + i] as number;
      out[outAt + i] = scale * (((pair & 15) | (((fifth >>> i) & 1) << 4)) - 16);
      out[outAt + i + 16] = scale * (((pair >> 4) | (((fifth >>> (i + 16)) & 1) << 4)) - 16);
    }
  },
  encode(values, at, out, outAt) {
    const inverse = storeSymmetricScale('q5_0', 16, values, at, out, outAt);
    let fifth = 0;
    for (let i = 0; i < 16; i++) {
      const low = shiftedLevel(values[at + i] as number, inverse, 16.5, 31);
      const high = shiftedLevel(values[at + i + 16] as number, inverse, 16.5, 31);
      out[outAt + 6 + i] = (low & 15) | ((high & 15) << 4);
      fifth |= ((low >> 4) << i) | ((high >> 4) << (i + 16));
    }
    storeWord(fifth, out, outAt + 2);
  },
};

// As q4_1 with a fifth bit.
export const q5_1: BlockCodec = {
  decode(bytes, at, out, outAt) {
    const scale = readHalf(bytes, at);
    const minimum = readHalf(bytes, at + 2);
    const fifth = readWord(bytes, at + 4);
    for (let i = 0; i < 16; i++) {
      const pair = bytes[at + 8 + i] as number;
      out[outAt + i] = scale * ((pair & 15) | (((fifth >>> i) & 1) << 4)) + minimum;
      out[outAt + i + 16] = scale * ((pair >> 4) | (((fifth >>> (i + 16)) & 1) << 4)) + minimum;
    }
  },
  encode(values, at, out, outAt) {
    const { inverse, minimum } = storeScaleAndMinimum('q5_1', 31, values, at, out, outAt);
    let fifth = 0;
    for (let i = 0; i < 16; i++) {
      const low = levelAbove(values[at + i] as number, minimum, inverse, 31);
      const high = levelAbove(values[at + i + 16] as number, minimum, inverse, 31);
      out[outAt + 8 + i] = (low & 15) | ((high & 15) << 4);
      fifth |= ((low >> 4) << i) | ((high >> 4) << (i + 16));
    }
    storeWord(fifth, out, outAt + 4);
  },
};

// d · q, q a signed byte.
export const q8_0: BlockCodec = {
  decode(bytes, at, out, outAt) {
    const scale = readHalf(bytes, at);
    for (let i = 0; i < SIZE; i++) {
      out[outAt + i] = scale * (((bytes[at + 2 + i] as number) << 24) >> 24);
    }
  },
  encode(values, at, out, outAt) {
    let largest = 0;
    for (let i = 0; i < SIZE; i++) {
      const size = abs(values[at + i] as number);
      if (size > largest) largest = size;
    }
    const scale = fround(largest / 127);
    const inverse = inverseOf(scale);
    storeScale('q8_0', scale, out, outAt);
    for (let i = 0; i < SIZE; i++) {
      const level = fround((values[at + i] as number) * inverse);
      // Halves go away from zero, as C's roundf does; Math.round would send -0.5 to 0.
      out[outAt + 2 + i] = level < 0 ? -trunc(0.5 - level) : trunc(level + 0.5);
    }
  },
};

// The value of largest size becomes exactly -steps · d: the negative side has one level more.
function storeSymmetricScale(
  dtype: WeightDType,
  steps: number,
  values: Float32Array,
  at: number,
  out: Uint8Array,
  outAt: number,
): number {
  let extreme = 0;
  for (let i = 0; i < SIZE; i++) {
    const value = values[at + i] as number;
    if (abs(value) > abs(extreme)) extreme = value;
  }
  const scale = fround(extreme / -steps);
  storeScale(dtype, scale, out, outAt);
  return inverseOf(scale);
}

function storeScaleAndMinimum(
  dtype: WeightDType,
  levels: number,
  values: Float32Array,
  at: number,
  out: Uint8Array,
  outAt: number,
): { readonly inverse: number; readonly minimum: number } {
  let smallest = values[at] as number;
  let largest = smallest;
  for (let i = 1; i < SIZE; i++) {
    const value = values[at + i] as number;
    if (value < smallest) smallest = value;
    if (value > largest) largest = value;
  }
  const scale = fround(fround(largest - smallest) / levels);
  storeScale(dtype, scale, out, outAt);
  storeScale(dtype, smallest, out, outAt + 2);
  return { inverse: inverseOf(scale), minimum: smallest };
}

function inverseOf(scale: number): number {
  return scale === 0 ? 0 : fround(1 / scale);
}

function shiftedLevel(value: number, inverse: number, shift: number, top: number): number {
  return min(top, trunc(fround(fround(value * inverse) + shift)));
}

function levelAbove(value: number, minimum: number, inverse: number, top: number): number {
  return min(top, trunc(fround(fround(fround(value - minimum) * inverse) + 0.5)));
}

function readWord(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at] as number) |
    ((bytes[at + 1] as number) << 8) |
    ((bytes[at + 2] as number) << 16) |
    ((bytes[at + 3] as number) << 24)
  );
}

function storeWord(word: number, out: Uint8Array, at: number): void {
  for (let i = 0; i < 4; i++) out[at + i] = word >>> (8 * i);
}
