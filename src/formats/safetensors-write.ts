// Writes safetensors: the header first, then each tensor as it is produced, so that no more than a
// chunk is ever in memory. Cuts a model into files of at most 5 GB, as Hugging Face does.
import { join } from 'node:path';
import { invariant } from '../base/invariant.ts';
import { tensorBytes } from '../tensor/dtype.ts';
import { type FileSink, writeFileAtomically } from './files.ts';

/** Types of weights in a safetensors file of ours. */
export type SafetensorsDType = 'f32' | 'f16' | 'bf16';

/** A tensor and how to produce its bytes. */
export interface TensorToWrite {
  readonly name: string;
  /** `u8`: bytes that only Corral understands, such as packed blocks. */
  readonly dtype: SafetensorsDType | 'u8';
  readonly shape: readonly number[];
  readonly write: (sink: FileSink) => Promise<void>;
}

const MAX_SHARD_BYTES = 5_000_000_000;

/** Writes one file. */
export async function writeSafetensors(
  path: string,
  tensors: readonly TensorToWrite[],
): Promise<void> {
  // Without this entry some readers refuse the file.
  const header: Record<string, unknown> = { __metadata__: { format: 'pt' } };
  let end = 0;
  for (const { name, dtype, shape } of tensors) {
    const start = end;
    end += bytesOf({ dtype, shape });
    header[name] = { dtype: dtype.toUpperCase(), shape, data_offsets: [start, end] };
  }
  const json = Buffer.from(JSON.stringify(header));
  const padded = Buffer.alloc(Math.ceil(json.length / 8) * 8, ' ');
  json.copy(padded);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(padded.length));
  await writeFileAtomically(path, async (sink) => {
    await sink.write(length);
    await sink.write(padded);
    const dataStart = sink.position;
    for (const tensor of tensors) await tensor.write(sink);
    invariant(sink.position === dataStart + end, 'tensors have other sizes than their header');
  });
}

/** Writes a folder's weights: `model.safetensors`, or shards with their index. Returns the bytes. */
export async function writeShards(
  folder: string,
  tensors: readonly TensorToWrite[],
  maxShardBytes: number = MAX_SHARD_BYTES,
): Promise<number> {
  const shards = cutIntoShards(tensors, maxShardBytes);
  const total = tensors.reduce((sum, tensor) => sum + bytesOf(tensor), 0);
  if (shards.length === 1) {
    await writeSafetensors(join(folder, 'model.safetensors'), tensors);
    return total;
  }
  const weightMap: Record<string, string> = {};
  const digits = (number: number): string => String(number).padStart(5, '0');
  for (const [index, shard] of shards.entries()) {
    const name = `model-${digits(index + 1)}-of-${digits(shards.length)}.safetensors`;
    for (const tensor of shard) weightMap[tensor.name] = name;
    await writeSafetensors(join(folder, name), shard);
  }
  const index = { metadata: { total_size: total }, weight_map: weightMap };
  await writeFileAtomically(join(folder, 'model.safetensors.index.json'), (sink) =>
    sink.write(Buffer.from(`${JSON.stringify(index, null, 2)}\n`)),
  );
  return total;
}

function cutIntoShards(
  tensors: readonly TensorToWrite[],
  maxShardBytes: number,
): TensorToWrite[][] {
  const shards: TensorToWrite[][] = [[]];
  let held = 0;
  for (const tensor of tensors) {
    const bytes = bytesOf(tensor);
    if (held > 0 && held + bytes > maxShardBytes) {
      shards.push([]);
      held = 0;
    }
    shards.at(-1)?.push(tensor);
    held += bytes;
  }
  return shards;
}

function bytesOf({ dtype, shape }: Pick<TensorToWrite, 'dtype' | 'shape'>): number {
  return dtype === 'u8'
    ? shape.reduce((product, axis) => product * axis, 1)
    : tensorBytes(dtype, shape);
}
