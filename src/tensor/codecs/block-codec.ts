// What a block type must be able to do, and how it stores its scales. Knows no type in particular.
import { errors } from '../../base/errors.ts';
import type { WeightDType } from '../dtype.ts';
import { f32ToF16 } from './half.ts';

/** Turns one block at a time between bytes and values. */
export interface BlockCodec {
  readonly decode: (bytes: Uint8Array, at: number, out: Float32Array, outAt: number) => void;
  /** Values must be finite. Throws WEIGHT_NOT_STORABLE where a scale is beyond half precision. */
  readonly encode: (values: Float32Array, at: number, out: Uint8Array, outAt: number) => void;
}

/** Stores `value` as a half and returns its bits. A scale that overflows would turn the block into NaN. */
export function storeScale(dtype: WeightDType, value: number, out: Uint8Array, at: number): number {
  const bits = f32ToF16(value);
  if ((bits & 0x7c00) === 0x7c00) {
    throw errors.WEIGHT_NOT_STORABLE({ dtype, value: `a block with scale ${value}` });
  }
  out[at] = bits & 0xff;
  out[at + 1] = bits >> 8;
  return bits;
}
