// A checkpoint with a larger vocabulary: rows are added to the embedding and the output matrix, each the mean
// of the rows of the tokens that its piece used to be written with. The rest is the checkpoint as it is,
// read lazily.
import { errors } from '../base/errors.ts';
import { dequantize, quantize } from '../tensor/codecs/codec.ts';
import { rowBytes, tensorBytes, type WeightDType } from '../tensor/dtype.ts';
import type { TokenId, Tokenizer } from '../tokenizer/index.ts';
import { type Checkpoint, type TensorInfo, tensorNames } from './checkpoint.ts';
import { joinRows, type TensorView } from './tensor-view.ts';

/** A larger tokenizer, and the old tokens of each piece it adds. */
export interface LargerVocabulary {
  readonly tokenizer: Tokenizer;
  /** Old ids for each new one, in order; a piece without any gets the mean of all rows. */
  readonly parts: readonly (readonly TokenId[])[];
}

/**
 * The checkpoint with another tokenizer, which has `parts.length` pieces more. Rows beyond the old
 * tokenizer's pieces (padding) are overwritten first. Closing it closes the original.
 * Throws TOKENIZER_NEEDED, TOKENIZER_MISMATCH, WEIGHT_NOT_STORABLE.
 */
export async function extendVocabulary(
  checkpoint: Checkpoint,
  { tokenizer, parts }: LargerVocabulary,
): Promise<Checkpoint> {
  const { config } = checkpoint;
  const first = tokenizer.size - parts.length;
  if (first > config.vocab) {
    throw errors.TOKENIZER_MISMATCH({ tokens: first, vocab: config.vocab });
  }
  const views = new Map<string, TensorView>();
  for (const name of [tensorNames.embedding, tensorNames.output]) {
    const info = checkpoint.tensors.get(name);
    if (info) views.set(name, await extendMatrix(checkpoint, info, { first, parts }));
  }
  const tensors = new Map(checkpoint.tensors);
  for (const [name, { dtype, shape }] of views) {
    // views of weights: never i32
    const weight = dtype as WeightDType;
    tensors.set(name, { name, dtype: weight, shape, bytes: tensorBytes(weight, shape) });
  }
  const { format, path, files, name, chatTemplate, generation, licence } = checkpoint;
  return {
    format,
    path,
    files,
    name,
    chatTemplate,
    generation,
    licence,
    config: { ...config, vocab: Math.max(config.vocab, tokenizer.size) },
    tensors,
    tokenizer: () => Promise.resolve(tokenizer),
    read: (name, offset, length) =>
      views.get(name)?.read(offset, length) ?? checkpoint.read(name, offset, length),
    region: (name) => (views.has(name) ? undefined : checkpoint.region(name)),
    close: () => checkpoint.close(),
  };
}

interface Extension {
  /** Id of the first new piece. */
  readonly first: number;
  readonly parts: LargerVocabulary['parts'];
}

/** The rows before the new ones, the new ones, and padding that is left after them. */
async function extendMatrix(
  checkpoint: Checkpoint,
  info: TensorInfo,
  { first, parts }: Extension,
): Promise<TensorView> {
  const dtype = info.dtype as WeightDType;
  const [rows = 0, dim = 0] = info.shape;
  const width = rowBytes(dtype, dim);
  const readRow = async (row: number): Promise<Float32Array> =>
    dequantize(dtype, await checkpoint.read(info.name, row * width, width), dim);
  const means = parts.some((some) => some.length === 0)
    ? await meanOf(first, readRow, dim)
    : undefined;
  const added = new Uint8Array(parts.length * width);
  for (const [at, some] of parts.entries()) {
    const mean =
      some.length === 0 && means
        ? means
        : await meanOf(some.length, (i) => readRow(some[i] as number), dim);
    added.set(quantize(dtype, mean), at * width);
  }
  const kept = (from: number, until: number): TensorView => ({
    dtype,
    shape: [until - from, dim],
    region: undefined,
    read: (offset, length) => checkpoint.read(info.name, from * width + offset, length),
  });
  const end = first + parts.length;
  const views: TensorView[] = [
    kept(0, first),
    {
      dtype,
      shape: [parts.length, dim],
      region: undefined,
      read: (offset, length) => Promise.resolve(added.subarray(offset, offset + length)),
    },
  ];
  if (end < rows) views.push(kept(end, rows));
  return joinRows(views);
}

/** The mean of `count` rows, in float64. */
async function meanOf(
  count: number,
  readRow: (index: number) => Promise<Float32Array>,
  dim: number,
): Promise<Float32Array> {
  const sum = new Float64Array(dim);
  for (let row = 0; row < count; row++) {
    const values = await readRow(row);
    for (let at = 0; at < dim; at++) sum[at] = (sum[at] as number) + (values[at] as number);
  }
  return Float32Array.from(sum, (value) => value / count);
}
