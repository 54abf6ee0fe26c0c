// Opens GGUF files, single and split, as they are or as the checkpoint of a Llama. Only headers are
// read; tensors stay in their files until asked for.
import { basename, dirname, join } from 'node:path';
import { errors } from '../base/errors.ts';
import { dequantize } from '../tensor/codecs/codec.ts';
import { dtypes } from '../tensor/dtype.ts';
import { tokenizerFromGguf } from '../tokenizer/gguf-tokenizer.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import { type Checkpoint, type GenerationDefaults, tensorNames } from './checkpoint.ts';
import type { SourceFile } from './files.ts';
import { readLlamaConfig } from './gguf-config.ts';
import { type GgufHeader, type GgufTensor, readGgufHeader } from './gguf-header.ts';
import { GgufMetadata } from './gguf-metadata.ts';
import { ggmlTypeName } from './gguf-type-names.ts';
import type { GgufField } from './gguf-values.ts';
import { fileView, type TensorView } from './tensor-view.ts';
import { makeViewCheckpoint, type OpenFiles, withOpenFiles } from './view-checkpoint.ts';

// The name's five digits say as much.
const MAX_PARTS = 99_999;
const MAX_VOCABULARY = 2 ** 24;

const ropeFrequencies = 'rope_freqs.weight';
// Tables that old converters wrote and that follow from the config.
const ignoredTensor = /^blk\.\d+\.(attn_rot_embd|rope_freqs)(\.weight)?$/;

/** A tensor with the file that holds it. */
export interface PlacedGgufTensor extends GgufTensor {
  readonly file: SourceFile;
}

/** An open GGUF, whatever is in it. Close it. */
export interface GgufFile {
  readonly path: string;
  /** All parts of a split file, in order. */
  readonly files: readonly string[];
  readonly version: number;
  readonly metadata: ReadonlyMap<string, GgufField>;
  readonly tensors: ReadonlyMap<string, PlacedGgufTensor>;
  close(): Promise<void>;
}

/**
 * Opens a GGUF of any architecture, with all parts where it is split.
 * @example const file = await readGguf('model.gguf'); file.metadata.get('general.name')?.value;
 */
export function readGguf(path: string): Promise<GgufFile> {
  return withOpenFiles((files) => readParts(path, files));
}

/**
 * Opens a GGUF of the llama architecture; any part of a split one opens all.
 * @example const checkpoint = await openGguf('llama-2-7b.Q4_K_M.gguf');
 */
export function openGguf(path: string): Promise<Checkpoint> {
  return withOpenFiles(async (files) => {
    const gguf = await readParts(path, files);
    const metadata = new GgufMetadata(gguf.metadata, path);
    const factors = gguf.tensors.get(ropeFrequencies);
    const config = readLlamaConfig(metadata, {
      path,
      hasOutput: gguf.tensors.has(tensorNames.output),
      embeddingRows: gguf.tensors.get(tensorNames.embedding)?.shape[0],
      ropeFactors: factors && (await readFactors(factors, path)),
    });
    if (config.ropeScaling.kind === 'factors') {
      const found = config.ropeScaling.factors.length;
      if (found !== config.headDim / 2) {
        throw errors.TENSOR_SHAPE({
          name: ropeFrequencies,
          expected: `[${config.headDim / 2}]`,
          found: `[${found}]`,
        });
      }
    }
    return makeViewCheckpoint({
      format: 'gguf',
      path,
      name: metadata.string('general.name') || basename(path, '.gguf'),
      config,
      chatTemplate: metadata.string('tokenizer.chat_template'),
      generation: readGeneration(metadata),
      licence: metadata.string('general.license'),
      views: viewsOf(gguf),
      files,
      makeTokenizer: async () => readTokenizer(metadata, path),
    });
  });
}

/** The tokenizer in a GGUF of any architecture, also one without tensors; undefined where it has none. */
export function readGgufTokenizer(path: string): Promise<Tokenizer | undefined> {
  return withOpenFiles(async (files) => {
    const header = readGgufHeader(await files.open(path));
    const { part, count } = readSplit(header, path);
    // Only the first part of a split file says anything about the model.
    const first =
      part === 0 ? header : readGgufHeader(await files.open(partPathOf(path, 0, count)));
    const tokenizer = readTokenizer(new GgufMetadata(first.metadata, path), path);
    await files.close();
    return tokenizer;
  });
}

async function readParts(path: string, files: OpenFiles): Promise<GgufFile> {
  const opened = await files.open(path);
  const header = readGgufHeader(opened);
  const split = readSplit(header, path);
  const parts: [SourceFile, GgufHeader][] = [];
  for (let part = 0; part < split.count; part++) {
    if (part === split.part) {
      parts.push([opened, header]);
      continue;
    }
    const partPath = partPathOf(path, part, split.count);
    const file = await files.open(partPath);
    const partHeader = readGgufHeader(file);
    const found = readSplit(partHeader, partPath);
    if (found.part !== part || found.count !== split.count) {
      throw errors.CONFIG_INVALID({
        path: partPath,
        field: 'split.no of split.count',
        expected: `${part} of ${split.count}`,
        found: `${found.part} of ${found.count}`,
      });
    }
    parts.push([file, partHeader]);
  }
  const tensors = new Map<string, PlacedGgufTensor>();
  for (const [file, { tensors: found }] of parts) {
    for (const tensor of found.values()) {
      if (tensors.has(tensor.name)) {
        throw errors.FORMAT_DAMAGED({
          path: file.path,
          offset: tensor.offset,
          expected: 'each tensor in one part',
          found: `${tensor.name} in two`,
        });
      }
      tensors.set(tensor.name, { ...tensor, file });
    }
  }
  const [, first] = parts[0] ?? [opened, header];
  return {
    path,
    files: parts.map(([file]) => file.path),
    version: first.version,
    metadata: first.metadata,
    tensors,
    close: () => files.close(),
  };
}

function readSplit(header: GgufHeader, path: string): { part: number; count: number } {
  const metadata = new GgufMetadata(header.metadata, path);
  const count = metadata.integer('split.count', { min: 0, max: MAX_PARTS }) ?? 0;
  if (count <= 1) return { part: 0, count: 1 };
  return { part: metadata.integer('split.no', { min: 0, max: count - 1 }) ?? 0, count };
}

function partPathOf(path: string, part: number, count: number): string {
  const match = /^(.*-)\d{5}(-of-\d{5}\.gguf)$/.exec(basename(path));
  const digits = (value: number): string => `${value}`.padStart(5, '0');
  if (match === null) {
    throw errors.CONFIG_INVALID({
      path,
      field: 'the file name',
      expected: `one that ends in -0000N-of-${digits(count)}.gguf, since the file is one of ${count} parts`,
      found: basename(path),
    });
  }
  return join(dirname(path), `${match[1]}${digits(part + 1)}${match[2]}`);
}

async function readFactors(tensor: PlacedGgufTensor, path: string): Promise<readonly number[]> {
  const [count = 0, ...others] = tensor.shape;
  if (tensor.dtype !== 'f32' || others.length > 0 || count > MAX_VOCABULARY) {
    throw errors.TENSOR_SHAPE({
      name: ropeFrequencies,
      expected: 'a list of f32',
      found: `${ggmlTypeName(tensor.type)} [${tensor.shape.join(', ')}]`,
    });
  }
  const bytes = await tensor.file.read(tensor.offset, count * 4);
  const factors = Array.from(dequantize('f32', bytes, count));
  const wrong = factors.find((factor) => !(factor > 0 && Number.isFinite(factor)));
  if (wrong !== undefined) {
    throw errors.CONFIG_INVALID({
      path,
      field: ropeFrequencies,
      expected: 'factors above 0',
      found: `${wrong}`,
    });
  }
  return factors;
}

function viewsOf(gguf: GgufFile): Map<string, TensorView> {
  const views = new Map<string, TensorView>();
  for (const { name, dtype, type, file, offset, shape } of gguf.tensors.values()) {
    if (name === ropeFrequencies || ignoredTensor.test(name)) continue;
    if (dtype === undefined) {
      throw errors.DTYPE_UNSUPPORTED({
        dtype: ggmlTypeName(type),
        where: `Tensor ${name} of ${file.path}`,
        allowed: Object.keys(dtypes)
          .filter((known) => known !== 'i32')
          .join(', '),
      });
    }
    views.set(name, fileView(file, { offset, dtype, shape }));
  }
  return views;
}

function readGeneration(metadata: GgufMetadata): GenerationDefaults {
  const ids = ['eos', 'eot', 'eom'].map((kind) =>
    readId(metadata, `tokenizer.ggml.${kind}_token_id`),
  );
  return { endTokens: [...new Set(ids.filter((id) => id !== undefined))] };
}

// 2^32 - 1 (or -1) is how some writers say "none".
function readId(metadata: GgufMetadata, key: string): number | undefined {
  const value = metadata.number(key);
  if (value === 0xffffffff || value === -1) return undefined;
  return metadata.integer(key, { min: 0, max: MAX_VOCABULARY });
}

function readTokenizer(metadata: GgufMetadata, path: string): Tokenizer | undefined {
  const key = (name: string): string => `tokenizer.ggml.${name}`;
  const model = metadata.string(key('model'));
  if (model === undefined || model === 'none' || model === 'no_vocab') return undefined;
  return tokenizerFromGguf({
    path,
    model,
    pre: metadata.string(key('pre')),
    tokens: metadata.strings(key('tokens')) ?? [],
    scores: metadata.numbers(key('scores')),
    tokenTypes: metadata.numbers(key('token_type')),
    merges: metadata.strings(key('merges')),
    bosId: readId(metadata, key('bos_token_id')),
    eosId: readId(metadata, key('eos_token_id')),
    unknownId: readId(metadata, key('unknown_token_id')),
    padId: readId(metadata, key('padding_token_id')),
    addBos: metadata.boolean(key('add_bos_token')),
    addSpacePrefix: metadata.boolean(key('add_space_prefix')),
    removeExtraSpaces: metadata.boolean(key('remove_extra_whitespaces')),
    charsMap: metadata.numbers(key('precompiled_charsmap')),
  });
}
