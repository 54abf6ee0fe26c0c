// What every request to an engine has, whatever it asks for: tokens, and a scope.
import { errors } from '../base/errors.ts';
import type { TokenId } from '../tokenizer/tokenizer.ts';
import type { RequestReport } from './observer.ts';

/** Who is served first when not all can be. */
export const priorities = ['interactive', 'batch'] as const;

/** `interactive`: somebody waits. `batch`: served when nobody does, but never left for ever. */
export type Priority = (typeof priorities)[number];

/** What any request may say about its place in the engine. */
export interface RequestScope {
  /** Requests with different salts never share what was computed: how long one takes tells others nothing. */
  readonly cacheSalt?: string;
  /** Name of an adapter that was loaded into the engine. Default: the weights as they are. */
  readonly adapter?: string;
  /** Default `interactive`. */
  readonly priority?: Priority;
  /** Whose request it is: tenants get equal shares of the engine, however much each asks. Default: all are one. */
  readonly tenant?: string;
  /** A deadline is a signal, too: `AbortSignal.timeout(ms)`. Pages are free again at the next step. */
  readonly signal?: AbortSignal;
  /** Told once when the request ends, however it ends. Must be quick and must not throw. */
  readonly onEnd?: (report: RequestReport) => void;
}

/** Refuses a scope that makes no sense. Throws OPTION_INVALID. */
export function checkScope({ priority }: RequestScope): void {
  if (priority !== undefined && !priorities.includes(priority)) {
    throw errors.OPTION_INVALID({
      option: 'priority',
      found: String(priority),
      allowed: priorities.join(', '),
    });
  }
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
