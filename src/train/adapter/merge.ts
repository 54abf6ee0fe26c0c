// An adapter merged into its base: a checkpoint whose adapted matrices are W + scale · B · A, computed in
// float64 a few rows at a time while they are read. The base is dequantised there, never quantised again.
import { present } from '../../base/invariant.ts';
import type { Checkpoint, TensorInfo } from '../../formats/checkpoint.ts';
import { readByRows, type TensorView } from '../../formats/tensor-view.ts';
import { dequantize } from '../../tensor/codecs/codec.ts';
import { rowBytes, tensorBytes, type WeightDType } from '../../tensor/dtype.ts';
import { type AdaptedMatrix, adapterNames } from './adapter.ts';
import type { LoadedAdapter } from './peft-read.ts';

/** The merged checkpoint. Closing it closes the base. */
export function mergeAdapter(base: Checkpoint, loaded: LoadedAdapter): Checkpoint {
  const tensors = new Map(base.tensors);
  const views = new Map<string, TensorView>();
  for (const matrix of loaded.adapter.matrices.values()) {
    const { name, n, k } = matrix;
    const shape = [n, k];
    tensors.set(name, { name, dtype: 'f32', shape, bytes: tensorBytes('f32', shape) });
    const source = present(base.tensors.get(name), name);
    const read = (row: number, count: number): Promise<Uint8Array> =>
      mergeRows({ base, source, loaded, matrix }, row, count);
    views.set(name, readByRows({ dtype: 'f32', shape, rowsAtOnce: 1 }, read));
  }
  const { format, path, files, name, config, chatTemplate, generation, licence } = base;
  return {
    format,
    path,
    files,
    name,
    config,
    chatTemplate,
    generation,
    licence,
    tensors,
    tokenizer: () => base.tokenizer(),
    read: (tensor, offset, length) =>
      views.get(tensor)?.read(offset, length) ?? base.read(tensor, offset, length),
    region: (tensor) => (views.has(tensor) ? undefined : base.region(tensor)),
    close: () => base.close(),
  };
}

interface MergeParts {
  readonly base: Checkpoint;
  readonly source: TensorInfo;
  readonly loaded: LoadedAdapter;
  readonly matrix: AdaptedMatrix;
}

async function mergeRows(
  { base, source, loaded, matrix }: MergeParts,
  row: number,
  count: number,
): Promise<Uint8Array> {
  const { name, k, rank, scale } = matrix;
  const type = source.dtype as WeightDType;
  const stride = rowBytes(type, k);
  const packed = await base.read(name, row * stride, count * stride);
  const plain = dequantize(type, packed, count * k);
  const a = present(loaded.tensors.get(adapterNames.a(name)), name);
  const b = present(loaded.tensors.get(adapterNames.b(name)), name);
  const magnitudes = loaded.tensors.get(adapterNames.magnitude(name));
  const merged = new Float32Array(count * k);
  const sums = new Float64Array(k);
  for (let i = 0; i < count; i++) {
    for (let column = 0; column < k; column++) sums[column] = plain[i * k + column] as number;
    for (let r = 0; r < rank; r++) {
      const factor = scale * (b[(row + i) * rank + r] as number);
      if (factor === 0) continue;
      for (let column = 0; column < k; column++) {
        sums[column] = (sums[column] as number) + factor * (a[r * k + column] as number);
      }
    }
    if (magnitudes !== undefined) {
      let squares = 0;
      for (const value of sums) squares += value * value;
      const factor = (magnitudes[row + i] as number) / Math.sqrt(squares);
      for (let column = 0; column < k; column++) sums[column] = (sums[column] as number) * factor;
    }
    merged.set(sums, i * k);
  }
  return new Uint8Array(merged.buffer);
}
