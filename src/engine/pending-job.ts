// What jobs with one result have in common: a promise, which their rows resolve.
import { errors } from '../base/errors.ts';
import type { Job, JobPlace } from './job.ts';
import type { RowWish, StepResult } from './step.ts';

/** How likely tokens are. */
export interface Score {
  /** Natural log-probability of each scored token given all before it. */
  readonly logprobs: number[];
  /** Was each scored token the likeliest? */
  readonly greedy: boolean[];
  /** Tokens that were not computed, since their keys and values were in the cache. */
  readonly cachedTokens: number;
}

/** A job whose caller awaits one result. */
export abstract class PendingJob<Result> implements Job {
  readonly place: JobPlace;
  readonly #pending = Promise.withResolvers<Result>();

  constructor(place: JobPlace) {
    this.place = place;
  }

  /** Rejects with ABORTED, or with what went wrong. */
  get result(): Promise<Result> {
    return this.#pending.promise;
  }

  abstract wish(position: number): RowWish;
  abstract accept(result: StepResult, row: number, position: number): Promise<boolean>;

  /** Gives the caller the result; the job is done. */
  protected finish(result: Result): true {
    this.place.timer.end('stop', this.place.sequence.reused);
    this.#pending.resolve(result);
    return true;
  }

  abort(): void {
    this.place.timer.end('abort', this.place.sequence.reused);
    this.#pending.reject(errors.ABORTED({ what: 'The request' }));
  }

  fail(error: unknown): void {
    this.place.timer.end('error', this.place.sequence.reused);
    this.#pending.reject(error);
  }
}
