// What every tokenizer can do, whichever file it came from.

/** Id of a token, 0 to size - 1. */
export type TokenId = number & { readonly __brand?: 'TokenId' };

/** How `encode` treats a text. */
export interface EncodeOptions {
  /** Put the beginning-of-sequence token first. Default false. */
  readonly bos?: boolean;
  /** Put the end-of-sequence token last. Default false. */
  readonly eos?: boolean;
  /**
   * `plain` (default): control strings such as `</s>` in the text are ordinary characters, so no text
   * can become a control token. `parse`: they become their tokens; only for templates, never for users' text.
   */
  readonly control?: 'plain' | 'parse';
  /**
   * `text` (default): a text of its own, so SentencePiece puts its dummy space before it.
   * `continuation`: what follows other text, without a dummy space.
   */
  readonly start?: 'text' | 'continuation';
}

/**
 * A stretch of a text between control strings, or the control token of such a string. `at` is where
 * it begins in the whole text, in UTF-16 units.
 */
export type Segment =
  | { readonly at: number; readonly control: TokenId }
  | { readonly at: number; readonly text: string; readonly start: 'text' | 'continuation' };

/** How `decode` treats control tokens: left out (default) or written as their strings. */
export interface DecodeOptions {
  readonly control?: 'skip' | 'show';
}

/** Turns ids into text one at a time and never emits half a character. */
export interface Detokenizer {
  /** Text that became complete with this id; may be empty. */
  push(id: TokenId): string;
  /** What was held back (incomplete UTF-8 becomes U+FFFD). */
  flush(): string;
}

/** Kind of a token; `byte` is a SentencePiece byte-fallback piece. */
export type TokenKind = 'normal' | 'control' | 'unknown' | 'byte' | 'added';

/** Text ↔ ids. Immutable; free to share. */
export interface Tokenizer {
  readonly kind: 'sentencepiece' | 'huggingface';
  /** Number of ids. */
  readonly size: number;
  readonly bos: TokenId | undefined;
  readonly eos: TokenId | undefined;
  readonly unknown: TokenId | undefined;
  readonly pad: TokenId | undefined;
  /** Does the model expect `bos` before a text (most Llamas do)? */
  readonly addsBos: boolean;
  /** The strings that become control tokens under `control: 'parse'` and never otherwise. */
  readonly controls: ReadonlyMap<string, TokenId>;
  encode(text: string, options?: EncodeOptions): TokenId[];
  /** Cuts a text at its control strings, as `control: 'parse'` does; each stretch is then encoded by itself. */
  segments(text: string): Segment[];
  /** Inverse of encode for a whole sequence: takes off the dummy space that encode put before the text. */
  decode(ids: readonly TokenId[], options?: DecodeOptions): string;
  /** The piece as the vocabulary writes it, such as `▁the` or `<0x0A>`. Throws TOKEN_UNKNOWN. */
  piece(id: TokenId): string;
  /** SentencePiece score (negative rank) or 0. */
  score(id: TokenId): number;
  kindOf(id: TokenId): TokenKind;
  /** The id of a piece exactly as the vocabulary writes it, if it has one. */
  idOf(piece: string): TokenId | undefined;
  /**
   * A detokenizer for ids that come one at a time. `start: 'text'` (default) takes off the leading
   * dummy space as decode does; `'continuation'` keeps it, for text that follows other text.
   */
  detokenizer(options?: DecodeOptions & { readonly start?: 'text' | 'continuation' }): Detokenizer;
}
