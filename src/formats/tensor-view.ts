// A tensor that may lie in pieces: in one file as it is, with strides, split over shards, or with its
// rows in another order. Reads any range of its row-major bytes without holding the rest.
// Knows nothing of formats and names.
import { invariant } from '../base/invariant.ts';
import { type DType, dtypes, tensorBytes } from '../tensor/dtype.ts';
import type { Region } from './checkpoint.ts';
import type { SourceFile } from './files.ts';

/** Row-major bytes of a tensor, read on demand. */
export interface TensorView {
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** Where the bytes lie unchanged in one file, if they do. */
  readonly region: Region | undefined;
  /** Bytes [offset, offset + length); the caller keeps the range inside the tensor. */
  read(offset: number, length: number): Promise<Uint8Array>;
}

/** Bytes of the whole tensor. */
export function viewBytes(view: TensorView): number {
  return tensorBytes(view.dtype, view.shape);
}

/** A tensor that lies in a file as it is. */
export function fileView(
  file: SourceFile,
  place: { readonly offset: number; readonly dtype: DType; readonly shape: readonly number[] },
): TensorView {
  const { offset, dtype, shape } = place;
  return {
    dtype,
    shape,
    region: { path: file.path, offset, length: tensorBytes(dtype, shape) },
    read: (at, length) => file.read(offset + at, length),
  };
}

/** Views one under the other: equal but for the first axis. */
export function joinRows(views: readonly TensorView[]): TensorView {
  const [first, ...others] = views;
  invariant(first !== undefined, 'nothing to join');
  if (others.length === 0) return first;
  const rows = views.reduce((sum, view) => sum + (view.shape[0] ?? 0), 0);
  return {
    dtype: first.dtype,
    shape: [rows, ...first.shape.slice(1)],
    region: undefined,
    async read(offset, length) {
      const bytes = new Uint8Array(length);
      let start = 0;
      for (const view of views) {
        const end = start + viewBytes(view);
        const from = Math.max(start, offset);
        const to = Math.min(end, offset + length);
        if (from < to) bytes.set(await view.read(from - start, to - from), from - offset);
        start = end;
      }
      return bytes;
    },
  };
}

/** Matrices side by side: equal but for the second axis. */
export function joinColumns(views: readonly TensorView[]): TensorView {
  const [first, ...others] = views;
  invariant(first !== undefined, 'nothing to join');
  if (others.length === 0) return first;
  const rows = first.shape[0] ?? 0;
  const columns = views.reduce((sum, view) => sum + (view.shape[1] ?? 0), 0);
  const rowBytes = tensorBytes(first.dtype, [columns]);
  return readByRows(
    { dtype: first.dtype, shape: [rows, columns], rowsAtOnce: 1 },
    async (row, count) => {
      const bytes = new Uint8Array(count * rowBytes);
      let column = 0;
      for (const view of views) {
        const width = tensorBytes(view.dtype, view.shape.slice(1));
        const part = await view.read(row * width, count * width);
        for (let i = 0; i < count; i++) {
          bytes.set(part.subarray(i * width, (i + 1) * width), i * rowBytes + column);
        }
        column += width;
      }
      return bytes;
    },
  );
}

/** Which way pairs of rotated rows lie within a head: (i, i + d/2) halves, or (2i, 2i + 1) interleaved. */
export type RopeOrder = 'halves-to-interleaved' | 'interleaved-to-halves';

/** The rows of a q or k matrix in the other RoPE order. The first axis is heads × headDim. */
export function reorderRopeRows(
  view: TensorView,
  { headDim, order }: { readonly headDim: number; readonly order: RopeOrder },
): TensorView {
  const rowBytes = tensorBytes(view.dtype, view.shape.slice(1));
  const half = headDim / 2;
  const options = { dtype: view.dtype, shape: view.shape, rowsAtOnce: headDim };
  return readByRows(options, async (row, count) => {
    const source = await view.read(row * rowBytes, count * rowBytes);
    const bytes = new Uint8Array(source.byteLength);
    for (let head = 0; head < count; head += headDim) {
      for (let i = 0; i < headDim; i++) {
        const other = (i >> 1) + (i & 1) * half;
        const [from, to] = order === 'halves-to-interleaved' ? [other, i] : [i, other];
        const at = (head + from) * rowBytes;
        bytes.set(source.subarray(at, at + rowBytes), (head + to) * rowBytes);
      }
    }
    return bytes;
  });
}

/** A tensor whose elements do not lie one after the other: `strides` count elements, the last may be 1. */
export function stridedView(
  file: SourceFile,
  place: {
    readonly offset: number;
    readonly dtype: DType;
    readonly shape: readonly number[];
    readonly strides: readonly number[];
  },
): TensorView {
  const { offset, dtype, shape, strides } = place;
  const size = dtypes[dtype].blockBytes;
  invariant(dtypes[dtype].blockSize === 1, 'only plain numbers have strides');
  return {
    dtype,
    shape,
    region: undefined,
    async read(at, length) {
      const first = Math.floor(at / size);
      const last = Math.floor((at + length - 1) / size);
      const places = new Float64Array(Math.max(0, last - first + 1));
      let [lowest, highest] = [Number.POSITIVE_INFINITY, 0];
      for (let i = 0; i < places.length; i++) {
        const element = placeOf(first + i, shape, strides);
        places[i] = element;
        lowest = Math.min(lowest, element);
        highest = Math.max(highest, element);
      }
      if (places.length === 0) return new Uint8Array(0);
      const span = await file.read(offset + lowest * size, (highest - lowest + 1) * size);
      const bytes = new Uint8Array(places.length * size);
      for (let i = 0; i < places.length; i++) {
        const from = ((places[i] as number) - lowest) * size;
        for (let b = 0; b < size; b++) bytes[i * size + b] = span[from + b] as number;
      }
      return bytes.subarray(at - first * size, at - first * size + length);
    },
  };
}

function placeOf(index: number, shape: readonly number[], strides: readonly number[]): number {
  let place = 0;
  let rest = index;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const size = shape[axis] as number;
    place += (rest % size) * (strides[axis] as number);
    rest = Math.floor(rest / size);
  }
  return place;
}

/** Values computed group by group: `readRows(row, count)` gives whole multiples of `rowsAtOnce` rows. */
export function readByRows(
  tensor: {
    readonly dtype: DType;
    readonly shape: readonly number[];
    readonly rowsAtOnce: number;
  },
  readRows: (row: number, count: number) => Promise<Uint8Array>,
): TensorView {
  const { dtype, shape, rowsAtOnce } = tensor;
  const groupBytes = tensorBytes(dtype, shape.slice(1)) * rowsAtOnce;
  return {
    dtype,
    shape,
    region: undefined,
    async read(offset, length) {
      if (length === 0) return new Uint8Array(0);
      const first = Math.floor(offset / groupBytes);
      const last = Math.floor((offset + length - 1) / groupBytes);
      const bytes = await readRows(first * rowsAtOnce, (last - first + 1) * rowsAtOnce);
      const start = offset - first * groupBytes;
      return bytes.subarray(start, start + length);
    },
  };
}
