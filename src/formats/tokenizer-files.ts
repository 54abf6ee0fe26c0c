// Reads tokenizers from bare files, told apart by their contents, and from the folder of a checkpoint.
// Knows nothing of weights.
import { basename, dirname, join } from 'node:path';
import * as z from 'zod';
import { errors } from '../base/errors.ts';
import {
  type Tokenizer,
  tokenizerFromJson,
  tokenizerFromLlama2c,
  tokenizerFromSentencePiece,
} from '../tokenizer/index.ts';
import { parseJson, readJsonFile, readTextFile, readWholeFile } from './json-file.ts';

// The model of a 256k vocabulary has 5 MB, its tokenizer.json 34 MB.
const MAX_TOKENIZER_BYTES = 128 * 2 ** 20;
const MAX_TEMPLATE_BYTES = 2 ** 20;

/** Names under which folders keep a tokenizer and what belongs to it. */
export const tokenizerFileNames: readonly string[] = [
  'tokenizer.model',
  'tokenizer.json',
  'tokenizer_config.json',
  'chat_template.jinja',
];

/** Is this file part of a folder's tokenizer? */
export function isTokenizerFile(path: string): boolean {
  return tokenizerFileNames.includes(basename(path));
}

/** Which bare tokenizer file these bytes are; undefined for none of them. */
export function tokenizerKindOf(
  bytes: Uint8Array,
): 'json' | 'tiktoken' | 'sentencepiece' | 'llama2c' | undefined {
  const start = new TextDecoder('latin1').decode(bytes.subarray(0, 256));
  // Some editors put a byte order mark in front.
  if (/^(\xef\xbb\xbf)?\s*\{/.test(start)) return 'json';
  if (/^[A-Za-z0-9+/]+={0,2} \d+\n/.test(start)) return 'tiktoken';
  // A first piece (field 1 of the model), which begins with its text (field 1 of the piece).
  if (bytes[0] === 0x0a && (bytes[2] === 0x0a || bytes[3] === 0x0a)) return 'sentencepiece';
  if (bytes.byteLength < 12) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const longest = view.getInt32(0, true);
  const first = view.getInt32(8, true);
  const isLlama2c = longest > 0 && longest <= 2 ** 16 && first >= 0 && first <= longest;
  return isLlama2c ? 'llama2c' : undefined;
}

/** The tokenizer of a bare file; undefined when the file is none. A tokenizer_config.json beside counts. */
export async function readTokenizerFile(path: string): Promise<Tokenizer | undefined> {
  const bytes = await readWholeFile(path, MAX_TOKENIZER_BYTES);
  if (bytes === undefined) throw errors.FILE_NOT_FOUND({ path });
  switch (tokenizerKindOf(bytes)) {
    case 'json': {
      const tokenizerJson = parseJson(new TextDecoder().decode(bytes), path);
      const tokenizerConfig = await readJsonFile(join(dirname(path), 'tokenizer_config.json'));
      return tokenizerFromJson({ tokenizerJson, tokenizerConfig, path });
    }
    case 'sentencepiece':
      return tokenizerFromSentencePiece(bytes, path);
    case 'llama2c':
      return tokenizerFromLlama2c(bytes, path);
    case 'tiktoken':
      throw errors.FORMAT_UNSUPPORTED({
        path,
        feature: 'a tiktoken vocabulary',
        allowed: 'SentencePiece models, or the tokenizer.json of the same model with --tokenizer',
      });
    default:
      return undefined;
  }
}

/** What a folder offers of a tokenizer. */
export interface FolderTokenizer {
  readonly files: readonly string[];
  readonly chatTemplate: string | undefined;
  /** Reads it; undefined where the folder has none. */
  readonly read: () => Promise<Tokenizer | undefined>;
}

const templateText = z.union([
  z.string(),
  z.array(z.looseObject({ name: z.string(), template: z.string() })),
]);
const addedTokens = z.looseObject({
  added_tokens: z.array(z.looseObject({ id: z.number(), content: z.string() })).nullish(),
});

/**
 * The tokenizer of a folder: tokenizer.model, which is exact, unless tokenizer.json adds tokens that
 * it lacks. `names` are the files of the folder.
 */
export async function findFolderTokenizer(
  folder: string,
  names: readonly string[],
): Promise<FolderTokenizer> {
  const files = tokenizerFileNames
    .filter((name) => names.includes(name))
    .map((name) => join(folder, name));
  const [modelPath, jsonPath] = [join(folder, 'tokenizer.model'), join(folder, 'tokenizer.json')];
  const read = async (): Promise<Tokenizer | undefined> => {
    const hasJson = files.includes(jsonPath);
    if (!files.includes(modelPath)) return hasJson ? readTokenizerFile(jsonPath) : undefined;
    if (!hasJson) return readTokenizerFile(modelPath);
    const bytes = await readWholeFile(modelPath, MAX_TOKENIZER_BYTES);
    // Llama 3 folders may hold Meta's tiktoken list under this name.
    if (!bytes || tokenizerKindOf(bytes) !== 'sentencepiece') return readTokenizerFile(jsonPath);
    const model = tokenizerFromSentencePiece(bytes, modelPath);
    const json = addedTokens.safeParse(await readJsonFile(jsonPath));
    const adds = json.data?.added_tokens?.some(
      ({ id, content }) => id >= model.size || model.piece(id) !== content,
    );
    return adds ? readTokenizerFile(jsonPath) : model;
  };
  return { files, chatTemplate: await readChatTemplate(folder, names), read };
}

async function readChatTemplate(
  folder: string,
  names: readonly string[],
): Promise<string | undefined> {
  if (names.includes('chat_template.jinja')) {
    return readTextFile(join(folder, 'chat_template.jinja'), MAX_TEMPLATE_BYTES);
  }
  if (!names.includes('tokenizer_config.json')) return undefined;
  const json = await readJsonFile(join(folder, 'tokenizer_config.json'));
  const template = templateText.safeParse((json as { chat_template?: unknown })?.chat_template);
  if (!template.success) return undefined;
  if (typeof template.data === 'string') return template.data;
  const list = template.data;
  return (list.find(({ name }) => name === 'default') ?? list[0])?.template;
}
