// The public door `corral/api`.
export type { ApiLogger } from './api-parts.ts';
export { type Api, type ApiOptions, createApi } from './create-api.ts';
export { createGate, type GateOptions } from './keys/gate.ts';
export { createKey, type Key, type KeyOptions, listKeys, revokeKey } from './keys/key-store.ts';
export { Ledger, type LedgerOptions } from './keys/ledger.ts';
export { openServerDatabase, serverDatabasePath } from './keys/server-database.ts';
export { readUsage, type UsageDay, type UsageQuery } from './keys/usage-store.ts';
export { type Listening, type ListenOptions, listen } from './listen.ts';
export { ServerMetrics } from './metrics.ts';
export {
  type ModelLease,
  ModelPool,
  type ModelPoolOptions,
  type ModelState,
} from './model-pool.ts';
export type { AnswerRecord, Caller, CallerLimits, RequestContext } from './request-context.ts';
export type { ModelSource, ServedModel } from './served-model.ts';
export { type ApiSettings, defaultSettings } from './settings.ts';
