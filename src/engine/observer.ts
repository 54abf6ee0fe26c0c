// What an engine tells of its work while it works: what metrics are made of. Seconds come from the
// engine's clock. An observer must be quick and must not throw: the next step waits for it.
import type { FinishReason } from './generate-job.ts';
import type { Priority } from './request-scope.ts';

/** What was asked for. */
export type RequestKind = 'generate' | 'score' | 'choices' | 'embed';

/** One step of the model. */
export interface StepReport {
  /** Tokens that went through the model. */
  readonly rows: number;
  /** Those of them that belong to prompts, or are computed again after a preemption. */
  readonly promptRows: number;
  /** The newest tokens of running answers, one each. */
  readonly decodeRows: number;
  /** Guesses of what follows them. */
  readonly draftRows: number;
  readonly sequences: number;
  readonly seconds: number;
}

/** How long a request took, and what guessing had part in it. */
export interface RequestTimings {
  /** From the call to its first step. */
  readonly queueSeconds: number;
  /** From the call to the first token; undefined where none came. */
  readonly firstTokenSeconds: number | undefined;
  /** From the call to the end. */
  readonly totalSeconds: number;
  /** Tokens that were guessed and computed before they were chosen. */
  readonly draftedTokens: number;
  /** Those of them that were chosen: each came without a step of its own. */
  readonly acceptedTokens: number;
}

/** A request that ended. */
export interface RequestReport extends RequestTimings {
  readonly kind: RequestKind;
  /** Its part of the engine's time: of each finished step, the share that its rows had among all rows. */
  readonly engineSeconds: number;
  readonly priority: Priority;
  readonly promptTokens: number;
  /** Tokens of the prompt that were not computed, since their keys and values were in the cache. */
  readonly cachedTokens: number;
  readonly completionTokens: number;
  readonly finishReason: FinishReason | 'error';
}

/** Who is told. */
export interface EngineObserver {
  readonly onStep?: (step: StepReport) => void;
  /** Seconds from the call to its first token. */
  readonly onFirstToken?: (seconds: number) => void;
  /** Seconds between two tokens of one answer. */
  readonly onInterToken?: (seconds: number) => void;
  readonly onEnd?: (request: RequestReport) => void;
}
