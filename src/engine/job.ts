// What the engine works on: a sequence that wants outputs. Generation and scoring are two kinds.

import type { TokenId } from '../tokenizer/tokenizer.ts';
import type { ResidentAdapter } from './adapter-slots.ts';
import type { RequestTimer } from './request-timer.ts';
import type { Sequence } from './sequence.ts';
import type { Speculator } from './speculator.ts';
import type { RowWish, StepResult } from './step.ts';

/** A request's place in the engine: its rows, what they are rotated by, and who may end it. */
export interface JobPlace {
  readonly sequence: Sequence;
  /** Rotary angles per position, [headDim / 2]. */
  readonly frequencies: Float32Array;
  readonly signal: AbortSignal | undefined;
  readonly timer: RequestTimer;
  /** What stands beside the weights for its rows. */
  readonly adapter: ResidentAdapter | undefined;
}

/** One request in the engine. */
export interface Job {
  readonly place: JobPlace;
  /** Guesses how it goes on; only together with foresee(). */
  readonly speculator?: Speculator | undefined;
  /** What the row at this position asks of its step. */
  wish(position: number): RowWish;
  /** The same for rows of guesses after its tokens, up to the first that cannot be of use. */
  foresee?(draft: readonly TokenId[]): RowWish[];
  /** Takes the row's results; true when the job is done. */
  accept(result: StepResult, row: number, position: number): Promise<boolean>;
  /** The signal fired or the engine closes: ends with what there is. */
  abort(): void;
  fail(error: unknown): void;
}
