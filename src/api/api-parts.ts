// What routes are built from.

import type { AnswerCounter } from './answer-counter.ts';
import type { UsageDay, UsageQuery } from './keys/usage-store.ts';
import type { ModelPool } from './model-pool.ts';
import type { Caller } from './request-context.ts';
import type { ApiSettings } from './settings.ts';

/** A logger that takes fields beside its message, as pino does. Requests' texts are never among them. */
export interface ApiLogger {
  info(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** What an API is made of. */
export interface ApiParts {
  readonly models: ModelPool;
  readonly settings: ApiSettings;
  readonly logger: ApiLogger;
  /** Of Corral, such as `0.1.0`. */
  readonly version: string;
  /** Who asks. Throws what the caller should be told: no key, too many requests. Default: everybody may. */
  readonly authenticate: (request: Request) => Caller | Promise<Caller>;
  /** Counts the answers under way, and is told of each when it has ended. */
  readonly answers: AnswerCounter;
  /** What answers used, by day, key and model; undefined where nobody keeps it. */
  readonly readUsage: ((query: UsageQuery) => Promise<readonly UsageDay[]>) | undefined;
  /** Fires when everything must end at once. */
  readonly stop: AbortSignal;
  /** Is the server going down? New requests are then refused. */
  readonly isDraining: () => boolean;
}
