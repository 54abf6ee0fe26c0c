// A task: items with the requests they need, how their answers are scored, and how scores become
// numbers with error bars. Made from YAML by load-task.ts; the runner knows only this.
import type { ModelRequest, ModelResponse } from './request.ts';

/** A document of a data set: one row, as the source has it. */
export type Doc = Readonly<Record<string, unknown>>;

/** One question of a task. */
export interface TaskItem {
  readonly docId: number;
  readonly doc: Doc;
  /** What the right answer is, as text or as the index of a choice. */
  readonly target: string | number | readonly string[];
  /** Choices in order, for multiple choice. */
  readonly choices?: readonly string[];
  readonly requests: readonly ModelRequest[];
}

/** A number, or the parts that an aggregation needs: numerator and denominator of a weighted one. */
export type ItemValue = number | readonly [number, number];

/** What an item's answers came to. */
export interface ItemScore {
  /** By `metric,filter`, such as `acc,none` or `exact_match,strict-match`. */
  readonly values: Readonly<Record<string, ItemValue>>;
  /** The answers after each filter, by filter name. */
  readonly filtered: Readonly<Record<string, readonly unknown[]>>;
}

/** One metric of a task with its error bar. */
export interface MetricValue {
  readonly value: number;
  /** Absent where no standard error exists (weighted perplexities). */
  readonly stderr?: number;
  readonly higherIsBetter: boolean;
}

/** Runs programs that models wrote; see code-runner.ts. Absent unless the user allowed it. */
export interface CodeRunner {
  run(program: {
    readonly language: 'python' | 'javascript' | 'typescript';
    readonly source: string;
    readonly timeoutMs?: number;
    readonly signal?: AbortSignal;
  }): Promise<CodeOutcome>;
}

/** How a program ended. `passed`: exit status 0 in time. */
export interface CodeOutcome {
  readonly result: 'passed' | 'failed' | 'timed out' | 'out of memory' | 'too much output';
  /** The end of what it wrote to stderr, or the signal that ended it. */
  readonly detail: string;
  readonly durationMs: number;
}

/** What scoring may need beside the answers. */
export interface ScoringTools {
  readonly codeRunner?: CodeRunner;
}

/** A benchmark task ready to run. */
export interface Task {
  readonly name: string;
  /** What tables show. */
  readonly alias: string;
  readonly version: number | string;
  /** The whole of the YAML after inheritance; written into the results, hashed into the cache key. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly shots: number;
  /** Does scoring run programs that the model wrote? */
  readonly runsCode: boolean;
  /** Why numbers of this task are not comparable with published ones; undefined where they are. */
  readonly notComparable?: string;
  /** Documents in the split before `--limit`. */
  readonly originalCount: number;
  readonly items: readonly TaskItem[];
  score(
    item: TaskItem,
    responses: readonly ModelResponse[],
    tools: ScoringTools,
  ): Promise<ItemScore>;
  /** By `metric,filter`, over all items' scores in order. Bootstraps take seconds: rejects with ABORTED by the signal. */
  aggregate(
    scores: readonly ItemScore[],
    options?: { readonly signal?: AbortSignal | undefined },
  ): Promise<Readonly<Record<string, MetricValue>>>;
}

/** Tasks reported together, such as mmlu over its 57 subjects. */
export interface TaskGroup {
  readonly name: string;
  readonly alias: string;
  /** Names of tasks and of groups inside. */
  readonly members: readonly string[];
  readonly metrics: readonly {
    readonly metric: string;
    readonly filters: readonly string[];
    readonly weightBySize: boolean;
  }[];
  readonly version: number | string;
}
