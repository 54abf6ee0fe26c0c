// The public door `corral/engine`.
export type { AdapterRoom, LowRankUpdate } from './adapter-slots.ts';
export { type CacheType, cacheBytesPerToken, cacheTypes } from './cache.ts';
export type { Constraint, ConstraintWalk } from './constraint.ts';
export { type ConstraintSource, compileConstraint } from './constraints/compile.ts';
export type { Drafter } from './draft-model.ts';
export { type EmbedOptions, type Pooling, poolings } from './embed-job.ts';
export { Engine } from './engine.ts';
export type { EngineOptions, EngineStats } from './engine-options.ts';
export type {
  FinishReason,
  GenerationEvent,
  PromptEnd,
  RequestEnd,
  TokenDelta,
} from './generate-job.ts';
export type { GenerateRequest } from './generate-request.ts';
export type {
  EngineObserver,
  RequestKind,
  RequestReport,
  RequestTimings,
  StepReport,
} from './observer.ts';
export type { PageStore } from './page-archive.ts';
export type { Score } from './pending-job.ts';
export { measurePerplexity, type Perplexity, type PerplexityRequest } from './perplexity.ts';
export { type Priority, priorities, type RequestScope } from './request-scope.ts';
export type { SamplingOptions, SamplingRequest } from './sampling-options.ts';
export { type Speculate, speculateKinds } from './speculation.ts';
export type { TokenLogprob, TokenWithAlternatives } from './token-logprobs.ts';
