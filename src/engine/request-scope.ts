// What every request to an engine has, whatever it asks for: tokens, and a scope.
import { errors } from '../base/errors.ts';
import type { TokenId } from '../tokenizer/tokenizer.ts';

/** What any request may say about its place in the engine. */
export interface RequestScope {
  /** Requests with different salts never share what was computed: how long one takes tells others nothing. */
  readonly cacheSalt?: string;
  readonly signal?: AbortSignal;
}

/** Refuses what are no tokens of this vocabulary. Throws OPTION_INVALID or TOKEN_UNKNOWN. */
export function checkTokens(tokens: readonly TokenId[], vocab: number): void {
  if (!(Array.isArray(tokens) && tokens.length > 0)) {
    throw errors.OPTION_INVALID({
      option: 'prompt',
      found: Array.isArray(tokens) ? 'empty' : typeof tokens,
      allowed: 'at least one token id, usually BOS',
    });
  }
  for (const id of tokens) {
    if (!(Number.isInteger(id) && id >= 0 && id < vocab)) {
      throw errors.TOKEN_UNKNOWN({ id, size: vocab });
    }
  }
}
