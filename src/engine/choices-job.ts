// Log-probabilities of several tokens after one context: one output row answers for all of them.
import { errors } from '../base/errors.ts';
import { present } from '../base/invariant.ts';
import type { TokenId } from '../tokenizer/tokenizer.ts';
import { noAdjustments } from './adjustments.ts';
import type { Job } from './job.ts';
import { PendingScore, type Score } from './pending-score.ts';
import type { Sequence } from './sequence.ts';
import type { RowWish, StepResult } from './step.ts';

const wishes = new Set(['choices'] as const);

/** Scores each of `choices` as the token after the sequence. */
export class ChoicesJob implements Job {
  readonly sequence: Sequence;
  readonly frequencies: Float32Array;
  readonly signal: AbortSignal | undefined;
  readonly #choices: readonly TokenId[];
  readonly #pending = new PendingScore();

  constructor(options: {
    readonly sequence: Sequence;
    readonly choices: readonly TokenId[];
    readonly frequencies: Float32Array;
    readonly signal: AbortSignal | undefined;
  }) {
    this.sequence = options.sequence;
    this.frequencies = options.frequencies;
    this.signal = options.signal;
    this.#choices = options.choices;
  }

  get result(): Promise<Score> {
    return this.#pending.promise;
  }

  wish(): RowWish {
    return { wishes, temperature: 1, adjustments: noAdjustments, target: 0 };
  }

  async accept(result: StepResult, row: number, position: number): Promise<boolean> {
    const mass = present(result.row('mass', row)[0], 'mass');
    if (!Number.isFinite(mass)) throw errors.LOGITS_INVALID({ position });
    const likeliest = result.row('top.ids', row)[0];
    const logits = await result.logits(row);
    this.#pending.resolve({
      logprobs: this.#choices.map((id) => present(logits[id], 'logit') - mass),
      greedy: this.#choices.map((id) => id === likeliest),
      cachedTokens: this.sequence.reused,
    });
    return true;
  }

  abort(): void {
    this.#pending.abort();
  }

  fail(error: unknown): void {
    this.#pending.reject(error);
  }
}
