// Log-probabilities of a given text: every row asks for the logit of the token that follows it.
import { errors } from '../base/errors.ts';
import { present } from '../base/invariant.ts';
import type { TokenId } from '../tokenizer/tokenizer.ts';
import { noAdjustments } from './adjustments.ts';
import type { JobPlace } from './job.ts';
import { PendingJob, type Score } from './pending-job.ts';
import type { RowWish, StepResult } from './step.ts';

const wishes = new Set(['score'] as const);

/** Scores the token after the sequence's first output and all after it. */
export class ScoreJob extends PendingJob<Score> {
  readonly #tokens: readonly TokenId[];
  readonly #from: number;
  readonly #logprobs: number[] = [];
  readonly #greedy: boolean[] = [];

  /** `tokens` has one more than the sequence: the last is scored and not computed. */
  constructor(place: JobPlace, tokens: readonly TokenId[]) {
    super(place);
    this.#tokens = tokens;
    this.#from = place.sequence.outputsFrom + 1;
  }

  wish(position: number): RowWish {
    const target = present(this.#tokens[position + 1], 'target');
    return { wishes, temperature: 1, adjustments: noAdjustments, target };
  }

  async accept(result: StepResult, row: number, position: number): Promise<boolean> {
    const index = position + 1 - this.#from;
    const [picked, mass] = [result.row('picked', row)[0], result.row('mass', row)[0]];
    if (!Number.isFinite(mass)) throw errors.LOGITS_INVALID({ position });
    this.#logprobs[index] = present(picked, 'logit') - present(mass, 'mass');
    this.#greedy[index] = result.row('top.ids', row)[0] === this.#tokens[position + 1];
    if (position + 2 < this.#tokens.length) return false;
    const [logprobs, greedy] = [this.#logprobs, this.#greedy];
    return this.finish({ logprobs, greedy, cachedTokens: this.place.sequence.reused });
  }
}
