// Embedding gather and matrix products, forward and backward: the ops that read weight matrices.
import type { Value } from '../program.ts';
import {
  at,
  attribute,
  detached,
  dimAt,
  f32,
  floats,
  gradientOf,
  integers,
  type Op,
  readAll,
  readRow,
  sameDim,
  size,
  valueAt,
} from './op.ts';
import { rowsLike } from './reductions.ts';

/** embed(table [vocab, dim], ids i32 [rows]) → [rows, dim]: the table's rows at the ids. */
export const embed: Op = {
  packed: [0],
  indices: [{ input: 1, into: 0, axis: 0 }],
  shape: (inputs) => f32([dimAt(valueAt(inputs, 1), 0), dimAt(valueAt(inputs, 0), 1)]),
  gradient: (append, call) =>
    append('segment_sum', [gradientOf(call), valueAt(call.inputs, 1), valueAt(call.inputs, 0)]),
  reference: ({ inputs, outputs }) => {
    const out = floats(at(outputs, 0));
    const dim = size(at(outputs, 0), 1);
    for (const [row, id] of integers(at(inputs, 1)).entries()) {
      out.set(readRow(at(inputs, 0), id), row * dim);
    }
  },
};

/** take_rows(x [n, ...], index i32 [outputs]) → [outputs, ...]: the rows at the indices; of a vector, the elements. */
export const takeRows: Op = {
  indices: [{ input: 1, into: 0, axis: 0 }],
  shape: (inputs) => f32(rowsLike(valueAt(inputs, 1), valueAt(inputs, 0))),
  gradient: (append, call) =>
    append('segment_sum', [gradientOf(call), valueAt(call.inputs, 1), valueAt(call.inputs, 0)]),
  reference: ({ inputs, outputs }) => {
    const x = floats(at(inputs, 0));
    const out = floats(at(outputs, 0));
    const width = x.length / size(at(inputs, 0), 0);
    for (const [row, index] of integers(at(inputs, 1)).entries()) {
      out.set(x.subarray(index * width, (index + 1) * width), row * width);
    }
  },
};

/** matmul(x [rows, k], weight [n, k]) → [rows, n]: x times the transposed weight. */
export const matmul: Op = {
  packed: [1],
  shape: (inputs) => {
    const [x, weight] = [valueAt(inputs, 0), valueAt(inputs, 1)];
    sameDim(dimAt(x, 1), dimAt(weight, 1), `matmul with ${weight.name}`);
    return f32([dimAt(x, 0), dimAt(weight, 0)]);
  },
  gradient: (append, call) => {
    const [x, weight] = [valueAt(call.inputs, 0), valueAt(call.inputs, 1)];
    const dy = gradientOf(call);
    return [
      call.needs[0] === true ? append('matmul_transposed', [dy, weight])[0] : undefined,
      call.needs[1] === true ? append('outer_sum', [dy, x])[0] : undefined,
    ];
  },
  reference: ({ inputs, outputs }) => {
    const x = floats(at(inputs, 0));
    const weight = at(inputs, 1);
    const out = floats(at(outputs, 0));
    const [rows, n, k] = [size(at(inputs, 0), 0), size(weight, 0), size(weight, 1)];
    for (let column = 0; column < n; column++) {
      const weights = readRow(weight, column);
      for (let row = 0; row < rows; row++) {
        let sum = 0;
        for (let i = 0; i < k; i++) sum += (x[row * k + i] as number) * (weights[i] as number);
        out[row * n + column] = sum;
      }
    }
  },
};

/** matmul_transposed(dy [rows, n], weight [n, k]) → [rows, k]: dy times the weight as it lies. */
export const matmulTransposed: Op = {
  packed: [1],
  shape: (inputs) => {
    const [dy, weight] = [valueAt(inputs, 0), valueAt(inputs, 1)];
    sameDim(dimAt(dy, 1), dimAt(weight, 0), `matmul_transposed with ${weight.name}`);
    return f32([dimAt(dy, 0), dimAt(weight, 1)]);
  },
  gradient: (append, call) => {
    const [x, weight] = [valueAt(call.inputs, 0), valueAt(call.inputs, 1)];
    const dy = gradientOf(call);
    return [
      call.needs[0] === true ? append('matmul', [dy, weight])[0] : undefined,
      call.needs[1] === true ? append('outer_sum', [x, dy])[0] : undefined,
    ];
  },
  reference: ({ inputs, outputs }) => {
    const dy = floats(at(inputs, 0));
    const weight = readAll(at(inputs, 1));
    const out = floats(at(outputs, 0));
    const [n, k] = [size(at(inputs, 1), 0), size(at(inputs, 1), 1)];
    const sums = new Float64Array(k);
    for (let row = 0; row < size(at(inputs, 0), 0); row++) {
      sums.fill(0);
      for (let j = 0; j < n; j++) {
        const factor = dy[row * n + j] as number;
        for (let i = 0; i < k; i++) {
          sums[i] = (sums[i] as number) + factor * (weight[j * k + i] as number);
        }
      }
      out.set(sums, row * k);
    }
  },
};

/** outer_sum(dy [rows, n], x [rows, k]) → [n, k]: dyᵀ · x, the gradient of a weight. */
export const outerSum: Op = {
  shape: (inputs) => {
    const [dy, x] = [valueAt(inputs, 0), valueAt(inputs, 1)];
    sameDim(dimAt(dy, 0), dimAt(x, 0), 'outer_sum');
    return f32([dimAt(dy, 1), dimAt(x, 1)]);
  },
  gradient: (append, call) => {
    const [left, right] = [valueAt(call.inputs, 0), valueAt(call.inputs, 1)];
    const dy = gradientOf(call);
    return [
      call.needs[0] === true ? append('matmul', [right, dy])[0] : undefined,
      call.needs[1] === true ? append('matmul_transposed', [left, dy])[0] : undefined,
    ];
  },
  reference: ({ inputs, outputs }) => {
    const [dy, x] = [floats(at(inputs, 0)), floats(at(inputs, 1))];
    const [rows, n, k] = [size(at(inputs, 0), 0), size(at(inputs, 0), 1), size(at(inputs, 1), 1)];
    const out = floats(at(outputs, 0));
    const sums = new Float64Array(k);
    for (let j = 0; j < n; j++) {
      sums.fill(0);
      for (let row = 0; row < rows; row++) {
        const factor = dy[row * n + j] as number;
        for (let i = 0; i < k; i++) {
          sums[i] = (sums[i] as number) + factor * (x[row * k + i] as number);
        }
      }
      out.set(sums, j * k);
    }
  },
};

/**
 * outer_sum_into(dy [rows, n], x [rows, k], state f32 [n, k]): state += dyᵀ · x. The whole sum is added at
 * once, as accumulate of outer_sum does, without ever lying in a buffer of its own.
 */
export const outerSumInto: Op = {
  shape: (inputs) => {
    const [dy, x, state] = [valueAt(inputs, 0), valueAt(inputs, 1), valueAt(inputs, 2)];
    sameDim(dimAt(dy, 0), dimAt(x, 0), 'outer_sum_into');
    sameDim(dimAt(dy, 1), dimAt(state, 0), 'outer_sum_into');
    sameDim(dimAt(x, 1), dimAt(state, 1), 'outer_sum_into');
    return [];
  },
  decompose: (append, [dy, x, state]) => {
    const [outer] = append('outer_sum', [dy as Value, x as Value]);
    return append('accumulate', [outer as Value, state as Value]);
  },
};

/**
 * lora_row_norm(weight [n, k], B [n, r], A [r, k]) {scale} → [n]: ‖W + scale · B · A‖₂ of each row, the
 * divisor of DoRA. A constant for gradients, as its authors train it (arXiv 2402.09353, 4.3).
 */
export const loraRowNorm: Op = {
  packed: [0],
  gradient: detached,
  shape: (inputs) => {
    const [weight, up, down] = [valueAt(inputs, 0), valueAt(inputs, 1), valueAt(inputs, 2)];
    sameDim(dimAt(weight, 0), dimAt(up, 0), 'lora_row_norm');
    sameDim(dimAt(up, 1), dimAt(down, 0), 'lora_row_norm');
    sameDim(dimAt(weight, 1), dimAt(down, 1), 'lora_row_norm');
    return f32([dimAt(weight, 0)]);
  },
  reference: ({ inputs, outputs, attributes }) => {
    const [up, down] = [floats(at(inputs, 1)), floats(at(inputs, 2))];
    const out = floats(at(outputs, 0));
    const [rank, k] = [size(at(inputs, 2), 0), size(at(inputs, 2), 1)];
    for (let row = 0; row < out.length; row++) {
      let squares = 0;
      for (const [i, weight] of readRow(at(inputs, 0), row).entries()) {
        let change = 0;
        for (let j = 0; j < rank; j++) {
          change += (up[row * rank + j] as number) * (down[j * k + i] as number);
        }
        squares += (weight + attribute(attributes, 'scale') * change) ** 2;
      }
      out[row] = Math.sqrt(squares);
    }
  },
};
