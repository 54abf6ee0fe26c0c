// The shape of tokenizer.json and tokenizer_config.json, checked, and the vocabulary in them. What the
// parts of such a file do to a text is for the tokenizers that use it.
import { z } from 'zod';
import { checkJson } from '../base/check-json.ts';
import { errors } from '../base/errors.ts';
import type { TokenId } from './tokenizer.ts';

// a vocabulary is 1e3 to 3e5; bounds what one huge id could make us allocate
const MAX_ID = 1 << 21;

// What is expected where a field has one of several shapes.
const asWritten = 'as Hugging Face writes it';

const id = z.int().min(0).max(MAX_ID);
const addedToken = z.looseObject({
  id,
  content: z.string(),
  special: z.boolean().default(false),
  lstrip: z.boolean().default(false),
  rstrip: z.boolean().default(false),
});
const part = z.looseObject({ type: z.string() });
const tokenizerFile = z.looseObject({
  added_tokens: z.array(addedToken).nullish(),
  normalizer: part.nullish(),
  pre_tokenizer: part.nullish(),
  post_processor: part.nullish(),
  model: z.looseObject({
    type: z.string().optional(),
    // a record schema would lose a piece named __proto__
    vocab: z.custom<Readonly<Record<string, unknown>>>(
      (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
      'an object of pieces and ids',
    ),
    merges: z.array(z.union([z.string(), z.tuple([z.string(), z.string()])])).default([]),
    byte_fallback: z.boolean().nullish(),
    ignore_merges: z.boolean().nullish(),
    unk_token: z.string().nullish(),
  }),
});
const specialToken = z.union([z.string(), z.looseObject({ content: z.string() })]).nullish();
const configFile = z.looseObject({
  bos_token: specialToken,
  eos_token: specialToken,
  unk_token: specialToken,
  pad_token: specialToken,
  add_bos_token: z.boolean().nullish(),
});

/** A normaliser, pre-tokenizer or post-processor: a type and its own settings. */
export interface Part {
  readonly type: string;
  readonly [setting: string]: unknown;
}

/** A token that is found in the text before anything else. */
export interface AddedToken {
  readonly id: number;
  readonly content: string;
  readonly special: boolean;
  readonly lstrip: boolean;
  readonly rstrip: boolean;
}

/** tokenizer.json after its shape was checked. */
export interface TokenizerFile {
  readonly added_tokens?: readonly AddedToken[] | null | undefined;
  readonly normalizer?: Part | null | undefined;
  readonly pre_tokenizer?: Part | null | undefined;
  readonly post_processor?: Part | null | undefined;
  readonly model: {
    readonly type?: string | undefined;
    readonly vocab: Readonly<Record<string, unknown>>;
    readonly merges: readonly (string | readonly [string, string])[];
    readonly byte_fallback?: boolean | null | undefined;
    readonly ignore_merges?: boolean | null | undefined;
    readonly unk_token?: string | null | undefined;
  };
}

type SpecialToken = string | { readonly content: string } | null | undefined;

interface ConfigFile {
  readonly bos_token?: SpecialToken;
  readonly eos_token?: SpecialToken;
  readonly unk_token?: SpecialToken;
  readonly pad_token?: SpecialToken;
  readonly add_bos_token?: boolean | null | undefined;
}

/** What both kinds of tokenizer take from the two files. */
export interface JsonVocabulary {
  readonly path: string;
  readonly file: TokenizerFile;
  /** Piece by id, added tokens included; undefined where an id has none. */
  readonly pieces: readonly (string | undefined)[];
  readonly added: ReadonlyMap<TokenId, AddedToken>;
  readonly merges: readonly (readonly [string, string])[];
  readonly bos: TokenId | undefined;
  readonly eos: TokenId | undefined;
  readonly unknown: TokenId | undefined;
  readonly pad: TokenId | undefined;
  readonly addsBos: boolean;
}

/** Checks both files and reads the vocabulary. Throws CONFIG_INVALID with the field that is wrong. */
export function readJsonVocabulary(options: {
  readonly tokenizerJson: unknown;
  readonly tokenizerConfig?: unknown;
  readonly path: string;
}): JsonVocabulary {
  const { path } = options;
  const file = checkJson<TokenizerFile>(tokenizerFile, options.tokenizerJson, path, asWritten);
  const config = checkJson<ConfigFile>(
    configFile,
    options.tokenizerConfig ?? {},
    `${path} (tokenizer_config)`,
    asWritten,
  );
  return readVocabulary(file, config, path);
}

function readVocabulary(file: TokenizerFile, config: ConfigFile, path: string): JsonVocabulary {
  const invalid = (field: string, expected: string, found: string): Error =>
    errors.CONFIG_INVALID({ path, field, expected, found });
  const pieces: (string | undefined)[] = [];
  const ids = new Map<string, TokenId>();
  const put = (piece: string, at: unknown, field: string): void => {
    if (!Number.isInteger(at) || (at as number) < 0 || (at as number) > MAX_ID) {
      throw invalid(field, `ids from 0 to ${MAX_ID}`, `${String(at)} for ${piece}`);
    }
    while (pieces.length <= (at as number)) pieces.push(undefined);
    pieces[at as number] = piece;
    ids.set(piece, at as number);
  };
  for (const [piece, at] of Object.entries(file.model.vocab)) put(piece, at, 'model.vocab');
  const added = new Map<TokenId, AddedToken>();
  for (const token of file.added_tokens ?? []) {
    put(token.content, token.id, 'added_tokens');
    added.set(token.id, token);
  }
  if (pieces.length === 0) throw invalid('model.vocab', 'pieces', 'none');
  const idOf = (token: SpecialToken): TokenId | undefined => {
    if (token === null || token === undefined) return undefined;
    return ids.get(typeof token === 'string' ? token : token.content);
  };
  const first = firstSpecial(file.post_processor);
  const bos = idOf(config.bos_token) ?? ids.get(first ?? '<s>') ?? ids.get('<|begin_of_text|>');
  return {
    path,
    file,
    pieces,
    added,
    merges: file.model.merges.map((merge) => (typeof merge === 'string' ? cutMerge(merge) : merge)),
    bos,
    eos:
      idOf(config.eos_token) ??
      ids.get('</s>') ??
      ids.get('<|eot_id|>') ??
      ids.get('<|end_of_text|>'),
    unknown: idOf(config.unk_token) ?? idOf(file.model.unk_token),
    pad: idOf(config.pad_token),
    addsBos: config.add_bos_token ?? (first !== undefined && ids.get(first) === bos),
  };
}

/** A merge written as one string is cut at its only space that is not the first character. */
function cutMerge(merge: string): readonly [string, string] {
  const at = merge.indexOf(' ', 1);
  return at < 0 ? [merge, ''] : [merge.slice(0, at), merge.slice(at + 1)];
}

/** The special token a post-processor puts first, if it puts one. */
function firstSpecial(processor: Part | null | undefined): string | undefined {
  for (const one of flatten(processor)) {
    const single = one['type'] === 'TemplateProcessing' ? one['single'] : undefined;
    const first: unknown = Array.isArray(single) ? single[0] : undefined;
    const special = z
      .looseObject({ SpecialToken: z.looseObject({ id: z.string() }) })
      .safeParse(first);
    if (special.success) return special.data.SpecialToken.id;
  }
  return undefined;
}

// real files nest once; a deeper one stays closed and is refused where parts are looked at
const MAX_DEPTH = 8;

/** The parts of a normaliser, pre-tokenizer or post-processor, sequences opened. */
export function flatten(whole: Part | null | undefined, depth = 0): Part[] {
  if (!whole) return [];
  if (whole.type !== 'Sequence' || depth === MAX_DEPTH) return [whole];
  const list = whole['normalizers'] ?? whole['pretokenizers'] ?? whole['processors'];
  const parts = z.array(part).safeParse(list);
  return parts.success ? parts.data.flatMap((one) => flatten(one, depth + 1)) : [whole];
}
