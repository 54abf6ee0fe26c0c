// The Hugging Face half of convert: a folder with safetensors in its names and row order, its JSON
// files, and the tokenizer as it was or re-emitted as tokenizer.model.
import { copyFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { present } from '../base/invariant.ts';
import { ByteLevelTokenizer } from '../tokenizer/byte-level-tokenizer.ts';
import { type Tokenizer, writeSentencePiece } from '../tokenizer/index.ts';
import type { Checkpoint } from './checkpoint.ts';
import type { ConvertedTensor, ConvertJob } from './convert-job.ts';
import { convertTensor } from './convert-tensor.ts';
import {
  madeByCorral,
  makeGenerationConfig,
  makeHuggingFaceConfig,
  makeTokenizerConfig,
  makeTokenizerJson,
} from './hugging-face-write.ts';
import { readJsonFile } from './json-file.ts';
import { replaceFolder } from './replace-folder.ts';
import { type SafetensorsDType, type TensorToWrite, writeShards } from './safetensors-write.ts';
import { nameFromGguf } from './tensor-names.ts';
import { reorderRopeRows, type TensorView } from './tensor-view.ts';
import { isTokenizerFile, tokenizerFileNames } from './tokenizer-files.ts';

/** Writes the folder. Returns the bytes of its tensors. */
export async function convertToSafetensors(job: ConvertJob): Promise<number> {
  const { checkpoint, out, force } = job;
  const { config, generation, path } = checkpoint;
  const tokenizer = await checkpoint.tokenizer();
  const dtype = job.type as SafetensorsDType;
  const facts = { path, dtype, tokenizer, generation };
  const configJson = makeHuggingFaceConfig(config, facts);
  const tensors = job.tensors.map((tensor) => tensorToWrite(tensor, job));
  let bytes = 0;
  const mayReplace = async (folder: string, names: readonly string[]): Promise<boolean> =>
    force || (await isOurs(folder, names));
  await replaceFolder(out, { mayReplace }, async (folder) => {
    await writeJson(join(folder, 'config.json'), configJson);
    await writeJson(join(folder, 'generation_config.json'), makeGenerationConfig(facts));
    if (tokenizer !== undefined) await writeTokenizer(folder, checkpoint, tokenizer);
    bytes = await writeShards(folder, tensors);
  });
  return bytes;
}

function tensorToWrite({ info, dtype }: ConvertedTensor, job: ConvertJob): TensorToWrite {
  const { checkpoint, signal, onBytes } = job;
  const plain: TensorView = {
    dtype: info.dtype,
    shape: info.shape,
    region: undefined,
    read: (offset, length) => checkpoint.read(info.name, offset, length),
  };
  const { headDim } = checkpoint.config;
  const isRotated = /\.attn_[qk]\.weight$/.test(info.name);
  const view = isRotated
    ? reorderRopeRows(plain, { headDim, order: 'interleaved-to-halves' })
    : plain;
  // transformers loads a model in one type; norms in f32 beside f16 matrices would be converted anyway.
  const written = job.type === 'f32' ? 'f32' : (job.type as typeof dtype);
  return {
    name: present(nameFromGguf(info.name, 'huggingFace'), `a name for ${info.name}`),
    dtype: written as SafetensorsDType,
    shape: info.shape,
    write: (sink) => convertTensor(view, sink, { dtype: written, signal, onBytes }),
  };
}

async function writeTokenizer(
  folder: string,
  checkpoint: Checkpoint,
  tokenizer: Tokenizer,
): Promise<void> {
  const sources = checkpoint.files.filter(isTokenizerFile);
  const have = new Set(sources.map((file) => basename(file)));
  for (const file of sources) await copyFile(file, join(folder, basename(file)));
  if (!have.has('tokenizer.model') && !have.has('tokenizer.json')) {
    if (tokenizer instanceof ByteLevelTokenizer) {
      await writeJson(join(folder, 'tokenizer.json'), makeTokenizerJson(tokenizer.vocabulary));
    } else {
      await writeFile(join(folder, 'tokenizer.model'), writeSentencePiece(tokenizer));
    }
  }
  if (have.has('tokenizer_config.json')) return;
  const { chatTemplate, config } = checkpoint;
  const json = makeTokenizerConfig(tokenizer, { chatTemplate, context: config.context });
  await writeJson(join(folder, 'tokenizer_config.json'), json);
}

// Ours, and nothing in it that someone put there later.
async function isOurs(folder: string, names: readonly string[]): Promise<boolean> {
  const known = ['config.json', 'generation_config.json', ...tokenizerFileNames];
  const isKnown = (name: string): boolean =>
    known.includes(name) || /^model(-\d{5}-of-\d{5})?\.safetensors(\.index\.json)?$/.test(name);
  if (!names.includes('config.json') || !names.every(isKnown)) return false;
  const config = await readJsonFile(join(folder, 'config.json')).catch(() => undefined);
  return (
    typeof config === 'object' &&
    config !== null &&
    (config as Record<string, unknown>)[madeByCorral.key] === madeByCorral.value
  );
}

async function writeJson(path: string, json: unknown): Promise<void> {
  await writeFile(path, `${JSON.stringify(json, null, 2)}\n`);
}
