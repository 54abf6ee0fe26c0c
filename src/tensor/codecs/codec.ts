// Every weight type to and from single precision, as GGUF lays it out: plain loops, the oracle that
// kernels are checked against. Knows nothing of files and devices.
import { errors } from '../../base/errors.ts';
import { invariant } from '../../base/invariant.ts';
import { dtypes, rowBytes, type WeightDType } from '../dtype.ts';
import type { BlockCodec } from './block-codec.ts';
import { q4_0, q4_1, q5_0, q5_1, q8_0 } from './blocks-of-32.ts';
import { q2_k, q3_k, q4_k, q5_k, q6_k } from './blocks-of-256.ts';
import {
  bf16BytesToF32,
  f16BytesToF32,
  f16ToF32,
  f32ToBf16Bytes,
  f32ToF16,
  f32ToF16Bytes,
} from './half.ts';

type BlockDType = Exclude<WeightDType, 'f32' | 'f16' | 'bf16'>;

const blockCodecs: Readonly<Record<BlockDType, BlockCodec>> = {
  q4_0,
  q4_1,
  q5_0,
  q5_1,
  q8_0,
  q2_k,
  q3_k,
  q4_k,
  q5_k,
  q6_k,
};

/** The first `count` values in `bytes`; `count` fills whole blocks. */
export function dequantize(dtype: WeightDType, bytes: Uint8Array, count: number): Float32Array {
  const values = new Float32Array(count);
  dequantizeInto(dtype, bytes, values);
  return values;
}

/** As dequantize, into memory that is there: `out.length` values. */
export function dequantizeInto(dtype: WeightDType, bytes: Uint8Array, out: Float32Array): void {
  const { blockSize, blockBytes } = dtypes[dtype];
  const length = checkedBytes(dtype, out.length);
  invariant(bytes.byteLength >= length, `${out.length} ${dtype} values need ${length} bytes`);
  if (dtype === 'f32') {
    new Uint8Array(out.buffer, out.byteOffset, length).set(bytes.subarray(0, length));
  } else if (dtype === 'f16') {
    f16BytesToF32(bytes, out);
  } else if (dtype === 'bf16') {
    bf16BytesToF32(bytes, out);
  } else {
    const { decode } = blockCodecs[dtype];
    for (let i = 0, at = 0; i < out.length; i += blockSize, at += blockBytes) {
      decode(bytes, at, out, i);
    }
  }
}

/**
 * Values in a type's bytes. f32, f16 and bf16 keep NaN and infinity; block types cannot hold them, nor
 * can f16 hold finite values beyond 65504: both throw WEIGHT_NOT_STORABLE.
 */
export function quantize(dtype: WeightDType, values: Float32Array): Uint8Array {
  const { blockSize, blockBytes } = dtypes[dtype];
  const length = checkedBytes(dtype, values.length);
  if (dtype === 'f32') {
    return new Uint8Array(values.buffer, values.byteOffset, length).slice();
  }
  // 65520 is the first value that rounds to infinity in half precision.
  if (dtype === 'f16') {
    checkEach(values, (x) => Math.abs(x) < 65520 || !Number.isFinite(x), dtype);
    return f32ToF16Bytes(values);
  }
  if (dtype === 'bf16') return f32ToBf16Bytes(values);
  checkEach(values, Number.isFinite, dtype);
  const bytes = new Uint8Array(length);
  const { encode } = blockCodecs[dtype];
  for (let i = 0, at = 0; i < values.length; i += blockSize, at += blockBytes) {
    encode(values, i, bytes, at);
  }
  return bytes;
}

/**
 * Activations in a cache type's bytes, none refused: what f16 cannot hold becomes infinity, and a q8_0
 * block with a NaN or an infinity, or beyond its scale, is stored so that all of it reads as NaN.
 */
export function roundActivations(dtype: WeightDType, values: Float32Array): Uint8Array {
  if (dtype === 'f16') return f32ToF16Bytes(values);
  if (dtype !== 'q8_0') return quantize(dtype, values);
  const bytes = new Uint8Array(checkedBytes(dtype, values.length));
  const { blockSize, blockBytes } = dtypes[dtype];
  for (let i = 0, at = 0; i < values.length; i += blockSize, at += blockBytes) {
    const most = Math.max(...values.subarray(i, i + blockSize).map(Math.abs));
    if (Number.isFinite(f16ToF32(f32ToF16(Math.fround(most / 127))))) {
      q8_0.encode(values, i, bytes, at);
    } else {
      bytes.set(notANumber, at);
    }
  }
  return bytes;
}

// A quiet NaN as a half, little endian.
const notANumber = [0x00, 0x7e];

function checkedBytes(dtype: WeightDType, count: number): number {
  const { blockSize } = dtypes[dtype];
  invariant(count % blockSize === 0, `${count} values are no whole ${dtype} blocks`);
  return rowBytes(dtype, count);
}

function checkEach(
  values: Float32Array,
  isStorable: (value: number) => boolean,
  dtype: WeightDType,
): void {
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number;
    if (!isStorable(value)) throw errors.WEIGHT_NOT_STORABLE({ dtype, value: `${value}` });
  }
}
