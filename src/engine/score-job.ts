// Log-probabilities of a given text: every row asks for the logit of the token that follows it.
import { errors } from '../base/errors.ts';
import { present } from '../base/invariant.ts';
import type { TokenId } from '../tokenizer/tokenizer.ts';
import { noAdjustments } from './adjustments.ts';
import type { Job } from './job.ts';
import { PendingScore, type Score } from './pending-score.ts';
import type { Sequence } from './sequence.ts';
import type { RowWish, StepResult } from './step.ts';

/** Scores tokens[from] and all after it. */
export class ScoreJob implements Job {
  readonly sequence: Sequence;
  readonly frequencies: Float32Array;
  readonly signal: AbortSignal | undefined;
  readonly #tokens: readonly TokenId[];
  readonly #from: number;
  readonly #logprobs: number[] = [];
  readonly #greedy: boolean[] = [];
  readonly #pending = new PendingScore();

  constructor(options: {
    readonly sequence: Sequence;
    readonly tokens: readonly TokenId[];
    readonly frequencies: Float32Array;
    readonly signal: AbortSignal | undefined;
  }) {
    this.sequence = options.sequence;
    this.frequencies = options.frequencies;
    this.signal = options.signal;
    this.#tokens = options.tokens;
    this.#from = options.sequence.outputsFrom + 1;
  }

  get result(): Promise<Score> {
    return this.#pending.promise;
  }

  wish(position: number): RowWish {
    const target = present(this.#tokens[position + 1], 'target');
    return { wishes: new Set(['score']), temperature: 1, adjustments: noAdjustments, target };
  }

  async accept(result: StepResult, row: number, position: number): Promise<boolean> {
    const index = position + 1 - this.#from;
    const [picked, mass] = [result.row('picked', row)[0], result.row('mass', row)[0]];
    if (!Number.isFinite(mass)) throw errors.LOGITS_INVALID({ position });
    this.#logprobs[index] = present(picked, 'logit') - present(mass, 'mass');
    this.#greedy[index] = result.row('top.ids', row)[0] === this.#tokens[position + 1];
    const done = position + 2 === this.#tokens.length;
    if (done) {
      const [logprobs, greedy] = [this.#logprobs, this.#greedy];
      this.#pending.resolve({ logprobs, greedy, cachedTokens: this.sequence.reused });
    }
    return done;
  }

  abort(): void {
    this.#pending.abort();
  }

  fail(error: unknown): void {
    this.#pending.reject(error);
  }
}
