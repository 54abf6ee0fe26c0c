// Element-wise ops and the row normalisation, with the fused forms a device may run at once.
import { invariant } from '../../base/invariant.ts';
import type { Value } from '../program.ts';
import {
  at,
  attribute,
  dimAt,
  f32,
  floats,
  type Op,
  readRow,
  sameDim,
  size,
  valueAt,
} from './op.ts';

// Both operands [rows, dim], or the second [dim], repeated for each row.
function binaryShape(inputs: readonly Value[]): ReturnType<typeof f32> {
  const [left, right] = [valueAt(inputs, 0), valueAt(inputs, 1)];
  const repeated = right.shape.length === 1 && right.shape[0] === left.shape.at(-1);
  invariant(
    repeated || `${left.shape}` === `${right.shape}`,
    `element-wise op: [${right.shape}] does not fit [${left.shape}]`,
  );
  return f32(left.shape);
}

function binary(compute: (left: number, right: number) => number): Op {
  return {
    shape: binaryShape,
    reference: ({ inputs, outputs }) => {
      const [left, right] = [floats(at(inputs, 0)), floats(at(inputs, 1))];
      const out = floats(at(outputs, 0));
      for (let i = 0; i < out.length; i++) {
        out[i] = compute(left[i] as number, right[i % right.length] as number);
      }
    },
  };
}

/** add(x [rows, dim], y [rows, dim] or [dim]) → x + y. */
export const add: Op = binary((left, right) => left + right);

/** sub(x [rows, dim], y [rows, dim] or [dim]) → x − y. */
export const sub: Op = binary((left, right) => left - right);

/** mul(x [rows, dim], y [rows, dim] or [dim]) → x · y. */
export const mul: Op = binary((left, right) => left * right);

/** scale(x) {factor} → x · factor. */
export const scale: Op = {
  shape: (inputs) => f32(valueAt(inputs, 0).shape),
  reference: ({ inputs, outputs, attributes }) => {
    const factor = attribute(attributes, 'factor');
    floats(at(outputs, 0)).set(floats(at(inputs, 0)).map((x) => x * factor));
  },
};

/** silu(x) → x / (1 + e^−x) (arXiv 1702.03118). */
export const silu: Op = {
  shape: (inputs) => f32(valueAt(inputs, 0).shape),
  reference: ({ inputs, outputs }) => {
    floats(at(outputs, 0)).set(floats(at(inputs, 0)).map((x) => x / (1 + Math.exp(-x))));
  },
};

/** swiglu(gate, up) → silu(gate) · up (arXiv 2002.05202). */
export const swiglu: Op = {
  shape: binaryShape,
  decompose: (append, [gate, up]) => {
    const [activated] = append('silu', [gate as Value]);
    return append('mul', [activated as Value, up as Value]);
  },
};

/** rms_norm(x [rows, dim], weight f32 [dim]) {eps} → x / sqrt(mean(x²) + eps) · weight (arXiv 1910.07467). */
export const rmsNorm: Op = {
  shape: (inputs) => {
    sameDim(dimAt(valueAt(inputs, 0), 1), dimAt(valueAt(inputs, 1), 0), 'rms_norm');
    return f32(valueAt(inputs, 0).shape);
  },
  reference: ({ inputs, outputs, attributes }) => {
    const weight = floats(at(inputs, 1));
    const out = floats(at(outputs, 0));
    const dim = weight.length;
    for (let row = 0; row < size(at(inputs, 0), 0); row++) {
      const x = readRow(at(inputs, 0), row);
      let squares = 0;
      for (const value of x) squares += value * value;
      const factor = 1 / Math.sqrt(squares / dim + attribute(attributes, 'eps'));
      for (let i = 0; i < dim; i++) {
        out[row * dim + i] = (x[i] as number) * factor * (weight[i] as number);
      }
    }
  },
};

/** add_rms_norm(x, y, weight) {eps} → [x + y, rms_norm(x + y, weight)]: a residual and the norm after it. */
export const addRmsNorm: Op = {
  shape: (inputs) => {
    const sum = binaryShape(inputs);
    sameDim(dimAt(valueAt(inputs, 0), -1), dimAt(valueAt(inputs, 2), 0), 'add_rms_norm');
    return [...sum, ...sum];
  },
  decompose: (append, [x, y, weight], attributes) => {
    const [sum] = append('add', [x as Value, y as Value]);
    const [normal] = append('rms_norm', [sum as Value, weight as Value], attributes);
    return [sum as Value, normal as Value];
  },
};
