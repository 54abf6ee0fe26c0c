// The public door `corral/api`.
export type { ApiLogger } from './api-parts.ts';
export { type Api, type ApiOptions, createApi } from './create-api.ts';
export { type Listening, type ListenOptions, listen } from './listen.ts';
export { ServerMetrics } from './metrics.ts';
export {
  type ModelLease,
  ModelPool,
  type ModelPoolOptions,
  type ModelState,
} from './model-pool.ts';
export type { AnswerRecord, Caller, RequestContext } from './request-context.ts';
export type { ModelSource, ServedModel } from './served-model.ts';
export { type ApiSettings, defaultSettings } from './settings.ts';
