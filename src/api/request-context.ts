// What every route knows of the request it answers: who asks, until when, and where its use is counted.
import type { HttpBindings } from '@hono/node-server';

/** Who asks, as `authenticate` found. */
export interface Caller {
  /** Name of the key; undefined for callers without one. */
  readonly key: string | undefined;
  /** Callers of different tenants never share what was computed. */
  readonly tenant: string | undefined;
  /** Models this caller may use; undefined for all. */
  readonly models: readonly string[] | undefined;
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
  /** From the request's start in the engine to its end. */
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
  /** Takes down an answer's use. */
  record(record: Omit<AnswerRecord, 'requestId' | 'caller' | 'path'>): void;
}

/** Hono's view of it: `c.var.request`. */
export interface ApiEnv {
  Variables: { request: RequestContext };
  Bindings: Partial<HttpBindings>;
}
