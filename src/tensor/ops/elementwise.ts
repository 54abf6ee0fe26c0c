// Element-wise ops of two operands, and the gated activation, with the fused forms a device may run
// at once.
import { invariant } from '../../base/invariant.ts';
import type { Value } from '../program.ts';
import {
  type Append,
  at,
  detached,
  f32,
  floats,
  type GradientRule,
  gradientOf,
  type Op,
  valueAt,
} from './op.ts';

/** The shape of the first operand; the second has it too, or is [dim], repeated for each row. */
export function binaryShape(inputs: readonly Value[]): ReturnType<typeof f32> {
  const [left, right] = [valueAt(inputs, 0), valueAt(inputs, 1)];
  const repeated = right.shape.length === 1 && right.shape[0] === left.shape.at(-1);
  invariant(
    repeated || `${left.shape}` === `${right.shape}`,
    `element-wise op: [${right.shape}] does not fit [${left.shape}]`,
  );
  return f32(left.shape);
}

function binary(compute: (left: number, right: number) => number, gradient: GradientRule): Op {
  return {
    shape: binaryShape,
    gradient,
    reference: ({ inputs, outputs }) => {
      const [left, right] = [floats(at(inputs, 0)), floats(at(inputs, 1))];
      const out = floats(at(outputs, 0));
      for (let i = 0; i < out.length; i++) {
        out[i] = compute(left[i] as number, right[i % right.length] as number);
      }
    },
  };
}

// A second operand that was repeated gets the sum over rows of its gradients.
function toShapeOf(append: Append, operand: Value, gradient: Value | undefined): Value | undefined {
  if (gradient === undefined || operand.shape.length === gradient.shape.length) return gradient;
  return append('sum_rows', [gradient])[0];
}

/** add(x [rows, dim], y [rows, dim] or [dim]) → x + y. */
export const add: Op = binary(
  (left, right) => left + right,
  (append, call) => {
    const dy = gradientOf(call);
    return [
      dy,
      call.needs[1] === true ? toShapeOf(append, valueAt(call.inputs, 1), dy) : undefined,
    ];
  },
);

/** sub(x [rows, dim], y [rows, dim] or [dim]) → x − y. */
export const sub: Op = binary(
  (left, right) => left - right,
  (append, call) => {
    const dy = gradientOf(call);
    if (call.needs[1] !== true) return [dy];
    const [negative] = append('scale', [dy], { factor: -1 });
    return [dy, toShapeOf(append, valueAt(call.inputs, 1), negative)];
  },
);

/** mul(x [rows, dim], y [rows, dim] or [dim]) → x · y. */
export const mul: Op = binary(
  (left, right) => left * right,
  (append, call) => {
    const [x, y, dy] = [valueAt(call.inputs, 0), valueAt(call.inputs, 1), gradientOf(call)];
    return [
      call.needs[0] === true ? append('mul', [dy, y])[0] : undefined,
      call.needs[1] === true ? toShapeOf(append, y, append('mul', [dy, x])[0]) : undefined,
    ];
  },
);

// The gradient goes to the operand that was chosen, all of it to the first where they are equal.
function chosenBy(comparison: 'not_above' | 'not_below'): GradientRule {
  return (append, call) => {
    const [x, y, dy] = [valueAt(call.inputs, 0), valueAt(call.inputs, 1), gradientOf(call)];
    const isFirst = valueAt(append(comparison, [x, y]), 0);
    const dx = valueAt(append('mul', [dy, isFirst]), 0);
    const rest = call.needs[1] === true ? append('sub', [dy, dx])[0] : undefined;
    return [dx, toShapeOf(append, y, rest)];
  };
}

/** minimum(x [rows, dim], y [rows, dim] or [dim]) → the smaller of each pair; NaN if either is. */
export const minimum: Op = binary(Math.min, chosenBy('not_above'));

/** maximum(x [rows, dim], y [rows, dim] or [dim]) → the larger of each pair; NaN if either is. */
export const maximum: Op = binary(Math.max, chosenBy('not_below'));

/** not_above(x [rows, dim], y [rows, dim] or [dim]) → 1 where x ≤ y, else 0. */
export const notAbove: Op = binary((left, right) => (left <= right ? 1 : 0), detached);

/** not_below(x [rows, dim], y [rows, dim] or [dim]) → 1 where x ≥ y, else 0. */
export const notBelow: Op = binary((left, right) => (left >= right ? 1 : 0), detached);

/** silu_gradient(x, dy) → dy · σ(x) · (1 + x · (1 − σ(x))), σ the logistic function. */
export const siluGradient: Op = {
  shape: (inputs) => f32(valueAt(inputs, 0).shape),
  reference: ({ inputs, outputs }) => {
    const [x, dy] = [floats(at(inputs, 0)), floats(at(inputs, 1))];
    const out = floats(at(outputs, 0));
    for (let i = 0; i < out.length; i++) {
      const sigma = 1 / (1 + Math.exp(-(x[i] as number)));
      out[i] = (dy[i] as number) * sigma * (1 + (x[i] as number) * (1 - sigma));
    }
  },
};

/** swiglu(gate, up) → silu(gate) · up (arXiv 2002.05202). */
export const swiglu: Op = {
  shape: binaryShape,
  gradient: (append, call) => append('swiglu_gradient', [...call.inputs, gradientOf(call)]),
  decompose: (append, [gate, up]) => {
    const [activated] = append('silu', [gate as Value]);
    return append('mul', [activated as Value, up as Value]);
  },
};

/** swiglu_gradient(gate, up, dy) → dgate, dup: needs no activation kept from the forward pass. */
export const swigluGradient: Op = {
  shape: (inputs) => [...binaryShape(inputs), ...binaryShape(inputs)],
  decompose: (append, [gate, up, dy]) => {
    const [activated] = append('silu', [gate as Value]);
    const [dup] = append('mul', [dy as Value, activated as Value]);
    const [dactivated] = append('mul', [dy as Value, up as Value]);
    const [dgate] = append('silu_gradient', [gate as Value, dactivated as Value]);
    return [dgate as Value, dup as Value];
  },
};
