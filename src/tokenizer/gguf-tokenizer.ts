// The tokenizer inside a GGUF file, from its `tokenizer.ggml.*` values. `llama` is SentencePiece;
// `gpt2` is byte-level BPE and becomes a tokenizer.json. Knows nothing of the file itself.
import { errors } from '../base/errors.ts';
import { tokenizerFromJson } from './json-tokenizer.ts';
import {
  byteOfPiece,
  MAX_SCORED_PIECE,
  type PieceKind,
  pieceModelDefaults,
} from './piece-model.ts';
import { preTokenizerFor } from './pre-tokenizers.ts';
import { readCharsMap } from './precompiled-charsmap.ts';
import { SentencePieceTokenizer } from './sentencepiece-tokenizer.ts';
import type { TokenId, Tokenizer } from './tokenizer.ts';

/** The values a GGUF file gives; absent ones are undefined or left out. */
export interface GgufTokenizerFields {
  /** `tokenizer.ggml.model` */
  readonly model: string;
  /** `tokenizer.ggml.pre` */
  readonly pre?: string | undefined;
  readonly tokens: readonly string[];
  readonly scores?: ArrayLike<number> | undefined;
  /** 1 normal, 2 unknown, 3 control, 4 user-defined, 5 unused, 6 byte. */
  readonly tokenTypes?: ArrayLike<number> | undefined;
  /** Pairs as `left right`. */
  readonly merges?: readonly string[] | undefined;
  readonly bosId?: number | undefined;
  readonly eosId?: number | undefined;
  readonly unknownId?: number | undefined;
  readonly padId?: number | undefined;
  readonly addBos?: boolean | undefined;
  readonly addSpacePrefix?: boolean | undefined;
  /** `tokenizer.ggml.remove_extra_whitespaces` */
  readonly removeExtraSpaces?: boolean | undefined;
  /** `tokenizer.ggml.precompiled_charsmap`: SentencePiece's compiled normaliser, as bytes of either sign. */
  readonly charsMap?: ArrayLike<number> | undefined;
  /** For messages. */
  readonly path?: string | undefined;
}

const kindsByType: Readonly<Record<number, PieceKind>> = {
  1: 'normal',
  2: 'unknown',
  3: 'control',
  4: 'added',
  5: 'unused',
  6: 'byte',
};

/**
 * The tokenizer a GGUF file describes.
 * @example const tokenizer = tokenizerFromGguf({ model: 'llama', tokens, scores, tokenTypes, bosId: 1, eosId: 2 });
 */
export function tokenizerFromGguf(fields: GgufTokenizerFields): Tokenizer {
  const path = fields.path ?? 'the GGUF file';
  checkLengths(fields, path);
  if (fields.model === 'llama') return sentencePiece(fields, path);
  if (fields.model === 'gpt2') return byteLevel(fields, path);
  throw errors.FORMAT_UNSUPPORTED({
    path,
    feature: `the tokenizer model ${fields.model}`,
    allowed: 'llama, gpt2',
  });
}

function checkLengths(fields: GgufTokenizerFields, path: string): void {
  const size = fields.tokens.length;
  const invalid = (field: string, expected: string, found: string): Error =>
    errors.CONFIG_INVALID({ path, field: `tokenizer.ggml.${field}`, expected, found });
  if (size === 0) throw invalid('tokens', 'a list of tokens', 'none');
  for (const [field, list] of [
    ['scores', fields.scores],
    ['token_type', fields.tokenTypes],
  ] as const) {
    if (list && list.length !== size) {
      throw invalid(field, `${size} values`, `${list.length}`);
    }
  }
  for (const [field, id] of [
    ['bos_token_id', fields.bosId],
    ['eos_token_id', fields.eosId],
    ['unknown_token_id', fields.unknownId],
    ['padding_token_id', fields.padId],
  ] as const) {
    // 2^32 - 1 is how some writers say "none"
    if (id === undefined || id === 0xffffffff) continue;
    if (!Number.isInteger(id) || id < 0 || id >= size) {
      throw invalid(field, `an id from 0 to ${size - 1}`, `${id}`);
    }
  }
}

function idOrNone(id: number | undefined): TokenId | undefined {
  return id === 0xffffffff ? undefined : id;
}

function kindOf(fields: GgufTokenizerFields, id: number): PieceKind {
  const piece = fields.tokens[id] as string;
  if (fields.tokenTypes) {
    const kind = kindsByType[fields.tokenTypes[id] as number] ?? 'normal';
    return kind === 'byte' && byteOfPiece(piece) === undefined ? 'normal' : kind;
  }
  if (id === fields.unknownId) return 'unknown';
  if (id === fields.bosId || id === fields.eosId) return 'control';
  return fields.model === 'llama' && byteOfPiece(piece) !== undefined ? 'byte' : 'normal';
}

function sentencePiece(fields: GgufTokenizerFields, path: string): Tokenizer {
  if (!fields.scores) {
    throw errors.CONFIG_INVALID({
      path,
      field: 'tokenizer.ggml.scores',
      expected: 'a score for each token',
      found: 'none',
    });
  }
  const scores = Float32Array.from(fields.scores);
  const kinds = fields.tokens.map((_, id) => kindOf(fields, id));
  const tooLong = fields.tokens.findIndex(
    (piece, id) => piece.length > MAX_SCORED_PIECE && kinds[id] === 'normal',
  );
  if (tooLong >= 0) {
    throw errors.CONFIG_INVALID({
      path,
      field: `tokenizer.ggml.tokens[${tooLong}]`,
      expected: `at most ${MAX_SCORED_PIECE} characters`,
      found: `${fields.tokens[tooLong]?.length}`,
    });
  }
  const unknown = idOrNone(fields.unknownId) ?? kinds.indexOf('unknown');
  const charsMap = Uint8Array.from(fields.charsMap ?? []);
  return new SentencePieceTokenizer({
    ...pieceModelDefaults,
    pieces: fields.tokens,
    scores: scores.map((score) => (Number.isNaN(score) ? 0 : score)),
    kinds,
    bos: idOrNone(fields.bosId),
    eos: idOrNone(fields.eosId),
    pad: idOrNone(fields.padId),
    unknown: unknown < 0 ? undefined : unknown,
    addsBos: fields.addBos ?? true,
    dummySpace: (fields.addSpacePrefix ?? true) ? 'every' : 'none',
    removeExtraSpaces: fields.removeExtraSpaces ?? false,
    ...(charsMap.length > 0 && { charsMap, normalize: readCharsMap(charsMap, { path, base: 0 }) }),
  });
}

function byteLevel(fields: GgufTokenizerFields, path: string): Tokenizer {
  const pre = preTokenizerFor(fields.pre ?? 'default', path);
  if (!fields.merges) {
    throw errors.CONFIG_INVALID({
      path,
      field: 'tokenizer.ggml.merges',
      expected: 'the list of merges',
      found: 'none',
    });
  }
  const vocab: [string, number][] = [];
  const added: { id: number; content: string; special: boolean; normalized: boolean }[] = [];
  for (const [id, piece] of fields.tokens.entries()) {
    const kind = kindOf(fields, id);
    if (kind === 'control' || kind === 'added' || kind === 'unknown') {
      added.push({ id, content: piece, special: kind !== 'added', normalized: false });
    } else vocab.push([piece, id]);
  }
  const content = (id: number | undefined): string | undefined => {
    const known = idOrNone(id);
    return known === undefined ? undefined : fields.tokens[known];
  };
  return tokenizerFromJson({
    path,
    tokenizerJson: {
      added_tokens: added,
      normalizer: null,
      pre_tokenizer: pre.config,
      post_processor: null,
      decoder: { type: 'ByteLevel' },
      model: {
        type: 'BPE',
        vocab: Object.fromEntries(vocab),
        merges: fields.merges,
        ignore_merges: pre.ignoresMerges,
      },
    },
    tokenizerConfig: {
      bos_token: content(fields.bosId),
      eos_token: content(fields.eosId),
      unk_token: content(fields.unknownId),
      pad_token: content(fields.padId),
      add_bos_token: fields.addBos ?? pre.addsBos,
    },
  });
}
