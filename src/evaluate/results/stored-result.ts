// A result as reports and comparisons see it, whether it was just computed or read from files that
// Corral or lm-evaluation-harness wrote.
import type { AnswerCost } from '../answerer.ts';
import type { Sitting } from '../result.ts';
import type { ItemValue, MetricValue } from '../task.ts';

/** What a result says of its model; null where the files do not say it. */
export interface StoredModel {
  readonly name: string;
  readonly source: string | null;
  readonly location: string | null;
  readonly sha256: string | null;
  readonly quantisation: string | null;
  readonly parameters: number | null;
  readonly chatTemplateSha256: string | null;
  readonly bosPolicy: string | null;
  readonly maxLength: number | null;
  readonly device: string | null;
}

/** One item with its answers. */
export interface StoredItem {
  readonly docId: number;
  /** sha256 of the document, of the first request's context and of the target, as the harness makes them. */
  readonly docHash: string;
  readonly promptHash: string;
  readonly targetHash: string;
  readonly target: string;
  /** One context when all requests share it, else one per request. */
  readonly contexts: readonly string[];
  /** One per request of a log-likelihood task; else empty. */
  readonly continuations: readonly string[];
  /** One per request; empty for generation. */
  readonly logprobs: readonly number[];
  /** Was the continuation what greedy decoding writes? One per log-likelihood. */
  readonly greedy: readonly boolean[];
  /** What the model wrote, one per sample; empty for log-likelihoods. */
  readonly texts: readonly string[];
  /** Tokens cut off on the left over all requests; null where the files do not say it. */
  readonly cutTokens: number | null;
  /** By filter: the values by metric, and the answers it let through. */
  readonly filters: Readonly<Record<string, StoredScore>>;
}

/** An item's values under one filter. */
export interface StoredScore {
  readonly values: Readonly<Record<string, ItemValue>>;
  readonly filtered: readonly string[];
}

/** One task of a stored result. */
export interface StoredTask {
  readonly name: string;
  readonly alias: string;
  readonly version: string;
  readonly shots: number | null;
  /** Where the documents come from, such as `cais/mmlu · abstract_algebra · test`. */
  readonly data: string | null;
  readonly notComparable: string | null;
  readonly originalCount: number | null;
  readonly count: number | null;
  /** Items with a prompt that was cut on the left to fit the context; null where the files do not say it. */
  readonly cutCount: number | null;
  /** By `metric,filter`. */
  readonly metrics: Readonly<Record<string, MetricValue>>;
  /** sha256 over the hashes of all items; null where the files do not have it. */
  readonly hash: string | null;
  /** The items in order of docId; undefined where no samples were kept. */
  readItems(): Promise<readonly StoredItem[] | undefined>;
}

/** A group of a stored result. */
export interface StoredGroup {
  readonly name: string;
  readonly alias: string;
  readonly version: string;
  readonly shots: number | null;
  readonly metrics: Readonly<Record<string, MetricValue>>;
  /** Names of tasks and groups inside. */
  readonly members: readonly string[];
}

/** A task or a group in the order of tables, with its depth under its groups. */
export interface StoredRow {
  readonly name: string;
  readonly depth: number;
}

/** One run of some tasks on one model. */
export interface StoredResult {
  /** The file it was read from; null for a result that was just computed. */
  readonly path: string | null;
  readonly model: StoredModel;
  readonly tasks: readonly StoredTask[];
  readonly groups: readonly StoredGroup[];
  readonly rows: readonly StoredRow[];
  readonly cost: AnswerCost | null;
  readonly sitting: Sitting | null;
  readonly limit: number | null;
  readonly seed: number | null;
  readonly chatTemplate: boolean;
  /** Who computed it, such as `corral 0.1.0` or `lm-eval 0.4.9`. */
  readonly harness: string;
  /** Milliseconds since 1970; null where the file does not say it. */
  readonly startedAt: number | null;
  readonly seconds: number | null;
}

/** Task by name. */
export function findTask(result: StoredResult, name: string): StoredTask | undefined {
  return result.tasks.find((task) => task.name === name);
}
