// How far a vocabulary compresses a text: bytes per token, and how much of it falls back to bytes.
import type { Tokenizer } from './tokenizer.ts';

/** What a text became. */
export interface Compression {
  /** UTF-8 bytes. */
  readonly bytes: number;
  readonly tokens: number;
  /** Higher is better; comparable between vocabularies on the same text only. */
  readonly bytesPerToken: number;
  /** Share of tokens that are single bytes of characters without a piece; newlines do not count. */
  readonly byteShare: number;
  /** Share of tokens that are the unknown token. */
  readonly unknownShare: number;
}

/** Adds up texts and their tokens. */
export class CompressionMeter {
  readonly #tokenizer: Tokenizer;
  readonly #newline: number | undefined;
  #bytes = 0;
  #tokens = 0;
  #byteTokens = 0;
  #unknown = 0;

  constructor(tokenizer: Tokenizer) {
    this.#tokenizer = tokenizer;
    this.#newline = tokenizer.idOf('<0x0A>');
  }

  /** Adds a text; `continuation` for the next stretch of the one before. */
  add(text: string, start: 'text' | 'continuation' = 'text'): void {
    const tokenizer = this.#tokenizer;
    const ids = tokenizer.encode(text, { start });
    this.#bytes += Buffer.byteLength(text);
    this.#tokens += ids.length;
    for (const id of ids) {
      if (id === tokenizer.unknown) this.#unknown += 1;
      else if (id !== this.#newline && tokenizer.kindOf(id) === 'byte') this.#byteTokens += 1;
    }
  }

  /** Adds what another one measured. */
  merge(other: CompressionMeter): void {
    this.#bytes += other.#bytes;
    this.#tokens += other.#tokens;
    this.#byteTokens += other.#byteTokens;
    this.#unknown += other.#unknown;
  }

  /** The sums so far. */
  result(): Compression {
    const share = (count: number): number => (this.#tokens === 0 ? 0 : count / this.#tokens);
    return {
      bytes: this.#bytes,
      tokens: this.#tokens,
      bytesPerToken: this.#tokens === 0 ? 0 : this.#bytes / this.#tokens,
      byteShare: share(this.#byteTokens),
      unknownShare: share(this.#unknown),
    };
  }
}
