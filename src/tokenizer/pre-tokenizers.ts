// How byte-level tokenizers cut a text before merging, by the name a GGUF file gives in
// `tokenizer.ggml.pre`. The patterns are those of the models' own tokenizer.json.
import { errors } from '../base/errors.ts';
import { flatten, type Part, type TokenizerFile } from './json-vocabulary.ts';

/** A pre-tokenizer as tokenizer.json writes it, and what goes with the name. */
export interface PreTokenizer {
  readonly config: Readonly<Record<string, unknown>>;
  /** A stretch that is a token as it stands is taken whole, whatever the merges say. */
  readonly ignoresMerges: boolean;
  /** Does the model expect BOS where the file does not say? */
  readonly addsBos: boolean;
}

const byteLevel = { type: 'ByteLevel', add_prefix_space: false, use_regex: false };

/** GPT-2's own pattern, which the ByteLevel pre-tokenizer has built in. */
export const gpt2Pattern: string =
  "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

const llama3Pattern =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

const qwen2Pattern =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

const tekkenPattern =
  '[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+|[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+';

function split(pattern: string): Readonly<Record<string, unknown>> {
  return { type: 'Split', pattern: { Regex: pattern }, behavior: 'Isolated', invert: false };
}

function sequence(...parts: readonly unknown[]): Readonly<Record<string, unknown>> {
  return { type: 'Sequence', pretokenizers: [...parts, byteLevel] };
}

const llama3: PreTokenizer = {
  config: sequence(split(llama3Pattern)),
  ignoresMerges: true,
  addsBos: true,
};
const gpt2: PreTokenizer = {
  config: sequence(split(gpt2Pattern)),
  ignoresMerges: false,
  addsBos: false,
};
const digitsFirst: PreTokenizer = {
  config: sequence({ type: 'Digits', individual_digits: true }, split(gpt2Pattern)),
  ignoresMerges: false,
  addsBos: false,
};
const qwen2: PreTokenizer = {
  config: sequence(split(qwen2Pattern)),
  ignoresMerges: false,
  addsBos: false,
};
const tekken: PreTokenizer = {
  config: sequence(split(tekkenPattern)),
  ignoresMerges: true,
  addsBos: true,
};
// llama.cpp's fallback for files that name none: punctuation, then words, then digits by threes
const fallback: PreTokenizer = {
  config: sequence(
    split('[\\p{P}\\$\\+<=>\\^~\\|]+'),
    split(gpt2Pattern),
    split('\\p{N}+'),
    split('[0-9][0-9][0-9]'),
  ),
  ignoresMerges: false,
  addsBos: false,
};

const byName: ReadonlyMap<string, PreTokenizer> = new Map([
  ['default', fallback],
  ['llama-bpe', llama3],
  ['llama3', llama3],
  ['llama-v3', llama3],
  ['gpt-2', gpt2],
  ['gpt2', gpt2],
  ['smollm', digitsFirst],
  ['starcoder', digitsFirst],
  ['qwen2', qwen2],
  ['deepseek-r1-qwen', qwen2],
  ['tekken', tekken],
]);

/** The pre-tokenizer of this name. */
export function preTokenizerFor(name: string, path: string): PreTokenizer {
  const found = byName.get(name);
  if (!found) {
    throw errors.FORMAT_UNSUPPORTED({
      path,
      feature: `the pre-tokenizer ${name}`,
      allowed: [...byName.keys()].join(', '),
    });
  }
  return found;
}

/** The name a GGUF file gives for what this tokenizer.json does to a text; undefined where there is none. */
export function preTokenizerNameOf(file: TokenizerFile): string | undefined {
  // A normaliser would have to run before, and GGUF names none.
  if (file.normalizer) return undefined;
  const wanted = describe(file.pre_tokenizer);
  const ignoresMerges = file.model.ignore_merges === true;
  for (const [name, known] of byName) {
    if (describe(known.config as Part) === wanted && known.ignoresMerges === ignoresMerges) {
      return name;
    }
  }
  return undefined;
}

// What decides where a text is cut; GPT-2's ByteLevel has its pattern built in.
function describe(whole: Part | null | undefined): string {
  const parts = flatten(whole).map((one) => {
    const { type, pattern, behavior, invert } = one;
    if (type === 'Split') return ['Split', pattern, behavior, invert === true];
    if (type === 'Digits') return ['Digits', one['individual_digits'] === true];
    if (type !== 'ByteLevel') return [type];
    const splits = one['use_regex'] !== false;
    const prefix = one['add_prefix_space'] === true ? ['prefix'] : [];
    return splits ? [...prefix, 'Split', { Regex: gpt2Pattern }, 'Isolated', false] : prefix;
  });
  return JSON.stringify(parts.filter((one) => one.length > 0));
}
