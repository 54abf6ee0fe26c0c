// Single tokens as replies show them beside their log-probabilities.
import type { TokenDelta, TokenLogprob } from '../engine/index.ts';
import type { TokenId, Tokenizer } from '../tokenizer/index.ts';
import { tokenBytes } from '../tokenizer/token-bytes.ts';

/** A token's text within a longer text, and its bytes. */
export interface TokenText {
  readonly token: string;
  /** Null for tokens that are no text. */
  readonly bytes: readonly number[] | null;
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

type ReadBytes = ReturnType<typeof tokenBytes>;

const readers = new WeakMap<Tokenizer, ReadBytes>();

function readerOf(tokenizer: Tokenizer): ReadBytes {
  const reader = readers.get(tokenizer) ?? tokenBytes(tokenizer);
  readers.set(tokenizer, reader);
  return reader;
}

/** How a token reads; control tokens by their strings, part of a character as `bytes:\x…`, as OpenAI does. */
export function tokenText(tokenizer: Tokenizer, id: TokenId): TokenText {
  const bytes = readerOf(tokenizer)(id);
  if (bytes === undefined) return { token: controlOf(tokenizer, id), bytes: null };
  return { token: decode(bytes), bytes: [...bytes] };
}

// Embeddings are often padded beyond the vocabulary, and some vocabularies have ids that stand for nothing.
function controlOf(tokenizer: Tokenizer, id: TokenId): string {
  for (const [text, control] of tokenizer.controls) if (control === id) return text;
  return '';
}

function decode(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    const hex = Array.from(bytes, (byte) => `\\x${byte.toString(16).padStart(2, '0')}`);
    return `bytes:${hex.join('')}`;
  }
}

/** Log-probabilities of a token and its alternatives, as chat completions show them. */
export function chatLogprobs(tokenizer: Tokenizer): (delta: TokenDelta) => object {
  const entry = ({ id, logprob }: TokenLogprob): object => ({
    ...tokenText(tokenizer, id),
    logprob,
  });
  return ({ id, logprob = 0, topLogprobs = [] }) => ({
    ...entry({ id, logprob }),
    top_logprobs: topLogprobs.map(entry),
  });
}
