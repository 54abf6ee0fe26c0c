// Sums over elements, rows and segments, what spreads them out again, and whitening.
import { invariant } from '../../base/invariant.ts';
import type { Dim, Value } from '../program.ts';
import {
  at,
  attribute,
  dimAt,
  type Floats,
  f32,
  floats,
  type GradientCall,
  gradientOf,
  integers,
  type Op,
  sameDim,
  valueAt,
} from './op.ts';

/** The shape of indexed rows: one for each index, as wide as the rows of x. */
export function rowsLike(index: Value, x: Value): readonly Dim[] {
  return [dimAt(index, 0), ...x.shape.slice(1)];
}

function sumOf(values: Floats): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum;
}

/** dot(x, y of the same shape) → [1]: Σ x · y, for example losses times their weights. */
export const dot: Op = {
  shape: (inputs) => {
    const [x, y] = [valueAt(inputs, 0), valueAt(inputs, 1)];
    for (const axis of x.shape.keys()) sameDim(dimAt(x, axis), dimAt(y, axis), 'dot');
    return f32([1]);
  },
  gradient: (append, call) => {
    const [x, y] = [valueAt(call.inputs, 0), valueAt(call.inputs, 1)];
    const [dy] = append('broadcast', [gradientOf(call), x], { mean: 0 });
    return [
      call.needs[0] === true ? append('mul', [dy as Value, y])[0] : undefined,
      call.needs[1] === true ? append('mul', [dy as Value, x])[0] : undefined,
    ];
  },
  reference: ({ inputs, outputs }) => {
    const [x, y] = [floats(at(inputs, 0)), floats(at(inputs, 1))];
    let sum = 0;
    for (let i = 0; i < x.length; i++) sum += (x[i] as number) * (y[i] as number);
    floats(at(outputs, 0))[0] = sum;
  },
};

/** sum(x of any shape) → [1]. */
export const sum: Op = {
  shape: () => f32([1]),
  gradient: (append, call) =>
    append('broadcast', [gradientOf(call), valueAt(call.inputs, 0)], { mean: 0 }),
  reference: ({ inputs, outputs }) => {
    floats(at(outputs, 0))[0] = sumOf(floats(at(inputs, 0)));
  },
};

/** mean(x of any shape) → [1]; NaN of nothing. */
export const mean: Op = {
  shape: () => f32([1]),
  gradient: (append, call) =>
    append('broadcast', [gradientOf(call), valueAt(call.inputs, 0)], { mean: 1 }),
  reference: ({ inputs, outputs }) => {
    const x = floats(at(inputs, 0));
    floats(at(outputs, 0))[0] = sumOf(x) / x.length;
  },
};

/** sum_rows(x [rows, dim]) → [dim]. */
export const sumRows: Op = {
  shape: (inputs) => f32([dimAt(valueAt(inputs, 0), -1)]),
  gradient: (append, call) =>
    append('broadcast', [gradientOf(call), valueAt(call.inputs, 0)], { mean: 0 }),
  reference: ({ inputs, outputs }) => {
    const out = floats(at(outputs, 0));
    const sums = new Float64Array(out.length);
    for (const [i, value] of floats(at(inputs, 0)).entries()) {
      sums[i % out.length] = (sums[i % out.length] as number) + value;
    }
    out.set(sums);
  },
};

/**
 * broadcast(x [1] or [dim], like [..., dim]) {mean} → the shape of `like`: x again and again. With mean 1,
 * for an x of one element, divided by how often.
 */
export const broadcast: Op = {
  shape: (inputs, attributes) => {
    const [x, like] = [valueAt(inputs, 0), valueAt(inputs, 1)];
    const isWide = dimAt(x, 0) !== 1;
    if (isWide) sameDim(dimAt(x, 0), dimAt(like, -1), 'broadcast');
    invariant(!(isWide && attribute(attributes, 'mean') === 1), 'a mean is one element');
    return f32(like.shape);
  },
  gradient: (append, call) => {
    const isMean = attribute(call.attributes, 'mean') === 1;
    const whole = isMean ? 'mean' : 'sum';
    const isWide = dimAt(valueAt(call.inputs, 0), 0) !== 1;
    return append(isWide ? 'sum_rows' : whole, [gradientOf(call)]);
  },
  reference: ({ inputs, outputs, attributes }) => {
    const x = floats(at(inputs, 0));
    const out = floats(at(outputs, 0));
    const times = attribute(attributes, 'mean') === 1 ? out.length / x.length : 1;
    for (let i = 0; i < out.length; i++) out[i] = (x[i % x.length] as number) / times;
  },
};

/**
 * segment_sum(x [n, ...], segment i32 [n], like [segments, ...] of any type) → [segments, ...]: the sum of
 * the rows of each segment, in order; only the first axis of `like` counts. Sequence sums of token
 * log-probabilities, and the gradient of embed and take_rows.
 */
export const segmentSum: Op = {
  packed: [2],
  indices: [{ input: 1, into: 2, axis: 0 }],
  shape: (inputs) => {
    sameDim(dimAt(valueAt(inputs, 0), 0), dimAt(valueAt(inputs, 1), 0), 'segment_sum');
    return f32(rowsLike(valueAt(inputs, 2), valueAt(inputs, 0)));
  },
  gradient: (append, call) => append('take_rows', [gradientOf(call), valueAt(call.inputs, 1)]),
  reference: ({ inputs, outputs }) => {
    const [x, segment] = [floats(at(inputs, 0)), integers(at(inputs, 1))];
    const out = floats(at(outputs, 0));
    const sums = new Float64Array(out.length);
    const width = x.length / segment.length;
    for (const [row, index] of segment.entries()) {
      for (let i = 0; i < width; i++) {
        const place = index * width + i;
        sums[place] = (sums[place] as number) + (x[row * width + i] as number);
      }
    }
    out.set(sums);
  },
};

// Mean, and 1 / sqrt(variance + eps) with the variance of the population.
function momentsOf(x: Floats, eps: number): { mean: number; factor: number } {
  const average = sumOf(x) / x.length;
  let squares = 0;
  for (const value of x) squares += (value - average) ** 2;
  return { mean: average, factor: 1 / Math.sqrt(squares / x.length + eps) };
}

/** whiten(x [n]) {eps, keepMean} → (x − mean) / sqrt(variance + eps), plus the mean when keepMean is 1. */
export const whiten: Op = {
  shape: (inputs) => f32(valueAt(inputs, 0).shape),
  gradient: (append, call: GradientCall) =>
    append('whiten_gradient', [valueAt(call.inputs, 0), gradientOf(call)], call.attributes),
  reference: ({ inputs, outputs, attributes }) => {
    const x = floats(at(inputs, 0));
    const out = floats(at(outputs, 0));
    const { mean: average, factor } = momentsOf(x, attribute(attributes, 'eps'));
    const kept = attribute(attributes, 'keepMean') === 1 ? average : 0;
    for (let i = 0; i < x.length; i++) out[i] = ((x[i] as number) - average) * factor + kept;
  },
};

/**
 * whiten_gradient(x [n], dy [n]) {eps, keepMean} → dx [n]. With c = x − mean and f = 1 / sqrt(variance + eps):
 * dx = f · (dy − mean(dy)) − c · f³ · mean(dy · c), plus mean(dy) when keepMean is 1.
 */
export const whitenGradient: Op = {
  shape: (inputs) => f32(valueAt(inputs, 0).shape),
  reference: ({ inputs, outputs, attributes }) => {
    const [x, dy] = [floats(at(inputs, 0)), floats(at(inputs, 1))];
    const out = floats(at(outputs, 0));
    const { mean: average, factor } = momentsOf(x, attribute(attributes, 'eps'));
    const slope = sumOf(dy) / dy.length;
    let product = 0;
    for (let i = 0; i < x.length; i++) {
      product += (((x[i] as number) - average) * (dy[i] as number)) / x.length;
    }
    const kept = attribute(attributes, 'keepMean') === 1 ? slope : 0;
    for (let i = 0; i < x.length; i++) {
      const centred = (x[i] as number) - average;
      out[i] = factor * ((dy[i] as number) - slope) - centred * factor ** 3 * product + kept;
    }
  },
};
