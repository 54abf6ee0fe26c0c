// Opens Meta's folders (params.json and consolidated.NN.pth, any number of shards) and torchtune's
// single .pt files, which name tensors the same way. Shards are joined while they are read.

import { basename, dirname, join, resolve } from 'node:path';
import { errors } from '../base/errors.ts';
import { type Checkpoint, type CheckpointFormat, tensorNames } from './checkpoint.ts';
import { readLicence } from './hugging-face.ts';
import { readHuggingFaceConfig } from './hugging-face-config.ts';
import { listFolder } from './list-folder.ts';
import type { LlamaConfig } from './llama-config.ts';
import { configOfParams, readMetaParams, type TensorSizes } from './meta-params.ts';
import { ggufNameOf } from './tensor-names.ts';
import { joinColumns, joinRows, type TensorView } from './tensor-view.ts';
import { type FolderTokenizer, findFolderTokenizer } from './tokenizer-files.ts';
import { readTorchFile } from './torch-file.ts';
import { makeViewCheckpoint, type OpenFiles } from './view-checkpoint.ts';

/** What to open: the shards in order and the config that belongs to them. */
export interface MetaSource {
  readonly path: string;
  readonly format: CheckpointFormat & ('meta' | 'torchtune');
  readonly shards: readonly string[];
  /** A params.json or, for torchtune, a config.json: its content, and its path for messages. */
  readonly config: { readonly json: unknown; readonly path: string };
}

/** The shards of a folder in order. Throws FILE_NOT_FOUND where one is missing between others. */
export function findShards(folder: string, names: readonly string[]): string[] {
  const numbers = names
    .map((name) => /^consolidated\.(\d{2,3})\.pth$/.exec(name)?.[1])
    .filter((number) => number !== undefined)
    .sort((a, b) => Number(a) - Number(b));
  return numbers.map((number, at) => {
    if (Number(number) !== at) {
      const missing = `consolidated.${String(at).padStart(2, '0')}.pth`;
      throw errors.FILE_NOT_FOUND({ path: join(folder, missing) });
    }
    return join(folder, `consolidated.${number}.pth`);
  });
}

/** Opens the shards. They stay open until the checkpoint is closed. */
export async function openMeta(source: MetaSource, files: OpenFiles): Promise<Checkpoint> {
  const { path, format, shards } = source;
  const parts: Map<string, TensorView>[] = [];
  for (const shard of shards) parts.push(readNamed(await files.open(shard)));
  const views = joinShards(parts, path);
  if (format === 'meta') checkShardCount(views, { path, found: shards.length });
  const config = readConfig(source, views);
  const folder = dirname(resolve(shards[0] as string));
  const names = await listFolder(folder);
  const tokenizer = await findNearTokenizer(folder, names);
  return makeViewCheckpoint({
    format,
    path,
    name: format === 'meta' ? basename(folder) : basename(path).replace(/\.[^.]+$/, ''),
    config,
    chatTemplate: tokenizer.chatTemplate,
    generation: { endTokens: [] },
    licence: await readLicence(folder, names),
    views,
    files,
    otherFiles: [source.config.path, ...tokenizer.files],
    makeTokenizer: tokenizer.read,
  });
}

function readNamed(file: Parameters<typeof readTorchFile>[0]): Map<string, TensorView> {
  const views = new Map<string, TensorView>();
  for (const [original, { type, view }] of readTorchFile(file)) {
    if (original === 'rope.freqs') continue; // recomputed
    const name = ggufNameOf(original, 'meta') ?? ggufNameOf(original, 'torchtune');
    if (name === undefined) {
      throw errors.FORMAT_UNSUPPORTED({
        path: file.path,
        feature: `the tensor ${original.slice(0, 100)}`,
        allowed: "the tensors of Meta's Llama, such as layers.0.attention.wq.weight",
      });
    }
    if (view === undefined) {
      throw errors.DTYPE_UNSUPPORTED({
        dtype: type,
        where: `Tensor ${original} of ${file.path}`,
        allowed: 'float32, float16, bfloat16',
      });
    }
    views.set(name, view);
  }
  return views;
}

function joinShards(
  parts: readonly Map<string, TensorView>[],
  path: string,
): Map<string, TensorView> {
  const [first, ...others] = parts;
  if (first === undefined || others.length === 0) return first ?? new Map();
  const dim = first.get(tensorNames.outputNorm)?.shape[0];
  const joined = new Map<string, TensorView>();
  for (const name of first.keys()) {
    const pieces = parts.map((part) => {
      const piece = part.get(name);
      if (piece === undefined) throw errors.TENSOR_MISSING({ name, path });
      return piece;
    });
    joined.set(name, joinTensor(name, pieces, dim));
  }
  return joined;
}

// Norms are whole in every shard and as long as q of the whole model has rows, so q shows how many
// slices there were.
function checkShardCount(
  views: ReadonlyMap<string, TensorView>,
  { path, found }: { readonly path: string; readonly found: number },
): void {
  const dim = views.get(tensorNames.outputNorm)?.shape[0] ?? 0;
  const rows = views.get(tensorNames.q(0))?.shape[0] ?? 0;
  const expected = (found * dim) / rows;
  if (Number.isInteger(expected) && expected > found) {
    throw errors.SHARDS_MISSING({ path, found, expected });
  }
}

/** Axes as Meta's model parallelism splits them; norms are in every shard. */
function joinTensor(
  name: string,
  pieces: readonly TensorView[],
  dim: number | undefined,
): TensorView {
  const [first, ...others] = pieces as readonly [TensorView, ...TensorView[]];
  for (const other of others) {
    if (other.dtype !== first.dtype || `${other.shape}` !== `${first.shape}`) {
      throw errors.TENSOR_SHAPE({
        name,
        expected: `${first.dtype} [${first.shape.join(', ')}] in every shard`,
        found: `${other.dtype} [${other.shape.join(', ')}]`,
      });
    }
  }
  if (first.shape.length !== 2) return first;
  // Llama 3 splits the embedding by rows, Llama 1 and 2 by columns.
  const byColumns =
    name === tensorNames.embedding
      ? first.shape[1] !== dim
      : /\.(attn_output|ffn_down)\.weight$/.test(name);
  return byColumns ? joinColumns(pieces) : joinRows(pieces);
}

function readConfig(
  { path, config }: MetaSource,
  views: ReadonlyMap<string, TensorView>,
): LlamaConfig {
  const { json } = config;
  const sizes = sizesOf(views, path);
  const isHuggingFace = typeof json === 'object' && json !== null && 'num_attention_heads' in json;
  if (isHuggingFace) return readHuggingFaceConfig(json, config.path).config;
  return configOfParams(readMetaParams(json, config.path), sizes, config.path);
}

function sizesOf(views: ReadonlyMap<string, TensorView>, path: string): TensorSizes {
  const shapeOf = (name: string): readonly number[] => {
    const view = views.get(name);
    if (view === undefined) throw errors.TENSOR_MISSING({ name, path });
    return view.shape;
  };
  const [vocab = 0, dim = 0] = shapeOf(tensorNames.embedding);
  let layers = 0;
  while (views.has(tensorNames.attentionNorm(layers))) layers += 1;
  return {
    vocab,
    dim,
    layers,
    feedForward: shapeOf(tensorNames.gate(0))[0] ?? 0,
    tied: !views.has(tensorNames.output),
  };
}

// Meta's download script puts one tokenizer.model beside the models' folders.
async function findNearTokenizer(
  folder: string,
  names: readonly string[],
): Promise<FolderTokenizer> {
  const inside = await findFolderTokenizer(folder, names);
  const has = names.includes('tokenizer.model') || names.includes('tokenizer.json');
  if (has) return inside;
  const parent = dirname(folder);
  const parentNames = await listFolder(parent).catch((): string[] => []);
  return parentNames.includes('tokenizer.model')
    ? findFolderTokenizer(parent, ['tokenizer.model'])
    : inside;
}
