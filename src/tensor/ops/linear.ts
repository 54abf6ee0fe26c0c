// Embedding gather and matrix product: the ops that read weight matrices.
import {
  at,
  dimAt,
  f32,
  floats,
  integers,
  type Op,
  readRow,
  sameDim,
  size,
  valueAt,
} from './op.ts';

/** embed(table [vocab, dim], ids i32 [rows]) → [rows, dim]: the table's rows at the ids. */
export const embed: Op = {
  packed: [0],
  indices: [{ input: 1, into: 0, axis: 0 }],
  shape: (inputs) => f32([dimAt(valueAt(inputs, 1), 0), dimAt(valueAt(inputs, 0), 1)]),
  reference: ({ inputs, outputs }) => {
    const out = floats(at(outputs, 0));
    const dim = size(at(outputs, 0), 1);
    for (const [row, id] of integers(at(inputs, 1)).entries()) {
      out.set(readRow(at(inputs, 0), id), row * dim);
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

/** take_rows(x [n, dim], index i32 [outputs]) → [outputs, dim]. */
export const takeRows: Op = {
  indices: [{ input: 1, into: 0, axis: 0 }],
  shape: (inputs) => f32([dimAt(valueAt(inputs, 1), 0), dimAt(valueAt(inputs, 0), 1)]),
  reference: ({ inputs, outputs }) => {
    const out = floats(at(outputs, 0));
    const dim = size(at(outputs, 0), 1);
    for (const [row, index] of integers(at(inputs, 1)).entries()) {
      out.set(readRow(at(inputs, 0), index), row * dim);
    }
  },
};
