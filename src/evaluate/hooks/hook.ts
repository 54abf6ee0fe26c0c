// The kinds of function a task file may name, by what they are given and what they make.
import type { CodeRunner, Doc, ItemValue } from '../task.ts';

/** Changes the documents of a split before anything else reads them. */
export type SplitHook = (docs: readonly Doc[]) => readonly Doc[];

/** Makes a field of a document. */
export type DocHook = (doc: Doc) => string | number | readonly string[];

/** Makes the examples of a task. */
export type SamplesHook = () => readonly Doc[];

/** One answer: text, or a log-probability and whether the continuation was the likeliest. */
export type Answer = string | readonly [logprob: number, greedy: boolean];

/** Scores an item: a value per metric. */
export type ResultsHook = (
  doc: Doc,
  answers: readonly unknown[],
) => Readonly<Record<string, ItemValue>>;

/** Changes the repeated answers to one item. */
export type FilterHook = (answers: readonly string[], doc: Doc) => readonly unknown[];

/** What a metric hook is given. */
export interface MetricInput {
  readonly doc: Doc;
  readonly target: string;
  readonly predictions: readonly string[];
  /** The entry's further keys, such as `k`. */
  readonly options: Readonly<Record<string, unknown>>;
  readonly codeRunner: CodeRunner | undefined;
}

/** A metric that needs more than the answer's text. */
export type MetricHook = (input: MetricInput) => Promise<Readonly<Record<string, number>>>;
