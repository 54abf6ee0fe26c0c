// What the engine works on: a sequence that wants outputs. Generation and scoring are two kinds.

import type { Sequence } from './sequence.ts';
import type { RowWish, StepResult } from './step.ts';

/** One request in the engine. */
export interface Job {
  readonly sequence: Sequence;
  /** Rotary angles per position, [headDim / 2]. */
  readonly frequencies: Float32Array;
  readonly signal: AbortSignal | undefined;
  /** What the row at this position asks of its step. */
  wish(position: number): RowWish;
  /** Takes the row's results; true when the job is done. */
  accept(result: StepResult, row: number, position: number): Promise<boolean>;
  /** The signal fired or the engine closes: ends with what there is. */
  abort(): void;
  fail(error: unknown): void;
}
