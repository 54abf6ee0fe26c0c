// What an evaluation found: the numbers of each task and every item with its answers. What is written
// to disk, compared and shown is made from this.
import type { AnswerCost, ModelDescription } from './answerer.ts';
import type { ModelRequest, ModelResponse } from './request.ts';
import type { Doc, ItemScore, MetricValue, TaskGroup } from './task.ts';

/** One item of a task with the answers it got. */
export interface ItemResult {
  readonly docId: number;
  readonly doc: Doc;
  readonly target: string | number | readonly string[];
  readonly choices?: readonly string[];
  readonly requests: readonly ModelRequest[];
  readonly responses: readonly ModelResponse[];
  readonly score: ItemScore;
}

/** One task's numbers and items. */
export interface TaskResult {
  readonly name: string;
  readonly alias: string;
  readonly version: number | string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly shots: number;
  readonly notComparable?: string;
  readonly originalCount: number;
  readonly metrics: Readonly<Record<string, MetricValue>>;
  readonly items: readonly ItemResult[];
}

/** A group's numbers over its members. */
export interface GroupResult {
  readonly group: TaskGroup;
  readonly metrics: Readonly<Record<string, MetricValue>>;
}

/** What the process that finished a run did itself: all of it, or what a broken one had left. */
export interface Sitting {
  /** Different requests that it asked, and those whose answers were kept from before. */
  readonly answers: number;
  readonly kept: number;
  readonly computedTokens: number;
}

/** One run of some tasks on one model. */
export interface EvaluationResult {
  readonly model: ModelDescription;
  readonly tasks: readonly TaskResult[];
  readonly groups: readonly GroupResult[];
  readonly cost: AnswerCost;
  readonly sitting: Sitting;
  readonly settings: {
    readonly limit: number | null;
    readonly shots: number | null;
    readonly seed: number;
    readonly bootstrapIterations: number;
    readonly chatTemplate: boolean;
    /** Sent first in every conversation. */
    readonly systemPrompt?: string;
  };
  readonly corralVersion: string;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  readonly endedAt: number;
}
