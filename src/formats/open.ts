// Opens any checkpoint or tokenizer: what it is shows in its contents, not only in its name.
import { stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { CorralError } from '../base/define-errors.ts';
import { errors } from '../base/errors.ts';
import type { Tokenizer } from '../tokenizer/index.ts';
import type { Checkpoint } from './checkpoint.ts';
import { openFile, type SourceFile } from './files.ts';
import { openGguf, readGgufTokenizer } from './gguf.ts';
import { findWeights, openHuggingFace } from './hugging-face.ts';
import { parseJson, readJsonFile, readTextFile } from './json-file.ts';
import { listFolder } from './list-folder.ts';
import { isLlama2cMagic, looksLikeLlama2c, openLlama2c } from './llama2c-checkpoint.ts';
import { findShards, openMeta } from './meta.ts';
import { looksLikeSafetensors, readSafetensors } from './safetensors.ts';
import { findFolderTokenizer, isTokenizerFile, readTokenizerFile } from './tokenizer-files.ts';
import { readTorchFile } from './torch-file.ts';
import { withOpenFiles } from './view-checkpoint.ts';

/** What a checkpoint may need from elsewhere. */
export interface OpenOptions {
  /** A params.json or config.json, or its content, for files that carry none. */
  readonly config?: string | Readonly<Record<string, unknown>>;
  /** A tokenizer of any kind, or a GGUF, instead of the checkpoint's own. */
  readonly tokenizer?: string;
}

/**
 * Opens a checkpoint of any format. Tensors are read when asked for.
 * Throws FILE_NOT_FOUND, FORMAT_UNKNOWN, or what is wrong with the files.
 * @example const checkpoint = await openCheckpoint('models/llama-2-7b');
 */
export async function openCheckpoint(path: string, options: OpenOptions = {}): Promise<Checkpoint> {
  const config = await readConfigOption(options.config);
  // Wrong tokenizers show before gigabytes are opened.
  const tokenizer =
    options.tokenizer === undefined ? undefined : await openTokenizer(options.tokenizer);
  const checkpoint = (await isFolder(path))
    ? await openFolder(path, config)
    : await openSingle(path, config);
  if (tokenizer === undefined || options.tokenizer === undefined) return checkpoint;
  return withTokenizer(checkpoint, tokenizer, options.tokenizer);
}

// Not a spread: a checkpoint may be an object of a class, whose methods a spread would lose.
function withTokenizer(
  checkpoint: Checkpoint,
  tokenizer: Tokenizer,
  tokenizerPath: string,
): Checkpoint {
  const { format, path, files, name, config, tensors, chatTemplate, generation, licence } =
    checkpoint;
  return {
    format,
    path,
    files: [...files.filter((file) => !isTokenizerFile(file)), tokenizerPath],
    name,
    config,
    tensors,
    chatTemplate,
    generation,
    licence,
    tokenizer: async () => tokenizer,
    read: (tensor, offset, length) => checkpoint.read(tensor, offset, length),
    region: (tensor) => checkpoint.region(tensor),
    close: () => checkpoint.close(),
  };
}

/**
 * The tokenizer of a bare tokenizer file, a GGUF, a folder or any checkpoint. Throws TOKENIZER_UNKNOWN where there is none.
 * @example const tokenizer = await openTokenizer('tokenizer.model');
 */
export async function openTokenizer(path: string): Promise<Tokenizer> {
  const found = (await isFolder(path))
    ? await tokenizerOfFolder(path)
    : await tokenizerOfFile(path);
  if (found === undefined) throw errors.TOKENIZER_UNKNOWN({ path });
  return found;
}

async function tokenizerOfFile(path: string): Promise<Tokenizer | undefined> {
  const kind = await kindOf(path);
  if (kind === undefined) return readTokenizerFile(path);
  // Some GGUF files hold a vocabulary and no tensors.
  return kind === 'gguf' ? readGgufTokenizer(path) : tokenizerOfCheckpoint(path);
}

async function tokenizerOfFolder(folder: string): Promise<Tokenizer | undefined> {
  const names = await listFolder(folder);
  const hasWeights = findWeights(names) !== undefined;
  const ggufs = findGgufs(names);
  const gguf = hasWeights || ggufs.length !== 1 ? undefined : join(folder, ggufs[0] as string);
  const inGguf = gguf === undefined ? undefined : await readGgufTokenizer(gguf);
  if (inGguf !== undefined) return inGguf;
  const beside = await (await findFolderTokenizer(folder, names)).read();
  if (beside !== undefined) return beside;
  if (names.includes('tokenizer.bin')) return readTokenizerFile(join(folder, 'tokenizer.bin'));
  if (ggufs.length > 1) throw errors.FOLDER_AMBIGUOUS({ path: folder, have: listNames(ggufs) });
  // Meta's folders may have it beside them.
  const isModel = hasWeights || findShards(folder, names).length > 0;
  return isModel ? tokenizerOfCheckpoint(folder) : undefined;
}

async function tokenizerOfCheckpoint(path: string): Promise<Tokenizer | undefined> {
  const checkpoint = await openCheckpoint(path);
  try {
    return await checkpoint.tokenizer();
  } finally {
    await checkpoint.close();
  }
}

interface Config {
  readonly json: unknown;
  readonly path: string;
}

async function readConfigOption(config: OpenOptions['config']): Promise<Config | undefined> {
  if (config === undefined) return undefined;
  if (typeof config !== 'string') return { json: config, path: 'the config given' };
  const text = await readTextFile(config).catch(rejectConfig);
  if (text === undefined) throw errors.FILE_NOT_FOUND({ path: config });
  try {
    return { json: parseJson(text, config), path: config };
  } catch (error) {
    return rejectConfig(error);
  }

  // The user named this file: that it may be the wrong one is likelier than damage.
  function rejectConfig(cause: unknown): never {
    if (!CorralError.isInstance(cause) || cause.code !== 'CORRAL_FORMAT_DAMAGED') throw cause;
    const { expected, found } = cause.data;
    throw errors.CONFIG_INVALID(
      { path: config as string, field: 'the file', expected: `${expected}`, found: `${found}` },
      { cause },
    );
  }
}

async function isFolder(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found?.isDirectory() ?? false;
}

type Kind = 'gguf' | 'torch' | 'llama2c' | 'safetensors';

async function withFile<T>(path: string, read: (file: SourceFile) => T): Promise<T> {
  const file = await openFile(path);
  try {
    return read(file);
  } finally {
    await file.close();
  }
}

function kindOf(path: string): Promise<Kind | undefined> {
  return withFile(path, (file) => kindOfContents(file) ?? kindOfName(path));
}

function kindOfContents(file: SourceFile): Kind | undefined {
  if (file.size < 4) return undefined;
  const start = file.readSync(0, 4);
  const magic = new DataView(start.buffer, start.byteOffset, 4).getUint32(0, true);
  if (magic === 0x46554747) return 'gguf';
  if (magic === 0x04034b50 || (start[0] === 0x80 && start[1] === 2 && start[2] === 0x8a))
    return 'torch';
  if (isLlama2cMagic(magic)) return 'llama2c';
  if (looksLikeSafetensors(file)) return 'safetensors';
  return looksLikeLlama2c(file) ? 'llama2c' : undefined;
}

// Where the contents say nothing, a name that promises a format makes the file a damaged one of it.
function kindOfName(path: string): Kind | undefined {
  if (path.endsWith('.gguf')) return 'gguf';
  return path.endsWith('.safetensors') ? 'safetensors' : undefined;
}

async function openSingle(path: string, config: Config | undefined): Promise<Checkpoint> {
  const [folder, name] = [dirname(resolve(path)), basename(path)];
  switch (await kindOf(path)) {
    case 'gguf':
      return openGguf(path);
    case 'llama2c':
      return withOpenFiles((files) => openLlama2c(path, files));
    case 'torch':
      return openTorch(path, config);
    case 'safetensors': {
      // Damage first: nobody should look for the config of a file that cannot be read.
      await withFile(path, readSafetensors);
      const source = { path, folder, names: await listFolder(folder), weights: name };
      return withOpenFiles((files) => openHuggingFace(withConfig(source, config), files));
    }
    default:
      // One of a folder's JSON files stands for the folder.
      if (/^(config|params)\.json$|\.index\.json$/.test(name))
        return openFolder(folder, config, path);
      throw errors.FORMAT_UNKNOWN({ path, found: await describeStart(path) });
  }
}

async function openTorch(path: string, config: Config | undefined): Promise<Checkpoint> {
  const [folder, name] = [dirname(resolve(path)), basename(path)];
  const names = await listFolder(folder);
  if (
    /^pytorch_model.*\.bin$/.test(name) &&
    (config !== undefined || names.includes('config.json'))
  ) {
    const source = { path, folder, names, weights: name };
    return withOpenFiles((files) => openHuggingFace(withConfig(source, config), files));
  }
  const isShard = /^consolidated\.\d+\.pth$/.test(name);
  const shards = isShard ? findShards(folder, names) : [path];
  const found = config ?? (names.includes('params.json') ? await readParams(folder) : undefined);
  if (found === undefined) {
    await withFile(path, readTorchFile);
    throw errors.CONFIG_NEEDED({ path, missing: 'number of heads' });
  }
  const format = isShard ? 'meta' : 'torchtune';
  return withOpenFiles((files) => openMeta({ path, format, shards, config: found }, files));
}

// `path` is what the user named: the folder, or a file that stands for it.
async function openFolder(
  folder: string,
  config: Config | undefined,
  path: string = folder,
): Promise<Checkpoint> {
  const names = await listFolder(folder);
  const shards = findShards(folder, names);
  const params = config ?? (names.includes('params.json') ? await readParams(folder) : undefined);
  // Some folders hold both; their safetensors say more (generation defaults, chat template).
  const weights = findWeights(names);
  if (weights !== undefined && (names.includes('config.json') || config !== undefined)) {
    const source = { path, folder, names };
    return withOpenFiles((files) => openHuggingFace(withConfig(source, config), files));
  }
  if (shards.length > 0) {
    if (params === undefined)
      throw errors.CONFIG_NEEDED({ path, missing: 'number of heads (params.json)' });
    const source = { path, format: 'meta', shards, config: params } as const;
    return withOpenFiles((files) => openMeta(source, files));
  }
  if (weights !== undefined) {
    throw errors.CONFIG_NEEDED({ path, missing: 'config (there is no config.json)' });
  }
  const ggufs = findGgufs(names);
  if (ggufs.length === 1) return openGguf(join(folder, ggufs[0] as string));
  const models = [...ggufs, ...names.filter((name) => name.endsWith('.safetensors'))];
  if (models.length > 1) throw errors.FOLDER_AMBIGUOUS({ path, have: listNames(models) });
  const settings = (['config.json', 'params.json'] as const).find((name) => names.includes(name));
  if (settings !== undefined) {
    throw errors.WEIGHTS_MISSING({ path, found: `a ${settings}`, expected: weightsOf[settings] });
  }
  const found = names.length === 0 ? 'no files' : `the files ${listNames(names)}`;
  throw errors.FORMAT_UNKNOWN({ path, found });
}

const weightsOf = {
  'config.json':
    'model.safetensors, model.safetensors.index.json with its shards, or pytorch_model.bin',
  'params.json': 'consolidated.00.pth and on',
} as const;

/** Every GGUF of a folder; a split one by its first part. */
function findGgufs(names: readonly string[]): string[] {
  return names.filter(
    (name) => name.endsWith('.gguf') && !/-(?!00001)\d{5}-of-\d{5}\.gguf$/.test(name),
  );
}

function listNames(names: readonly string[]): string {
  return `${names.slice(0, 8).join(', ')}${names.length > 8 ? ', …' : ''}`;
}

async function readParams(folder: string): Promise<Config> {
  const path = join(folder, 'params.json');
  return { json: await readJsonFile(path), path };
}

function withConfig<T extends object>(
  source: T,
  config: Config | undefined,
): T & { config?: Config } {
  return config === undefined ? source : { ...source, config };
}

function describeStart(path: string): Promise<string> {
  return withFile(path, (file) => {
    const start = file.readSync(0, Math.min(8, file.size));
    return file.size === 0
      ? 'no bytes'
      : `${file.size} bytes that begin with ${Buffer.from(start).toString('hex')}`;
  });
}
