// Adapters as GGUF files, as llama.cpp reads and writes them: rows of B in GGUF's order, which is ours, and
// one alpha for all, from which each matrix takes alpha / rank.
import { errors } from '../../base/errors.ts';
import { present } from '../../base/invariant.ts';
import { readGguf } from '../../formats/gguf.ts';
import { GgufMetadata } from '../../formats/gguf-metadata.ts';
import type { GgufField } from '../../formats/gguf-values.ts';
import { type GgufTensorToWrite, writeGguf } from '../../formats/gguf-write.ts';
import type { LlamaConfig } from '../../formats/llama-config.ts';
import { tensorShapes } from '../../formats/tensor-shapes.ts';
import { fileView, viewBytes } from '../../formats/tensor-view.ts';
import { dequantize } from '../../tensor/codecs/codec.ts';
import type { WeightDType } from '../../tensor/dtype.ts';
import { type AdaptedMatrix, adapterNames } from './adapter.ts';
import type { LoadedAdapter } from './peft-read.ts';

/** Writes an adapter, f32. Throws ADAPTER_INVALID for a DoRA, which the format has no place for. */
export async function writeGgufAdapter(
  path: string,
  { adapter, tensors, base }: LoadedAdapter,
): Promise<void> {
  if (adapter.hasMagnitudes) {
    const reason = 'GGUF has no place for the magnitudes of a DoRA; merge it instead';
    throw errors.ADAPTER_INVALID({ path, reason });
  }
  const [first] = adapter.matrices.values();
  const alpha = first === undefined ? 1 : first.scale * first.rank;
  const metadata = new Map<string, GgufField>([
    ['general.type', { type: 'string', value: 'adapter' }],
    ['general.architecture', { type: 'string', value: 'llama' }],
    ['adapter.type', { type: 'string', value: 'lora' }],
    ['adapter.lora.alpha', { type: 'f32', value: alpha }],
  ]);
  if (base) metadata.set('general.base_model.0.name', { type: 'string', value: base });
  const written = [...adapter.matrices.values()].flatMap((matrix): GgufTensorToWrite[] => {
    const { name, n, k, rank, scale } = matrix;
    // What one alpha cannot say goes into B.
    const factor = (scale * rank) / alpha;
    const a = present(tensors.get(adapterNames.a(name)), name);
    const b = present(tensors.get(adapterNames.b(name)), name);
    return [
      tensorToWrite(adapterNames.a(name), [rank, k], a),
      tensorToWrite(adapterNames.b(name), [n, rank], factor === 1 ? b : b.map((x) => x * factor)),
    ];
  });
  await writeGguf(path, { metadata, tensors: written });
}

function tensorToWrite(
  name: string,
  shape: readonly number[],
  values: Float32Array,
): GgufTensorToWrite {
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  return { name, dtype: 'f32', shape, write: (sink) => sink.write(bytes) };
}

/** Reads an adapter for a model of this shape. Throws ADAPTER_INVALID, or what is wrong with the file. */
export async function readGgufAdapter(path: string, config: LlamaConfig): Promise<LoadedAdapter> {
  const file = await readGguf(path);
  const refuse = (reason: string): never => {
    throw errors.ADAPTER_INVALID({ path, reason });
  };
  try {
    const metadata = new GgufMetadata(file.metadata, path);
    if (metadata.string('general.type') !== 'adapter') refuse('its general.type is not adapter');
    const kind = metadata.string('adapter.type');
    if (kind !== 'lora') refuse(`its adapter.type is ${kind}, not lora`);
    const alpha = metadata.number('adapter.lora.alpha');
    const shapes = tensorShapes(config);
    const matrices = new Map<string, AdaptedMatrix>();
    const tensors = new Map<string, Float32Array>();
    for (const [name, { dtype, shape, offset, file: source }] of file.tensors) {
      const [, matrix, part] = /^(blk\..+)\.lora_(a|b)$/.exec(name) ?? [];
      const known = matrix === undefined ? undefined : shapes.get(matrix);
      if (matrix === undefined || known === undefined) {
        return refuse(`it has a tensor ${name}, which stands beside no matrix of a block`);
      }
      if (dtype === undefined) return refuse(`${name} is of a type Corral does not compute with`);
      const [n, k] = known as [number, number];
      const rank = present(shape[part === 'a' ? 0 : 1], 'rank');
      const wanted = part === 'a' ? [rank, k] : [n, rank];
      const scale = alpha === undefined || alpha === 0 ? 1 : alpha / rank;
      const before = matrices.get(matrix);
      if (`${shape}` !== `${wanted}` || (before !== undefined && before.rank !== rank)) {
        refuse(`${name} is [${shape.join(', ')}]; the model needs [${wanted.join(', ')}]`);
      }
      matrices.set(matrix, { name: matrix, n, k, rank, scale });
      const view = fileView(source, { offset, dtype, shape });
      const values = await view.read(0, viewBytes(view));
      tensors.set(name, dequantize(dtype as WeightDType, values, rank * (part === 'a' ? k : n)));
    }
    for (const name of matrices.keys()) {
      const isWhole = tensors.has(adapterNames.a(name)) && tensors.has(adapterNames.b(name));
      if (!isWhole) refuse(`it lacks one of the two matrices of ${name}`);
    }
    if (matrices.size === 0) refuse('it has no tensors');
    const base = metadata.string('general.base_model.0.name');
    return { adapter: { matrices, hasMagnitudes: false }, tensors, base };
  } finally {
    await file.close();
  }
}
