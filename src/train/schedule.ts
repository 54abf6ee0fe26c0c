// The learning rate as a function of the step: warm-up, then constant, a line or half a cosine down to
// a minimum. Pure, so that a resumed run needs no state for it.

/** Shapes of the learning rate after warm-up. */
export const scheduleKinds = ['cosine', 'linear', 'constant'] as const;

/** How the learning rate goes over a run. */
export interface Schedule {
  readonly kind: (typeof scheduleKinds)[number];
  /** The highest learning rate, reached when warm-up ends. */
  readonly peak: number;
  /** What cosine and linear end at, as a share of the peak. */
  readonly minimum: number;
  /** Steps of warm-up, which rises in a line and reaches the peak in its last step. */
  readonly warmup: number;
  /** Steps of the whole run. */
  readonly steps: number;
}

/** The learning rate of a step, counted from 0. Beyond the last step it stays at the minimum. */
export function learningRateAt(step: number, schedule: Schedule): number {
  const { kind, peak, minimum, warmup, steps } = schedule;
  if (step < warmup) return (peak * (step + 1)) / warmup;
  if (kind === 'constant') return peak;
  const progress = Math.min(1, (step - warmup) / Math.max(1, steps - warmup));
  const left = kind === 'linear' ? 1 - progress : (1 + Math.cos(Math.PI * progress)) / 2;
  return peak * (minimum + (1 - minimum) * left);
}
