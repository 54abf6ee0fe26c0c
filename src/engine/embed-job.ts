// One vector for a text: the model's last hidden states, pooled and of length 1.
import { errors } from '../base/errors.ts';
import { noAdjustments } from './adjustments.ts';
import { PendingJob } from './pending-job.ts';
import type { RequestScope } from './request-scope.ts';
import type { RowWish, StepResult } from './step.ts';

/** Ways to make one vector of many. */
export const poolings = ['mean', 'last'] as const;

/** `mean` of all tokens' hidden states, or that of the `last`, which alone has seen the whole text. */
export type Pooling = (typeof poolings)[number];

/** What an embedding is made with. */
export interface EmbedOptions extends RequestScope {
  readonly pooling: Pooling;
}

const wish: RowWish = {
  wishes: new Set(['hidden']),
  temperature: 1,
  adjustments: noAdjustments,
  target: 0,
};

/** Adds up the hidden states of the rows that want outputs; sums are float64. */
export class EmbedJob extends PendingJob<Float32Array> {
  #sum: Float64Array | undefined;

  wish(): RowWish {
    return wish;
  }

  async accept(result: StepResult, row: number, position: number): Promise<boolean> {
    const hidden = result.row('hidden', row); // [dim]
    this.#sum ??= new Float64Array(hidden.length);
    const sum = this.#sum;
    for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] as number) + (hidden[i] as number);
    if (position < this.place.sequence.tokens.length - 1) return false;
    // The number of rows does not matter to the direction.
    const length = Math.sqrt(sum.reduce((total, each) => total + each * each, 0));
    if (!(Number.isFinite(length) && length > 0)) throw errors.LOGITS_INVALID({ position });
    return this.finish(Float32Array.from(sum, (each) => each / length));
  }
}
