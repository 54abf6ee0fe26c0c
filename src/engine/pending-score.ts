// A score that is being computed: what its job resolves and its caller awaits.
import { errors } from '../base/errors.ts';

/** How likely tokens are. */
export interface Score {
  /** Natural log-probability of each scored token given all before it. */
  readonly logprobs: number[];
  /** Was each scored token the likeliest? */
  readonly greedy: boolean[];
  /** Tokens that were not computed, since their keys and values were in the cache. */
  readonly cachedTokens: number;
}

/** A promise of a score with its two ends. */
export class PendingScore {
  readonly promise: Promise<Score>;
  resolve: (score: Score) => void = () => {};
  reject: (error: unknown) => void = () => {};

  constructor() {
    this.promise = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
  }

  abort(): void {
    this.reject(errors.ABORTED({ what: 'Scoring' }));
  }
}
