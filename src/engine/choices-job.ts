// Log-probabilities of several tokens after one context: one output row answers for all of them.
import { errors } from '../base/errors.ts';
import { present } from '../base/invariant.ts';
import type { TokenId } from '../tokenizer/tokenizer.ts';
import { noAdjustments } from './adjustments.ts';
import type { JobPlace } from './job.ts';
import { PendingJob, type Score } from './pending-job.ts';
import type { RowWish, StepResult } from './step.ts';

const wishes = new Set(['choices'] as const);

/** Scores each of `choices` as the token after the sequence. */
export class ChoicesJob extends PendingJob<Score> {
  readonly #choices: readonly TokenId[];

  constructor(place: JobPlace, choices: readonly TokenId[]) {
    super(place);
    this.#choices = choices;
  }

  wish(): RowWish {
    return { wishes, temperature: 1, adjustments: noAdjustments, target: 0 };
  }

  async accept(result: StepResult, row: number, position: number): Promise<boolean> {
    const mass = present(result.row('mass', row)[0], 'mass');
    if (!Number.isFinite(mass)) throw errors.LOGITS_INVALID({ position });
    const likeliest = result.row('top.ids', row)[0];
    const logits = await result.logits(row);
    return this.finish({
      logprobs: this.#choices.map((id) => present(logits[id], 'logit') - mass),
      greedy: this.#choices.map((id) => id === likeliest),
      cachedTokens: this.place.sequence.reused,
    });
  }
}
