// What is measured of a model, apart from how: whoever only chooses loads nothing else.

/** What to measure. */
export interface InferencePlan {
  /** Rows of prompts. */
  readonly prefill: readonly number[];
  /** Answers at once, at a context of `batchContext`. */
  readonly batches: readonly number[];
  readonly batchContext: number;
  /** Tokens before the one that is computed, for one answer alone. */
  readonly contexts: readonly number[];
  /** How often each prompt is read. */
  readonly rounds: number;
  /** Steps of each kind that are timed. */
  readonly steps: number;
}

/** All that is worth knowing, and what is known in a fraction of the time. */
export const inferencePlans: Readonly<Record<'whole' | 'quick', InferencePlan>> = {
  whole: {
    prefill: [32, 128, 512],
    batches: [1, 2, 4, 8, 16],
    batchContext: 128,
    contexts: [1024, 4096],
    rounds: 3,
    steps: 8,
  },
  quick: {
    prefill: [32, 128],
    batches: [1, 8],
    batchContext: 128,
    contexts: [],
    rounds: 1,
    steps: 4,
  },
};

/** What of a plan a context has no room for, in words. */
export function describeLeftOut(plan: InferencePlan, context: number): string[] {
  const answers = [plan.batchContext, ...plan.contexts].filter((each) => each > context);
  return [
    ...plan.prefill.filter((rows) => rows >= context).map((rows) => `prefill ${rows}`),
    ...answers.map((each) => `decode at context ${each}`),
  ];
}
