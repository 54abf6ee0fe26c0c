// Functions of each element alone, and their gradients.
import type { Attributes, Value } from '../program.ts';
import {
  at,
  attribute,
  detached,
  f32,
  floats,
  type GradientRule,
  gradientOf,
  type Op,
  valueAt,
} from './op.ts';

function unary(compute: (x: number, attributes: Attributes) => number, gradient: GradientRule): Op {
  return {
    shape: (inputs) => f32(valueAt(inputs, 0).shape),
    gradient,
    reference: ({ inputs, outputs, attributes }) => {
      const x = floats(at(inputs, 0));
      const out = floats(at(outputs, 0));
      for (let i = 0; i < out.length; i++) out[i] = compute(x[i] as number, attributes);
    },
  };
}

type Append = Parameters<GradientRule>[0];

const apply = (append: Append, op: string, inputs: readonly Value[], attributes?: Attributes) =>
  valueAt(append(op, inputs, attributes), 0);

/** scale(x) {factor} → x · factor. */
export const scale: Op = unary(
  (x, attributes) => x * attribute(attributes, 'factor'),
  (append, call) => append('scale', [gradientOf(call)], call.attributes),
);

/** silu(x) → x / (1 + e^−x) (arXiv 1702.03118). */
export const silu: Op = unary(
  (x) => x / (1 + Math.exp(-x)),
  (append, call) => append('silu_gradient', [valueAt(call.inputs, 0), gradientOf(call)]),
);

/** exp(x) → e^x. */
export const exp: Op = unary(Math.exp, (append, call) =>
  append('mul', [gradientOf(call), valueAt(call.outputs, 0)]),
);

/** log(x) → ln x; NaN below 0. */
export const log: Op = unary(Math.log, (append, call) => {
  const inverse = apply(append, 'reciprocal', [valueAt(call.inputs, 0)]);
  return append('mul', [gradientOf(call), inverse]);
});

/** log_sigmoid(x) → ln(1 / (1 + e^−x)), exact also where the sigmoid is 0 or 1 in f32. */
export const logSigmoid: Op = unary(
  (x) => Math.min(x, 0) - Math.log1p(Math.exp(-Math.abs(x))),
  // σ(−x), by the same function: 1 − σ(x) would cancel.
  (append, call) => {
    const negative = apply(append, 'scale', [valueAt(call.inputs, 0)], { factor: -1 });
    const slope = apply(append, 'exp', [apply(append, 'log_sigmoid', [negative])]);
    return append('mul', [gradientOf(call), slope]);
  },
);

/** square(x) → x². */
export const square: Op = unary(
  (x) => x * x,
  (append, call) => {
    const product = apply(append, 'mul', [gradientOf(call), valueAt(call.inputs, 0)]);
    return append('scale', [product], { factor: 2 });
  },
);

/** sqrt(x) → √x; NaN below 0. */
export const sqrt: Op = unary(Math.sqrt, (append, call) => {
  const inverse = apply(append, 'reciprocal', [valueAt(call.outputs, 0)]);
  const slope = apply(append, 'scale', [inverse], { factor: 0.5 });
  return append('mul', [gradientOf(call), slope]);
});

/** reciprocal(x) → 1 / x. */
export const reciprocal: Op = unary(
  (x) => 1 / x,
  (append, call) => {
    const squared = apply(append, 'square', [valueAt(call.outputs, 0)]);
    const slope = apply(append, 'scale', [squared], { factor: -1 });
    return append('mul', [gradientOf(call), slope]);
  },
);

/** clip(x) {low, high} → low below it, high above it, else x. */
export const clip: Op = unary(
  (x, attributes) =>
    Math.min(Math.max(x, attribute(attributes, 'low')), attribute(attributes, 'high')),
  (append, call) => {
    const isInside = apply(append, 'inside', [valueAt(call.inputs, 0)], call.attributes);
    return append('mul', [gradientOf(call), isInside]);
  },
);

/** inside(x) {low, high} → 1 where low ≤ x ≤ high, else 0. */
export const inside: Op = unary(
  (x, attributes) =>
    x >= attribute(attributes, 'low') && x <= attribute(attributes, 'high') ? 1 : 0,
  detached,
);

/** fill(like) {value} → the shape of `like`, every element the value. */
export const fill: Op = unary((_, attributes) => attribute(attributes, 'value'), detached);
