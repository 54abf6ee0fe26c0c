// llama2.c's .bin files: version 0 (no magic: seven numbers, then f32), version 1 (256-byte header,
// f32) and version 2 (int8 in groups with f32 scales). The sizes of a header decide the size of the
// file; any other size is damage. No tokenizer inside.
// Version 2 reads as f32, each value q × scale as runq.c computes it: GGUF's q8_0 rounds scales to
// half precision, which would change every weight by up to 5e-4 of itself.
import { basename } from 'node:path';
import { errors } from '../base/errors.ts';
import { ByteReader } from './byte-reader.ts';
import { type Checkpoint, tensorNames } from './checkpoint.ts';
import { type ByteSource, bytesAsSource, type SourceFile } from './files.ts';
import type { LlamaConfig } from './llama-config.ts';
import { fileView, type TensorView } from './tensor-view.ts';
import { makeViewCheckpoint, type OpenFiles } from './view-checkpoint.ts';

/** "ak42" as a little-endian number. */
const magic = 0x616b3432;
const swappedMagic = 0x32346b61;
const HEADER_BYTES_V0 = 28;
const HEADER_BYTES = 256;
const MAX_SIZE = 2 ** 24;
const MAX_LAYERS = 1024;

interface Header {
  readonly version: 0 | 1 | 2;
  readonly config: LlamaConfig;
  /** Weights that share one scale (version 2). */
  readonly groupSize: number;
  /** Where the weights begin. */
  readonly start: number;
}

/** Does a file begin with the magic of versions 1 and 2, in either byte order? */
export function isLlama2cMagic(firstWord: number): boolean {
  return firstWord === magic || firstWord === swappedMagic;
}

/**
 * Could this be a version 0 file, which has no magic? Its numbers must be sizes of a Llama, in either
 * byte order; whether the file is whole shows when it is opened.
 */
export function looksLikeLlama2c(source: ByteSource): boolean {
  if (source.size < HEADER_BYTES_V0) return false;
  const start = source.readSync(0, HEADER_BYTES_V0);
  return isPlausible(start, source.path) || isPlausible(swapWords(start), source.path);
}

function isPlausible(header: Uint8Array, path: string): boolean {
  try {
    readHeader(bytesAsSource(header, path));
    return true;
  } catch {
    return false;
  }
}

function swapWords(bytes: Uint8Array): Uint8Array {
  return bytes.map((_, i) => bytes[i ^ 3] as number);
}

function checkByteOrder(source: ByteSource): void {
  const start = source.readSync(0, Math.min(HEADER_BYTES_V0, source.size & ~3));
  const first = new DataView(start.buffer, start.byteOffset).getUint32(0, true);
  const isSwapped =
    first === swappedMagic ||
    (!isPlausible(start, source.path) && isPlausible(swapWords(start), source.path));
  if (!isSwapped) return;
  throw errors.FORMAT_DAMAGED({
    path: source.path,
    offset: 0,
    expected: 'little-endian numbers',
    found: 'a header in the other byte order',
  });
}

/** Opens a llama2.c checkpoint. The file stays open until the checkpoint is closed. */
export async function openLlama2c(path: string, files: OpenFiles): Promise<Checkpoint> {
  const file = await files.open(path);
  checkByteOrder(file);
  const header = readHeader(file);
  const { places, end } = layOut(header);
  if (end !== file.size) {
    throw errors.FORMAT_DAMAGED({
      path,
      offset: Math.min(end, file.size),
      expected: `a file of ${end} bytes, as its header calls for`,
      found: `${file.size} bytes`,
    });
  }
  const views = new Map<string, TensorView>();
  for (const { name, shape, offset, isQuantised } of places) {
    const view = isQuantised
      ? dequantisedView(file, { offset, shape, groupSize: header.groupSize })
      : fileView(file, { offset, shape, dtype: 'f32' });
    views.set(name, view);
  }
  return makeViewCheckpoint({
    format: 'llama2c',
    path,
    name: basename(path).replace(/\.bin$/, ''),
    config: header.config,
    chatTemplate: undefined,
    generation: { endTokens: [] },
    licence: undefined,
    views,
    files,
    makeTokenizer: async () => undefined,
  });
}

function readHeader(source: ByteSource): Header {
  const reader = new ByteReader(source);
  if (reader.u32('the first number') !== magic) {
    reader.seek(0, 'header');
    const sizes = readSizes(reader);
    const tied = sizes.vocab > 0;
    const config = configOf(reader, { ...sizes, vocab: Math.abs(sizes.vocab), tied });
    return { version: 0, config, groupSize: 0, start: HEADER_BYTES_V0 };
  }
  const version = reader.i32('version');
  if (version !== 1 && version !== 2) {
    throw errors.FORMAT_UNSUPPORTED({
      path: source.path,
      feature: `llama2.c version ${version}`,
      allowed: 'versions 0, 1 and 2',
    });
  }
  const sizes = readSizes(reader);
  const shared = reader.u8('whether embeddings are shared');
  if (shared > 1) throw reader.damaged('0 or 1 for shared embeddings', `${shared}`, 36);
  const config = configOf(reader, { ...sizes, tied: shared === 1 });
  const groupSize = version === 2 ? reader.i32('group size') : 0;
  if (version === 2 && !(groupSize > 0 && groupSize <= MAX_SIZE)) {
    throw reader.damaged(`a group size from 1 to ${MAX_SIZE}`, `${groupSize}`, 37);
  }
  return { version, config, groupSize, start: HEADER_BYTES };
}

interface Sizes {
  readonly dim: number;
  readonly feedForward: number;
  readonly layers: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly vocab: number;
  readonly context: number;
}

function readSizes(reader: ByteReader): Sizes {
  const size = (what: string, max: number, isSigned = false): number => {
    const at = reader.offset;
    const value = reader.i32(what);
    const magnitude = isSigned ? Math.abs(value) : value;
    if (magnitude >= 1 && magnitude <= max) return value;
    throw reader.damaged(`${what} from 1 to ${max}`, `${value}`, at);
  };
  return {
    dim: size('dim', MAX_SIZE),
    feedForward: size('hidden dim', MAX_SIZE),
    layers: size('layers', MAX_LAYERS),
    heads: size('heads', MAX_SIZE),
    kvHeads: size('key-value heads', MAX_SIZE),
    vocab: size('vocabulary', MAX_SIZE, true),
    context: size('sequence length', MAX_SIZE),
  };
}

function configOf(reader: ByteReader, sizes: Sizes & { readonly tied: boolean }): LlamaConfig {
  const { tied, ...shape } = sizes;
  const { dim, heads, kvHeads, vocab } = shape;
  const headDim = dim / heads;
  if (headDim % 2 !== 0 || heads % kvHeads !== 0 || vocab < 1) {
    throw reader.damaged(
      'heads that divide dim into even parts and are a multiple of key-value heads',
      `dim ${dim}, heads ${heads}, key-value heads ${kvHeads}`,
    );
  }
  return {
    ...shape,
    headDim,
    normEps: 1e-5,
    ropeTheta: 10000,
    ropeScaling: { kind: 'none' },
    tiedEmbeddings: tied,
  };
}

interface Place {
  readonly name: string;
  readonly shape: readonly number[];
  readonly offset: number;
  readonly isQuantised: boolean;
}

// The order of tensors is that of llama2.c's export.py, one tensor kind after the other.
function layOut({ version, config, groupSize, start }: Header): { places: Place[]; end: number } {
  const { vocab, dim, layers, heads, kvHeads, headDim, feedForward, context } = config;
  const places: Place[] = [];
  let offset = start;
  const put = (name: string, shape: readonly number[]): void => {
    const count = shape.reduce((product, size) => product * size, 1);
    const isQuantised = version === 2 && shape.length === 2;
    places.push({ name, shape, offset, isQuantised });
    offset += isQuantised ? count + 4 * Math.ceil(count / groupSize) : 4 * count;
  };
  const putLayers = (name: (layer: number) => string, shape: readonly number[]): void => {
    for (let layer = 0; layer < layers; layer++) put(name(layer), shape);
  };
  const [qRows, kvRows] = [heads * headDim, kvHeads * headDim];
  if (version !== 0) {
    putLayers(tensorNames.attentionNorm, [dim]);
    putLayers(tensorNames.feedForwardNorm, [dim]);
    put(tensorNames.outputNorm, [dim]);
  }
  put(tensorNames.embedding, [vocab, dim]);
  if (version === 0) putLayers(tensorNames.attentionNorm, [dim]);
  putLayers(tensorNames.q, [qRows, dim]);
  putLayers(tensorNames.k, [kvRows, dim]);
  putLayers(tensorNames.v, [kvRows, dim]);
  putLayers(tensorNames.attentionOutput, [dim, qRows]);
  if (version === 0) putLayers(tensorNames.feedForwardNorm, [dim]);
  putLayers(tensorNames.gate, [feedForward, dim]);
  putLayers(tensorNames.down, [dim, feedForward]);
  putLayers(tensorNames.up, [feedForward, dim]);
  if (version === 0) {
    put(tensorNames.outputNorm, [dim]);
    offset += 4 * context * headDim; // cosines and sines of the rotations
  }
  if (!config.tiedEmbeddings) put(tensorNames.output, [vocab, dim]);
  return { places, end: offset };
}

function dequantisedView(
  file: SourceFile,
  place: { offset: number; shape: readonly number[]; groupSize: number },
): TensorView {
  const { offset, shape, groupSize } = place;
  const count = shape.reduce((product, size) => product * size, 1);
  const scalesAt = offset + count;
  return {
    dtype: 'f32',
    shape,
    region: undefined,
    async read(at, length) {
      if (length === 0) return new Uint8Array(0);
      const first = Math.floor(at / 4);
      const elements = Math.floor((at + length - 1) / 4) - first + 1;
      const firstGroup = Math.floor(first / groupSize);
      const groups = Math.floor((first + elements - 1) / groupSize) - firstGroup + 1;
      const quantised = await file.read(offset + first, elements);
      const packed = await file.read(scalesAt + 4 * firstGroup, 4 * groups);
      const scales = new DataView(packed.buffer, packed.byteOffset, packed.byteLength);
      const values = new Float32Array(elements);
      for (let i = 0; i < elements; i++) {
        const group = Math.floor((first + i) / groupSize) - firstGroup;
        values[i] = (((quantised[i] as number) << 24) >> 24) * scales.getFloat32(4 * group, true);
      }
      return new Uint8Array(values.buffer).subarray(at - 4 * first, at - 4 * first + length);
    },
  };
}
