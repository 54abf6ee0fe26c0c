// Root mean square normalisation (arXiv 1910.07467), forward and backward.
import type { Value } from '../program.ts';
import { binaryShape } from './elementwise.ts';
import {
  at,
  attribute,
  dimAt,
  f32,
  floats,
  gradientOf,
  type Op,
  readRow,
  sameDim,
  size,
  valueAt,
} from './op.ts';

// 1 / sqrt(mean(x²) + eps).
function factorOf(x: Iterable<number> & { readonly length: number }, eps: number): number {
  let squares = 0;
  for (const value of x) squares += value * value;
  return 1 / Math.sqrt(squares / x.length + eps);
}

/** rms_norm(x [rows, dim], weight f32 [dim]) {eps} → x / sqrt(mean(x²) + eps) · weight. */
export const rmsNorm: Op = {
  shape: (inputs) => {
    sameDim(dimAt(valueAt(inputs, 0), 1), dimAt(valueAt(inputs, 1), 0), 'rms_norm');
    return f32(valueAt(inputs, 0).shape);
  },
  gradient: (append, call) =>
    append('rms_norm_gradient', [...call.inputs, gradientOf(call)], call.attributes),
  reference: ({ inputs, outputs, attributes }) => {
    const weight = floats(at(inputs, 1));
    const out = floats(at(outputs, 0));
    const dim = weight.length;
    for (let row = 0; row < size(at(inputs, 0), 0); row++) {
      const x = readRow(at(inputs, 0), row);
      const factor = factorOf(x, attribute(attributes, 'eps'));
      for (let i = 0; i < dim; i++) {
        out[row * dim + i] = (x[i] as number) * factor * (weight[i] as number);
      }
    }
  },
};

/**
 * rms_norm_gradient(x [rows, dim], weight f32 [dim], dy [rows, dim]) {eps} → dx [rows, dim], dweight [dim].
 * With f = 1 / sqrt(mean(x²) + eps), n = x · f and g = dy · weight: dx = f · (g − n · mean(g · n)) for
 * each row, dweight = Σ dy · n over rows.
 */
export const rmsNormGradient: Op = {
  shape: (inputs) => [...f32(valueAt(inputs, 0).shape), ...f32(valueAt(inputs, 1).shape)],
  reference: ({ inputs, outputs, attributes }) => {
    const weight = floats(at(inputs, 1));
    const dx = floats(at(outputs, 0));
    const dim = weight.length;
    const sums = new Float64Array(dim);
    for (let row = 0; row < size(at(inputs, 0), 0); row++) {
      const [x, dy] = [readRow(at(inputs, 0), row), readRow(at(inputs, 2), row)];
      const factor = factorOf(x, attribute(attributes, 'eps'));
      let mean = 0;
      for (let i = 0; i < dim; i++) {
        const normal = (x[i] as number) * factor;
        sums[i] = (sums[i] as number) + (dy[i] as number) * normal;
        mean += ((dy[i] as number) * (weight[i] as number) * normal) / dim;
      }
      for (let i = 0; i < dim; i++) {
        const normal = (x[i] as number) * factor;
        dx[row * dim + i] = factor * ((dy[i] as number) * (weight[i] as number) - normal * mean);
      }
    }
    floats(at(outputs, 1)).set(sums);
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
