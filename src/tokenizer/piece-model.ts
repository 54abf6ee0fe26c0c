// What a SentencePiece-kind tokenizer knows, whichever file it came from: pieces, scores, kinds and
// how text is prepared. Plain data; sentencepiece-tokenizer.ts works with it.
import type { TokenId } from './tokenizer.ts';

/** `unused` pieces take part in merging and are taken apart again. */
export type PieceKind = 'normal' | 'unknown' | 'control' | 'added' | 'byte' | 'unused';

/** Turns a text into its normal form before anything else. */
export type Normalize = (text: string) => string;

/** How an added or control string eats the spaces beside it (Hugging Face's lstrip and rstrip). */
export interface SpaceEating {
  readonly before: boolean;
  readonly after: boolean;
}

/** Everything a SentencePiece-kind tokenizer needs. Pieces write a space as U+2581. */
export interface PieceModel {
  readonly pieces: readonly string[];
  readonly scores: Float32Array;
  readonly kinds: readonly PieceKind[];
  readonly bos: TokenId | undefined;
  readonly eos: TokenId | undefined;
  readonly unknown: TokenId | undefined;
  readonly pad: TokenId | undefined;
  readonly addsBos: boolean;
  /**
   * Where the dummy space goes: before every string (also after each control token, as Llama wants),
   * before the text and after BOS only, or nowhere.
   */
  readonly dummySpace: 'every' | 'first' | 'none';
  readonly removeExtraSpaces: boolean;
  /** Spaces are U+2581 in pieces. False only in models trained without it. */
  readonly escapeSpaces: boolean;
  /** What an unknown token is decoded to. */
  readonly unknownSurface: string;
  readonly normalize: Normalize | undefined;
  /** SentencePiece's compiled form of `normalize`: what is written where the tokenizer is written. */
  readonly charsMap: Uint8Array | undefined;
  /** Merges in order, when the file lists them instead of scores: pairs of piece strings. */
  readonly merges: readonly (readonly [string, string])[] | undefined;
  /** By id, for the few that eat spaces. */
  readonly spaceEating: ReadonlyMap<TokenId, SpaceEating>;
}

type Defaulted =
  | 'pad'
  | 'addsBos'
  | 'dummySpace'
  | 'removeExtraSpaces'
  | 'escapeSpaces'
  | 'unknownSurface'
  | 'normalize'
  | 'charsMap'
  | 'merges'
  | 'spaceEating';

/** What most files leave as it is. */
export const pieceModelDefaults: Pick<PieceModel, Defaulted> = {
  pad: undefined,
  addsBos: true,
  dummySpace: 'every',
  removeExtraSpaces: false,
  escapeSpaces: true,
  unknownSurface: ' \u2047 ',
  normalize: undefined,
  charsMap: undefined,
  merges: undefined,
  spaceEating: new Map(),
};

/**
 * Longest piece that takes part in scored merging, in UTF-16 units. SentencePiece's own default is 16;
 * looking up every cut of a piece takes the square of its length, so a damaged file could hang us.
 */
export const MAX_SCORED_PIECE: number = 256;

/** The byte of a byte-fallback piece such as `<0x0A>`; undefined for any other. */
export function byteOfPiece(piece: string): number | undefined {
  const match = /^<0x([0-9A-Fa-f]{2})>$/.exec(piece);
  return match ? Number.parseInt(match[1] as string, 16) : undefined;
}

/**
 * Does an added string look like markup, such as `<|end|>` or `[INST]`? Such strings steer a model, so
 * they count as control strings even where a file calls them ordinary added tokens.
 */
export function looksLikeMarkup(piece: string): boolean {
  const bare = piece.replaceAll('\u2581', '').trim();
  return /^<.+>$/su.test(bare) || /^\[.+\]$/su.test(bare) || /^\u{ff5c}.+\u{ff5c}$/u.test(bare);
}
