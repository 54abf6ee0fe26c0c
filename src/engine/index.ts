// The public door `corral/engine`.
export { type CacheType, cacheBytesPerToken, cacheTypes } from './cache.ts';
export type { Constraint, ConstraintWalk } from './constraint.ts';
export { Engine } from './engine.ts';
export type { EngineOptions, EngineStats } from './engine-options.ts';
export type {
  FinishReason,
  GenerationEvent,
  RequestEnd,
  TokenDelta,
  TokenLogprob,
} from './generate-job.ts';
export type { GenerateRequest } from './generate-request.ts';
export type { Score } from './pending-score.ts';
export { measurePerplexity, type Perplexity, type PerplexityRequest } from './perplexity.ts';
export type { RequestScope } from './request-scope.ts';
export type { SamplingOptions, SamplingRequest } from './sampling-options.ts';
