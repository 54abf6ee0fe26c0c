// Single tokens as replies show them beside their log-probabilities.
import type { TokenDelta, TokenLogprob } from '../engine/index.ts';
import type { TokenId, Tokenizer } from '../tokenizer/index.ts';

/** A token's text within a longer text, and its bytes: none for a control token, which is no text. */
export interface TokenText {
  readonly token: string;
  readonly bytes: readonly number[] | null;
}

const byteFallback = /^<0x([0-9A-F]{2})>$/;

/** How a token reads; control tokens by their strings, part of a character as `bytes:\x…`, as OpenAI does. */
export function tokenText(tokenizer: Tokenizer, id: TokenId): TokenText {
  // Embeddings are often padded beyond the vocabulary.
  if (id >= tokenizer.size) return { token: '', bytes: [] };
  const hex = tokenizer.kindOf(id) === 'byte' ? byteFallback.exec(tokenizer.piece(id)) : null;
  if (hex !== null) {
    const byte = Number.parseInt(hex[1] as string, 16);
    const token = byte < 0x80 ? String.fromCharCode(byte) : `bytes:\\x${hex[1]?.toLowerCase()}`;
    return { token, bytes: [byte] };
  }
  const detokenizer = tokenizer.detokenizer({ control: 'show', start: 'continuation' });
  const token = detokenizer.push(id) + detokenizer.flush();
  if (tokenizer.kindOf(id) === 'control') return { token, bytes: null };
  return { token, bytes: [...Buffer.from(token)] };
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
