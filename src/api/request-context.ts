// What every route knows of the request it answers: who asks, until when, and where its use is counted.
import type { HttpBindings } from '@hono/node-server';

/** Who asks, as `authenticate` found. */
export interface Caller {
  /** Id of the key; undefined for callers without one. */
  readonly key: string | undefined;
  /** Callers of different tenants never share what was computed. */
  readonly tenant: string | undefined;
  /** Models this caller may use; undefined for all. */
  readonly models: readonly string[] | undefined;
  /** What the caller may still ask for; undefined for anything. */
  readonly limits?: CallerLimits;
}

/** The limits of one caller, and what is left of them. */
export interface CallerLimits {
  /** Counts a request. Throws what the caller should be told when there have been too many. */
  admit(): void;
  /** Counts tokens, as soon as they are read or written; a negative number takes some back. */
  spend(tokens: number): void;
  /** How they stand, as headers of a reply. */
  headers(): Readonly<Record<string, string>>;
}

/** Somebody without a key. */
export const anonymous: Caller = { key: undefined, tenant: undefined, models: undefined };

/** What one answer used, told when it has ended, however it ended. */
export interface AnswerRecord {
  readonly requestId: string;
  readonly caller: Caller;
  readonly path: string;
  readonly model: string;
  readonly promptTokens: number;
  /** Of these, how many were not computed again. */
  readonly cachedTokens: number;
  readonly completionTokens: number;
  /** The engine's time for it: of each step, its share of the step's tokens. */
  readonly seconds: number;
  readonly outcome: 'whole' | 'aborted' | 'failed';
}

/** One request. */
export interface RequestContext {
  readonly id: string;
  readonly path: string;
  readonly caller: Caller;
  /** Fires when the client has gone, or the server ends at once. */
  readonly signal: AbortSignal;
  /** The longest time for an answer. */
  readonly answerTimeoutMs: number;
  /** Begins to count what an answer uses. Its meter must be ended or cancelled. */
  meter(): AnswerMeter;
}

/** Counts what one answer uses. */
export interface AnswerMeter {
  /** Tokens read or written, as soon as they are. */
  spend(tokens: number): void;
  /** There will be no answer after all: nothing was used. */
  cancel(): void;
  /** Takes down all that was used, once. Resolves when that is kept: the answer's end is told only then. */
  end(use: AnswerUse): Promise<void>;
}

/** What an answer used, as its route knows it. */
export type AnswerUse = Omit<AnswerRecord, 'requestId' | 'caller' | 'path'>;

/** Hono's view of it: `c.var.request`. */
export interface ApiEnv {
  Variables: { request: RequestContext };
  Bindings: Partial<HttpBindings>;
}
