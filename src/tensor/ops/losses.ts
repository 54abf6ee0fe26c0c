// Cross-entropy from logits, and from hidden states without ever storing all logits.
import type { Value } from '../program.ts';
import {
  at,
  attribute,
  dimAt,
  type Floats,
  f32,
  firstGradient,
  floats,
  integers,
  type Op,
  readAll,
  readRow,
  sameDim,
  size,
  valueAt,
} from './op.ts';

// ln Σ e^x, from the largest down.
function logSumExpOf(x: Floats | readonly number[]): number {
  let highest = Number.NEGATIVE_INFINITY;
  for (const value of x) highest = Math.max(highest, value);
  let sum = 0;
  for (const value of x) sum += Math.exp(value - highest);
  return Math.log(sum) + highest;
}

/**
 * cross_entropy(logits [outputs, vocab], targets i32 [outputs]) → nll [outputs], mass [outputs]:
 * mass = ln Σ e^logits, nll = mass − logit of the target, in nats. mass is there for the gradient and
 * has none of its own.
 */
export const crossEntropy: Op = {
  indices: [{ input: 1, into: 0, axis: 1 }],
  shape: (inputs) => {
    const shape = [dimAt(valueAt(inputs, 1), 0)];
    sameDim(dimAt(valueAt(inputs, 0), 0), dimAt(valueAt(inputs, 1), 0), 'cross_entropy');
    return [...f32(shape), ...f32(shape)];
  },
  gradient: (append, call) =>
    append('cross_entropy_gradient', [
      ...call.inputs,
      valueAt(call.outputs, 1),
      firstGradient('cross_entropy', call),
    ]),
  reference: ({ inputs, outputs }) => {
    const [nll, mass] = [floats(at(outputs, 0)), floats(at(outputs, 1))];
    for (const [row, target] of integers(at(inputs, 1)).entries()) {
      const logits = readRow(at(inputs, 0), row);
      const total = logSumExpOf(logits);
      mass[row] = total;
      nll[row] = total - (logits[target] as number);
    }
  },
};

/**
 * cross_entropy_gradient(logits [outputs, vocab], targets i32 [outputs], mass [outputs], dnll [outputs])
 * → [outputs, vocab]: (e^(logits − mass) − 1 at the target) · dnll.
 */
export const crossEntropyGradient: Op = {
  indices: [{ input: 1, into: 0, axis: 1 }],
  shape: (inputs) => f32(valueAt(inputs, 0).shape),
  reference: ({ inputs, outputs }) => {
    const [mass, dnll] = [floats(at(inputs, 2)), floats(at(inputs, 3))];
    const out = floats(at(outputs, 0));
    const vocab = size(at(inputs, 0), 1);
    for (const [row, target] of integers(at(inputs, 1)).entries()) {
      for (const [id, logit] of readRow(at(inputs, 0), row).entries()) {
        const share = Math.exp(logit - (mass[row] as number)) - (id === target ? 1 : 0);
        out[row * vocab + id] = share * (dnll[row] as number);
      }
    }
  },
};

/**
 * linear_cross_entropy(hidden [outputs, dim], weight [vocab, dim], targets i32 [outputs]) → nll [outputs],
 * mass [outputs]: cross_entropy of hidden · weightᵀ, which a device computes a few rows at a time.
 */
export const linearCrossEntropy: Op = {
  packed: [1],
  indices: [{ input: 2, into: 1, axis: 0 }],
  shape: (inputs) => {
    const [hidden, weight, targets] = [valueAt(inputs, 0), valueAt(inputs, 1), valueAt(inputs, 2)];
    sameDim(dimAt(hidden, 1), dimAt(weight, 1), `linear_cross_entropy with ${weight.name}`);
    sameDim(dimAt(hidden, 0), dimAt(targets, 0), 'linear_cross_entropy');
    return [...f32(targets.shape), ...f32(targets.shape)];
  },
  gradient: (append, call) =>
    append(
      'linear_cross_entropy_gradient',
      [...call.inputs, valueAt(call.outputs, 1), firstGradient('linear_cross_entropy', call)],
      { needsWeight: call.needs[1] === true ? 1 : 0 },
    ),
  decompose: (append, [hidden, weight, targets]) => {
    const [logits] = append('matmul', [hidden as Value, weight as Value]);
    return append('cross_entropy', [logits as Value, targets as Value]);
  },
};

/**
 * linear_cross_entropy_gradient(hidden [outputs, dim], weight [vocab, dim], targets i32 [outputs],
 * mass [outputs], dnll [outputs]) {needsWeight} → dhidden [outputs, dim], and dweight [vocab, dim] when
 * needsWeight is 1. Computes the logits again.
 */
export const linearCrossEntropyGradient: Op = {
  packed: [1],
  indices: [{ input: 2, into: 1, axis: 0 }],
  shape: (inputs, attributes) => {
    const [hidden, weight] = [valueAt(inputs, 0), valueAt(inputs, 1)];
    const needsWeight = attribute(attributes, 'needsWeight') === 1;
    return [...f32(hidden.shape), ...(needsWeight ? f32(weight.shape) : [])];
  },
  reference: ({ inputs, outputs }) => {
    const weight = readAll(at(inputs, 1));
    const [mass, dnll] = [floats(at(inputs, 3)), floats(at(inputs, 4))];
    const [vocab, dim] = [size(at(inputs, 1), 0), size(at(inputs, 1), 1)];
    const dhidden = floats(at(outputs, 0));
    const dweight = outputs[1] === undefined ? undefined : new Float64Array(vocab * dim);
    const sums = new Float64Array(dim);
    for (const [row, target] of integers(at(inputs, 2)).entries()) {
      const hidden = readRow(at(inputs, 0), row);
      sums.fill(0);
      for (let id = 0; id < vocab; id++) {
        let logit = 0;
        for (let i = 0; i < dim; i++) {
          logit += (hidden[i] as number) * (weight[id * dim + i] as number);
        }
        const share = Math.exp(logit - (mass[row] as number)) - (id === target ? 1 : 0);
        const dlogit = share * (dnll[row] as number);
        for (let i = 0; i < dim; i++) {
          sums[i] = (sums[i] as number) + dlogit * (weight[id * dim + i] as number);
        }
        for (let i = 0; dweight !== undefined && i < dim; i++) {
          dweight[id * dim + i] =
            (dweight[id * dim + i] as number) + dlogit * (hidden[i] as number);
        }
      }
      dhidden.set(sums, row * dim);
    }
    if (dweight !== undefined) floats(at(outputs, 1)).set(dweight);
  },
};
