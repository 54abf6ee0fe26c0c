// Scores a file of samples in human-eval's own format (Chen et al. 2021; openai/human-eval): many samples
// per problem, whoever made them, and pass@k over the problems.
import { concurrently } from '../base/concurrently.ts';
import { passAtK } from './scoring/pass-at-k.ts';
import type { CodeOutcome, CodeRunner } from './task.ts';

/** A problem as HumanEval.jsonl has it. */
export interface HumanEvalProblem {
  readonly task_id: string;
  readonly prompt: string;
  readonly test: string;
  readonly entry_point: string;
}

/** One completion of a problem's prompt. */
export interface HumanEvalSample {
  readonly task_id: string;
  readonly completion: string;
}

/** What samples came to. */
export interface HumanEvalScore {
  /** By `pass@k`, for each k that every problem has samples enough for. */
  readonly passAtK: Readonly<Record<string, number>>;
  /** One per sample, in order. */
  readonly outcomes: readonly CodeOutcome[];
}

// human-eval's own defaults
const usualKs = [1, 10, 100];
const usualTimeoutMs = 3000;
const atOnce = 4;

/**
 * Runs every sample with its problem's tests. Samples of problems that are not given are an error of the
 * caller. Only the runner protects from what the programs do.
 * @example const { passAtK } = await scoreHumanEvalSamples(samples, { problems, codeRunner });
 */
export async function scoreHumanEvalSamples(
  samples: readonly HumanEvalSample[],
  options: {
    readonly problems: readonly HumanEvalProblem[];
    readonly codeRunner: CodeRunner;
    readonly ks?: readonly number[];
    readonly timeoutMs?: number;
  },
): Promise<HumanEvalScore> {
  const { codeRunner, ks = usualKs, timeoutMs = usualTimeoutMs } = options;
  const problems = new Map(options.problems.map((problem) => [problem.task_id, problem]));
  const outcomes: CodeOutcome[] = [];
  await concurrently({ count: samples.length, limit: atOnce }, async (index) => {
    const { task_id, completion } = samples[index] as HumanEvalSample;
    const problem = problems.get(task_id);
    if (problem === undefined) throw new RangeError(`no problem ${task_id}`);
    const { prompt, test, entry_point } = problem;
    const source = `${prompt}${completion}\n${test}\ncheck(${entry_point})`;
    outcomes[index] = await codeRunner.run({ language: 'python', source, timeoutMs });
  });
  const counts = new Map<string, { samples: number; correct: number }>();
  for (const [index, { task_id }] of samples.entries()) {
    const count = counts.get(task_id) ?? { samples: 0, correct: 0 };
    count.samples += 1;
    if (outcomes[index]?.result === 'passed') count.correct += 1;
    counts.set(task_id, count);
  }
  const each = Array.from(counts.values());
  const enough = ks.filter((k) => each.length > 0 && each.every((count) => count.samples >= k));
  const scores = enough.map((k) => {
    const sum = each.reduce((total, count) => total + passAtK({ ...count, k }), 0);
    return [`pass@${k}`, sum / each.length] as const;
  });
  return { passAtK: Object.fromEntries(scores), outcomes };
}
