// One tensor from its type to another, a piece at a time: memory stays bounded and the event loop
// is free between pieces. Bytes of an unchanged type are copied as they are.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { errors } from '../base/errors.ts';
import { dequantize, quantize } from '../tensor/codecs/codec.ts';
import { rowBytes, type WeightDType } from '../tensor/dtype.ts';
import type { FileSink } from './files.ts';
import { type TensorView, viewBytes } from './tensor-view.ts';

// A multiple of every block. K-quants take 4 million values a second here: 8 ms a piece.
const PIECE_ELEMENTS = 2 ** 15;
// Rows that are re-ordered while read come a head at a time: larger reads waste less.
const PIECES_PER_READ = 64;
const COPY_BYTES = 8 * 2 ** 20;

/** What a conversion reports and obeys. */
export interface ConvertTensorOptions {
  readonly dtype: WeightDType;
  readonly signal?: AbortSignal | undefined;
  /** Called with the source bytes done since the last call. */
  readonly onBytes: (bytes: number) => void;
}

/** Writes a tensor as `dtype`. Throws ABORTED, or WEIGHT_NOT_STORABLE for values it cannot hold. */
export async function convertTensor(
  view: TensorView,
  sink: FileSink,
  options: ConvertTensorOptions,
): Promise<void> {
  if (view.dtype === options.dtype) return copyTensor(view, sink, options);
  const { dtype, signal, onBytes } = options;
  const source = view.dtype as WeightDType;
  const total = view.shape.reduce((product, size) => product * size, 1);
  const perRead = PIECE_ELEMENTS * PIECES_PER_READ;
  for (let start = 0; start < total; start += perRead) {
    const count = Math.min(perRead, total - start);
    const packed = await view.read(rowBytes(source, start), rowBytes(source, count));
    for (let at = 0; at < count; at += PIECE_ELEMENTS) {
      stopIfAborted(signal);
      const elements = Math.min(PIECE_ELEMENTS, count - at);
      const values = dequantize(source, packed.subarray(rowBytes(source, at)), elements);
      await sink.write(quantize(dtype, values));
      onBytes(rowBytes(source, elements));
      await nextTurn();
    }
  }
}

async function copyTensor(
  view: TensorView,
  sink: FileSink,
  { signal, onBytes }: ConvertTensorOptions,
): Promise<void> {
  const total = viewBytes(view);
  for (let start = 0; start < total; start += COPY_BYTES) {
    stopIfAborted(signal);
    const bytes = await view.read(start, Math.min(COPY_BYTES, total - start));
    await sink.write(bytes);
    onBytes(bytes.byteLength);
  }
}

function stopIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) {
    throw errors.ABORTED({ what: 'The conversion' }, { cause: signal.reason });
  }
}
