// AdamW as programs (arXiv 1711.05101, in the order of torch.optim.AdamW): the norm of the gradients,
// one update of every parameter in place, and the clearing of gradients. Names the states these need.
import { gradientName } from '../tensor/gradient.ts';
import { append, appendAll } from '../tensor/ops.ts';
import { type Program, ProgramBuilder } from '../tensor/program.ts';
import type { Parameter } from './parameters.ts';

/** What AdamW is set to; decay belongs to each parameter. */
export interface AdamWSettings {
  readonly beta1: number;
  readonly beta2: number;
  readonly eps: number;
  /** Type of the two means; rows that are no whole blocks keep f32. */
  readonly states: 'f32' | 'q8_0';
}

/** Names of what is kept beside a parameter. */
export const stateNames = {
  /** The sum of gradients so far in this step; the name that `gradient` accumulates into. */
  gradient: (name: string): string => gradientName(name),
  /** Running mean of gradients. */
  mean: (name: string): string => `adamw.mean.${name}`,
  /** Running mean of their squares; as q8_0 of its root. */
  square: (name: string): string => `adamw.square.${name}`,
  /** Running mean of the weights. */
  average: (name: string): string => `ema.${name}`,
} as const;

/** Outputs `squares.NAME` [1]: each gradient's sum of squares. */
export function recordNorms(parameters: readonly Parameter[]): Program {
  const builder = new ProgramBuilder('gradient norms');
  for (const { name, shape } of parameters) {
    const gradient = builder.state(stateNames.gradient(name), shape);
    builder.output(`squares.${name}`, append(builder, 'sum_squares', [gradient]));
  }
  return builder.build();
}

/**
 * Updates every parameter and clears its gradient. Input `control` f32 [6]: learning rate, factor on
 * gradients, 1 − beta1^t, 1 − beta2^t, 0, 0. With `ema` the running means of the weights follow.
 */
export function recordUpdate(
  parameters: readonly Parameter[],
  { beta1, beta2, eps }: AdamWSettings,
  ema: number | undefined,
): Program {
  const builder = new ProgramBuilder('update');
  const control = builder.input('control', 'f32', [6]);
  for (const { name, shape, decay } of parameters) {
    const weight = builder.state(name, shape);
    const gradient = builder.state(stateNames.gradient(name), shape);
    const mean = builder.state(stateNames.mean(name), shape);
    const square = builder.state(stateNames.square(name), shape);
    appendAll(builder, 'adamw', [weight, mean, square, gradient, control], {
      beta1,
      beta2,
      eps,
      decay,
    });
    appendAll(builder, 'zero', [gradient]);
    if (ema === undefined) continue;
    const average = builder.state(stateNames.average(name), shape);
    appendAll(builder, 'ema', [average, weight], { decay: ema });
  }
  return builder.build();
}

/** Clears the gradients of a step that is given up. */
export function recordClear(parameters: readonly Parameter[]): Program {
  const builder = new ProgramBuilder('clear');
  for (const { name, shape } of parameters) {
    appendAll(builder, 'zero', [builder.state(stateNames.gradient(name), shape)]);
  }
  return builder.build();
}

/** The `control` of one update; `updates` counts those before it. */
export function updateControl(
  { beta1, beta2 }: AdamWSettings,
  options: { readonly learningRate: number; readonly factor: number; readonly updates: number },
): Float32Array {
  const time = options.updates + 1;
  const { learningRate, factor } = options;
  return Float32Array.of(learningRate, factor, 1 - beta1 ** time, 1 - beta2 ** time, 0, 0);
}

/** The factor that brings gradients of this norm down to `clip`, as torch's clip_grad_norm_; 0 clips nothing. */
export function clipFactor(norm: number, clip: number): number {
  return clip > 0 && norm > clip ? clip / (norm + 1e-6) : 1;
}
