// Opens Hugging Face folders: safetensors, single or sharded, or torch's pytorch_model.bin, with the
// JSON files beside them. Rows of q and k are put into interleaved order while they are read.
import { basename, join, resolve } from 'node:path';
import * as z from 'zod';
import { checkJson } from '../base/check-json.ts';
import { errors } from '../base/errors.ts';
import { type Checkpoint, tensorNames } from './checkpoint.ts';
import {
  type HuggingFaceConfig,
  readGenerationConfig,
  readHuggingFaceConfig,
} from './hugging-face-config.ts';
import { readJsonFile, readTextFile } from './json-file.ts';
import type { LlamaConfig } from './llama-config.ts';
import { looksLikeSafetensors, readSafetensors } from './safetensors.ts';
import { ggufNameOf } from './tensor-names.ts';
import { reorderRopeRows, type TensorView } from './tensor-view.ts';
import { findFolderTokenizer } from './tokenizer-files.ts';
import { readTorchFile } from './torch-file.ts';
import { makeViewCheckpoint, type OpenFiles } from './view-checkpoint.ts';

/** Which files of a folder to read. */
export interface HuggingFaceFolder {
  /** The path the user gave, for messages. */
  readonly path: string;
  readonly folder: string;
  /** Names of all files in the folder. */
  readonly names: readonly string[];
  /** A single weights file instead of whatever the folder has. */
  readonly weights?: string;
  /** The content of a config.json from elsewhere. */
  readonly config?: { readonly json: unknown; readonly path: string };
}

const indexSchema = z.looseObject({ weight_map: z.record(z.string(), z.string()) });
const indexNames = ['model.safetensors.index.json', 'pytorch_model.bin.index.json'];
const singleNames = ['model.safetensors', 'pytorch_model.bin'];

/** The file with weights that a folder offers, or its index; undefined where it has neither. */
export function findWeights(names: readonly string[]): string | undefined {
  const [safetensorsIndex, torchIndex] = indexNames as [string, string];
  const [safetensors, torch] = singleNames as [string, string];
  const order = [safetensorsIndex, safetensors, torchIndex, torch];
  const known = order.find((name) => names.includes(name));
  if (known !== undefined) return known;
  const others = names.filter((name) => /\.safetensors(\.index\.json)?$/.test(name));
  const index = others.find((name) => name.endsWith('.json'));
  return index ?? (others.length === 1 ? others[0] : undefined);
}

/** Opens the checkpoint of a folder. Files stay open until it is closed. */
export async function openHuggingFace(
  source: HuggingFaceFolder,
  files: OpenFiles,
): Promise<Checkpoint> {
  const { path, folder, names } = source;
  const { facts, otherFiles, generationPath } = await readConfigs(source);
  const weights = source.weights ?? findWeights(names);
  if (weights === undefined)
    throw errors.FILE_NOT_FOUND({ path: join(folder, 'model.safetensors') });
  const found = await readWeights(folder, weights, files);
  const tokenizer = await findFolderTokenizer(folder, names);
  const index = weights.endsWith('.json') ? [join(folder, weights)] : [];
  const generationJson = generationPath && (await readJsonFile(generationPath));
  return makeViewCheckpoint({
    format: 'safetensors',
    path,
    name: basename(resolve(folder)),
    config: facts.config,
    chatTemplate: tokenizer.chatTemplate,
    generation: readGenerationConfig(generationJson, {
      path: generationPath ?? path,
      endTokens: facts.endTokens,
    }),
    licence: await readLicence(folder, names),
    views: namedViews(found, facts.config, path),
    files,
    otherFiles: [...otherFiles, ...index, ...tokenizer.files],
    makeTokenizer: tokenizer.read,
  });
}

async function readConfigs({ folder, names, config }: HuggingFaceFolder): Promise<{
  facts: HuggingFaceConfig;
  otherFiles: string[];
  generationPath: string | undefined;
}> {
  const configPath = config?.path ?? join(folder, 'config.json');
  if (config === undefined && !names.includes('config.json')) {
    throw errors.CONFIG_NEEDED({ path: folder, missing: 'config (there is no config.json)' });
  }
  const json = config ? config.json : await readJsonFile(configPath);
  const generationPath = names.includes('generation_config.json')
    ? join(folder, 'generation_config.json')
    : undefined;
  return {
    facts: readHuggingFaceConfig(json, configPath),
    otherFiles: [configPath, ...(generationPath ? [generationPath] : [])],
    generationPath,
  };
}

interface FoundTensor {
  readonly type: string;
  readonly view: TensorView | undefined;
}

async function readWeights(
  folder: string,
  weights: string,
  files: OpenFiles,
): Promise<Map<string, FoundTensor>> {
  const readOne = async (name: string): Promise<ReadonlyMap<string, FoundTensor>> => {
    const file = await files.open(join(folder, name));
    const isTorch = name.endsWith('.bin') && !looksLikeSafetensors(file);
    return isTorch ? readTorchFile(file) : readSafetensors(file).tensors;
  };
  if (!weights.endsWith('.json')) return new Map(await readOne(weights));
  const indexPath = join(folder, weights);
  const { weight_map: weightMap } = checkJson(
    indexSchema,
    await readJsonFile(indexPath),
    indexPath,
  );
  const shards = new Map<string, ReadonlyMap<string, FoundTensor>>();
  const tensors = new Map<string, FoundTensor>();
  for (const [name, shard] of Object.entries(weightMap)) {
    // An index from elsewhere must not make us read other folders.
    if (!/^[\w][\w.-]*$/.test(shard)) {
      throw errors.CONFIG_INVALID({
        path: indexPath,
        field: 'weight_map',
        expected: 'names of files in the same folder',
        found: JSON.stringify(shard.slice(0, 100)),
      });
    }
    const contents = shards.get(shard) ?? (await readOne(shard));
    shards.set(shard, contents);
    const tensor = contents.get(name);
    if (tensor === undefined) throw errors.TENSOR_MISSING({ name, path: join(folder, shard) });
    tensors.set(name, tensor);
  }
  return tensors;
}

function namedViews(
  found: ReadonlyMap<string, FoundTensor>,
  config: LlamaConfig,
  path: string,
): Map<string, TensorView> {
  const views = new Map<string, TensorView>();
  for (const [original, { type, view }] of found) {
    // Tables of rotations that old checkpoints store and nobody needs.
    if (original.endsWith('rotary_emb.inv_freq')) continue;
    const name = ggufNameOf(original, 'huggingFace');
    if (name === undefined) {
      throw errors.FORMAT_UNSUPPORTED({
        path,
        feature: `the tensor ${original.slice(0, 100)}`,
        allowed: 'the tensors of LlamaForCausalLM: a merged model without adapters or biases',
      });
    }
    // Tied: a stored head is a copy that transformers overwrites with the embedding.
    if (name === tensorNames.output && config.tiedEmbeddings) continue;
    if (view === undefined) {
      throw errors.DTYPE_UNSUPPORTED({
        dtype: type,
        where: `Tensor ${original} of ${path}`,
        allowed: 'F32, F16, BF16',
      });
    }
    const isRotated = /\.attn_[qk]\.weight$/.test(name);
    views.set(name, isRotated ? interleaved(view, config.headDim) : view);
  }
  return views;
}

// A shape that does not divide into heads is reported against the config, not here.
function interleaved(view: TensorView, headDim: number): TensorView {
  const divides = view.shape.length === 2 && (view.shape[0] ?? 0) % headDim === 0;
  return divides ? reorderRopeRows(view, { headDim, order: 'halves-to-interleaved' }) : view;
}

/** What a folder says of its licence: the model card's field, or the first line of a licence file. */
export async function readLicence(
  folder: string,
  names: readonly string[],
): Promise<string | undefined> {
  if (names.includes('README.md')) {
    const card = await readTextFile(join(folder, 'README.md')).catch(() => undefined);
    const front = card === undefined ? null : /^---\n([\s\S]*?)\n---/.exec(card);
    const licence = /^license:\s*(\S.*)$/m.exec(front?.[1] ?? '')?.[1];
    if (licence !== undefined) return licence.trim();
  }
  const file = names.find((name) => /^LICEN[CS]E(\.txt|\.md)?$/.test(name));
  const text = file && (await readTextFile(join(folder, file)).catch(() => undefined));
  return text
    ?.split('\n')
    .map((line) => line.trim())
    .find((line) => line !== '');
}
