// GGUF's k-quants: blocks of 256 values in groups of 16 or 32, each group with a small integer scale
// (and minimum) under the block's half-precision ones. Layouts are GGUF's, bit for bit.
import type { WeightDType } from '../dtype.ts';
import { type BlockCodec, storeScale } from './block-codec.ts';
import { type AffineFit, type AffineSearch, fitAffine, fitSymmetric } from './find-scale.ts';
import { f16ToF32, readHalf } from './half.ts';

const SIZE = 256;
const { abs, max, min, round, sqrt } = Math;

// Scratch of the encoders, which never run inside one another.
const levels = new Uint8Array(SIZE);
const scales = new Float64Array(16);
const offsets = new Float64Array(16);
const scaleLevels = new Uint8Array(16);
const offsetLevels = new Uint8Array(16);
const weightsOf16 = new Float64Array(16);
const weightsOf32 = new Float64Array(32);
const fit: AffineFit = { scale: 0, offset: 0 };

// scales[16] (low nibble scale, high nibble minimum), qs[64], d, dmin. Of each half of 128 values,
// byte l of 32 holds values l, l + 32, l + 64, l + 96 in its four pairs of bits.
export const q2_k: BlockCodec = {
  decode(bytes, at, out, outAt) {
    const d = readHalf(bytes, at + 80);
    const dMin = readHalf(bytes, at + 82);
    for (let i = 0; i < SIZE; i++) {
      const group = bytes[at + (i >> 4)] as number;
      const quad = bytes[at + 16 + (i >> 7) * 32 + (i & 31)] as number;
      const level = (quad >> (2 * ((i >> 5) & 3))) & 3;
      out[outAt + i] = d * (group & 15) * level - dMin * (group >> 4);
    }
  },
  encode(values, at, out, outAt) {
    const search: AffineSearch = { top: 3, first: -0.5, step: 0.1, tries: 16 };
    for (let group = 0; group < 16; group++) {
      for (let i = 0; i < 16; i++) weightsOf16[i] = abs(values[at + group * 16 + i] as number);
      fitGroup(values, at, group, weightsOf16, search);
    }
    const { d, dMin } = storeGroupScales('q2_k', 16, 15, out, outAt + 80);
    for (let group = 0; group < 16; group++) {
      out[outAt + group] = (scaleLevels[group] as number) | ((offsetLevels[group] as number) << 4);
    }
    chooseLevels(values, at, d, dMin, 16, 3);
    for (let part = 0; part < 2; part++) {
      for (let l = 0; l < 32; l++) {
        const i = part * 128 + l;
        out[outAt + 16 + part * 32 + l] =
          (levels[i] as number) |
          ((levels[i + 32] as number) << 2) |
          ((levels[i + 64] as number) << 4) |
          ((levels[i + 96] as number) << 6);
      }
    }
  },
};

// hmask[32], qs[64], scales[12] (sixteen of 6 bits), d. Bit i / 32 of hmask[i % 32] is the third bit
// of value i; low bits lie as in q2_k.
export const q3_k: BlockCodec = {
  decode(bytes, at, out, outAt) {
    const d = readHalf(bytes, at + 108);
    for (let i = 0; i < SIZE; i++) {
      const scale = scaleOfQ3(bytes, at + 96, i >> 4) - 32;
      const quad = bytes[at + 32 + (i >> 7) * 32 + (i & 31)] as number;
      const low = (quad >> (2 * ((i >> 5) & 3))) & 3;
      const third = ((bytes[at + (i & 31)] as number) >> (i >> 5)) & 1;
      out[outAt + i] = d * scale * (low + 4 * third - 4);
    }
  },
  encode(values, at, out, outAt) {
    const d = storeSignedScales('q3_k', 32, values, at, 4, out, outAt + 108);
    out.fill(0, outAt, outAt + 108);
    for (let group = 0; group < 16; group++) {
      const scale = clamp((scales[group] as number) + 32, 0, 63);
      orInto(out, outAt + 96 + (group & 7), (scale & 15) << (group < 8 ? 0 : 4));
      orInto(out, outAt + 104 + (group & 3), (scale >> 4) << (2 * (group >> 2)));
    }
    for (let i = 0; i < SIZE; i++) {
      const level = symmetricLevel(values[at + i] as number, d * (scales[i >> 4] as number), 4) + 4;
      orInto(out, outAt + 32 + (i >> 7) * 32 + (i & 31), (level & 3) << (2 * ((i >> 5) & 3)));
      orInto(out, outAt + (i & 31), (level >> 2) << (i >> 5));
    }
  },
};

// d, dmin, scales[12] (eight scales and eight minimums of 6 bits), qs[128]. Byte l of each 32 holds
// value l of an even group in its low nibble and of the next group in its high one.
export const q4_k: BlockCodec = {
  decode(bytes, at, out, outAt) {
    const d = readHalf(bytes, at);
    const dMin = readHalf(bytes, at + 2);
    for (let group = 0; group < 8; group++) {
      const scale = d * scaleOfGroup(bytes, at + 4, group);
      const minimum = dMin * minimumOfGroup(bytes, at + 4, group);
      const from = at + 16 + (group >> 1) * 32;
      const shift = (group & 1) * 4;
      for (let l = 0; l < 32; l++) {
        const level = ((bytes[from + l] as number) >> shift) & 15;
        out[outAt + group * 32 + l] = scale * level - minimum;
      }
    }
  },
  encode(values, at, out, outAt) {
    fitGroupsOf32(values, at, { top: 15, first: -1, step: 0.1, tries: 21 });
    const { d, dMin } = storeGroupScales('q4_k', 8, 63, out, outAt);
    packGroupScales(out, outAt + 4);
    chooseLevels(values, at, d, dMin, 32, 15);
    packNibbles(out, outAt + 16);
  },
};

// As q4_k with qh[32] before qs: bit g of qh[l] is the fifth bit of value l of group g.
export const q5_k: BlockCodec = {
  decode(bytes, at, out, outAt) {
    const d = readHalf(bytes, at);
    const dMin = readHalf(bytes, at + 2);
    for (let group = 0; group < 8; group++) {
      const scale = d * scaleOfGroup(bytes, at + 4, group);
      const minimum = dMin * minimumOfGroup(bytes, at + 4, group);
      const from = at + 48 + (group >> 1) * 32;
      const shift = (group & 1) * 4;
      for (let l = 0; l < 32; l++) {
        const fifth = ((bytes[at + 16 + l] as number) >> group) & 1;
        const level = (((bytes[from + l] as number) >> shift) & 15) | (fifth << 4);
        out[outAt + group * 32 + l] = scale * level - minimum;
      }
    }
  },
  encode(values, at, out, outAt) {
    fitGroupsOf32(values, at, { top: 31, first: -0.5, step: 0.1, tries: 16 });
    const { d, dMin } = storeGroupScales('q5_k', 8, 63, out, outAt);
    packGroupScales(out, outAt + 4);
    chooseLevels(values, at, d, dMin, 32, 31);
    packNibbles(out, outAt + 48);
    out.fill(0, outAt + 16, outAt + 48);
    for (let i = 0; i < SIZE; i++) {
      orInto(out, outAt + 16 + (i & 31), ((levels[i] as number) >> 4) << (i >> 5));
    }
  },
};

// ql[128], qh[64], scales[16] (signed bytes), d. Of each half of 128 values, quarter k of 32: byte
// l + 32 (k % 2) of 64 ql holds its low nibble (k < 2) or high one, qh[l] its two upper bits at 2k.
export const q6_k: BlockCodec = {
  decode(bytes, at, out, outAt) {
    const d = readHalf(bytes, at + 208);
    for (let i = 0; i < SIZE; i++) {
      const part = i >> 7;
      const quarter = (i >> 5) & 3;
      const l = i & 31;
      const pair = bytes[at + part * 64 + (quarter & 1) * 32 + l] as number;
      const low = quarter < 2 ? pair & 15 : pair >> 4;
      const high = ((bytes[at + 128 + part * 32 + l] as number) >> (2 * quarter)) & 3;
      const scale = ((bytes[at + 192 + (i >> 4)] as number) << 24) >> 24;
      out[outAt + i] = d * scale * ((low | (high << 4)) - 32);
    }
  },
  encode(values, at, out, outAt) {
    const d = storeSignedScales('q6_k', 128, values, at, 32, out, outAt + 208);
    out.fill(0, outAt, outAt + 192);
    for (let group = 0; group < 16; group++) out[outAt + 192 + group] = scales[group] as number;
    for (let i = 0; i < SIZE; i++) {
      const part = i >> 7;
      const quarter = (i >> 5) & 3;
      const l = i & 31;
      const x = values[at + i] as number;
      const level = symmetricLevel(x, d * (scales[i >> 4] as number), 32) + 32;
      const where = outAt + part * 64 + (quarter & 1) * 32 + l;
      orInto(out, where, (level & 15) << (quarter < 2 ? 0 : 4));
      orInto(out, outAt + 128 + part * 32 + l, (level >> 4) << (2 * quarter));
    }
  },
};

function scaleOfQ3(bytes: Uint8Array, at: number, group: number): number {
  const low = ((bytes[at + (group & 7)] as number) >> (group < 8 ? 0 : 4)) & 15;
  const high = ((bytes[at + 8 + (group & 3)] as number) >> (2 * (group >> 2))) & 3;
  return low | (high << 4);
}

// Groups 0 to 3 lie in the low 6 bits of bytes 0 to 3 (scale) and 4 to 7 (minimum); groups 4 to 7 have
// their low nibbles in bytes 8 to 11 and their upper two bits on top of those bytes.
function scaleOfGroup(bytes: Uint8Array, at: number, group: number): number {
  if (group < 4) return (bytes[at + group] as number) & 63;
  return ((bytes[at + group + 4] as number) & 15) | (((bytes[at + group - 4] as number) >> 6) << 4);
}

function minimumOfGroup(bytes: Uint8Array, at: number, group: number): number {
  if (group < 4) return (bytes[at + group + 4] as number) & 63;
  return ((bytes[at + group + 4] as number) >> 4) | (((bytes[at + group] as number) >> 6) << 4);
}

function packGroupScales(out: Uint8Array, at: number): void {
  for (let group = 0; group < 4; group++) {
    const scale = scaleLevels[group + 4] as number;
    const minimum = offsetLevels[group + 4] as number;
    out[at + group] = (scaleLevels[group] as number) | ((scale >> 4) << 6);
    out[at + group + 4] = (offsetLevels[group] as number) | ((minimum >> 4) << 6);
    out[at + group + 8] = (scale & 15) | ((minimum & 15) << 4);
  }
}

function packNibbles(out: Uint8Array, at: number): void {
  for (let pair = 0; pair < 4; pair++) {
    for (let l = 0; l < 32; l++) {
      const i = pair * 64 + l;
      const high = levels[i + 32] as number;
      out[at + pair * 32 + l] = ((levels[i] as number) & 15) | ((high & 15) << 4);
    }
  }
}

function fitGroupsOf32(values: Float32Array, at: number, search: AffineSearch): void {
  for (let group = 0; group < 8; group++) {
    let squares = 0;
    for (let i = 0; i < 32; i++) squares += (values[at + group * 32 + i] as number) ** 2;
    // Large values matter more, small ones not nothing: weight = |x| + root mean square.
    const typical = sqrt(squares / 32);
    for (let i = 0; i < 32; i++) {
      weightsOf32[i] = typical + abs(values[at + group * 32 + i] as number);
    }
    fitGroup(values, at, group, weightsOf32, search);
  }
}

function fitGroup(
  values: Float32Array,
  at: number,
  group: number,
  weights: Float64Array,
  search: AffineSearch,
): void {
  fitAffine(values, at + group * weights.length, weights, search, fit);
  scales[group] = fit.scale;
  offsets[group] = fit.offset;
}

// Stores d and dmin, and leaves each group's integers in scaleLevels and offsetLevels.
function storeGroupScales(
  dtype: WeightDType,
  groups: number,
  top: number,
  out: Uint8Array,
  at: number,
): { readonly d: number; readonly dMin: number } {
  let largestScale = 0;
  let largestOffset = 0;
  for (let group = 0; group < groups; group++) {
    largestScale = max(largestScale, scales[group] as number);
    largestOffset = max(largestOffset, offsets[group] as number);
  }
  const inverseScale = largestScale > 0 ? top / largestScale : 0;
  const inverseOffset = largestOffset > 0 ? top / largestOffset : 0;
  for (let group = 0; group < groups; group++) {
    scaleLevels[group] = clamp(round(inverseScale * (scales[group] as number)), 0, top);
    offsetLevels[group] = clamp(round(inverseOffset * (offsets[group] as number)), 0, top);
  }
  const d = f16ToF32(storeScale(dtype, largestScale / top, out, at));
  const dMin = f16ToF32(storeScale(dtype, largestOffset / top, out, at + 2));
  return { d, dMin };
}

// Rounds anew under the scales as they were stored.
function chooseLevels(
  values: Float32Array,
  at: number,
  d: number,
  dMin: number,
  groupSize: number,
  top: number,
): void {
  for (let group = 0; group * groupSize < SIZE; group++) {
    const scale = d * (scaleLevels[group] as number);
    const offset = dMin * (offsetLevels[group] as number);
    const inverse = scale === 0 ? 0 : 1 / scale;
    for (let i = group * groupSize; i < (group + 1) * groupSize; i++) {
      levels[i] = clamp(round(((values[at + i] as number) + offset) * inverse), 0, top);
    }
  }
}

// Scales may be negative: the largest becomes exactly -top. Leaves the integers in `scales`, returns d.
function storeSignedScales(
  dtype: WeightDType,
  top: number,
  values: Float32Array,
  at: number,
  steps: number,
  out: Uint8Array,
  outAt: number,
): number {
  let extreme = 0;
  for (let group = 0; group < 16; group++) {
    const scale = fitSymmetric(values, at + group * 16, 16, steps);
    scales[group] = scale;
    if (abs(scale) > abs(extreme)) extreme = scale;
  }
  const inverse = extreme === 0 ? 0 : -top / extreme;
  for (let group = 0; group < 16; group++) {
    scales[group] = clamp(round(inverse * (scales[group] as number)), -top, top - 1);
  }
  return f16ToF32(storeScale(dtype, extreme === 0 ? 0 : 1 / inverse, out, outAt));
}

function symmetricLevel(value: number, scale: number, steps: number): number {
  return scale === 0 ? 0 : clamp(round(value / scale), -steps, steps - 1);
}

function clamp(value: number, low: number, high: number): number {
  return min(high, max(low, value));
}

function orInto(out: Uint8Array, at: number, bits: number): void {
  out[at] = (out[at] as number) | bits;
}
