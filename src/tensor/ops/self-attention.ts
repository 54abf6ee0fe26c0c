// Attention of packed training sequences to themselves: no cache, every row a query and a key.
import type { Attributes, Value } from '../program.ts';
import {
  at,
  attribute,
  dimAt,
  type Floats,
  f32,
  firstGradient,
  floats,
  type HostTensor,
  integers,
  type Op,
  sameDim,
  size,
  valueAt,
} from './op.ts';

interface Geometry {
  readonly rows: number;
  readonly heads: number;
  /** Query heads that share a key head. */
  readonly group: number;
  readonly headDim: number;
  readonly scale: number;
  /** Widths of a row of queries, and of keys or values. */
  readonly width: number;
  readonly kvWidth: number;
  /** The first row that a row attends. */
  readonly first: (row: number) => number;
}

function geometryOf(q: HostTensor, starts: Int32Array, attributes: Attributes): Geometry {
  const [heads, kvHeads] = [attribute(attributes, 'heads'), attribute(attributes, 'kvHeads')];
  const headDim = attribute(attributes, 'headDim');
  const window = attribute(attributes, 'window');
  return {
    rows: size(q, 0),
    heads,
    group: heads / kvHeads,
    headDim,
    scale: attribute(attributes, 'scale'),
    width: heads * headDim,
    kvWidth: kvHeads * headDim,
    first: (row) => Math.max(starts[row] as number, window > 0 ? row - window + 1 : 0),
  };
}

function dotAt(x: Floats, xAt: number, y: Floats, yAt: number, length: number): number {
  let sum = 0;
  for (let i = 0; i < length; i++) sum += (x[xAt + i] as number) * (y[yAt + i] as number);
  return sum;
}

function addScaled(
  sums: Float64Array,
  sumsAt: number,
  factor: number,
  x: Floats,
  xAt: number,
  length: number,
): void {
  for (let i = 0; i < length; i++) {
    sums[sumsAt + i] = (sums[sumsAt + i] as number) + factor * (x[xAt + i] as number);
  }
}

function checkOperands(inputs: readonly Value[], attributes: Attributes): void {
  const [q, k, v, starts] = [0, 1, 2, 3].map((index) => valueAt(inputs, index)) as Value[];
  const [heads, kvHeads] = [attribute(attributes, 'heads'), attribute(attributes, 'kvHeads')];
  const headDim = attribute(attributes, 'headDim');
  sameDim(dimAt(q as Value, 1), heads * headDim, 'self_attention queries');
  sameDim(dimAt(k as Value, 1), kvHeads * headDim, 'self_attention keys');
  sameDim(dimAt(v as Value, 1), kvHeads * headDim, 'self_attention values');
  for (const each of [k, v, starts]) {
    sameDim(dimAt(each as Value, 0), dimAt(q as Value, 0), 'self_attention rows');
  }
}

/**
 * self_attention(q [rows, heads · headDim], k [rows, kvHeads · headDim], v [rows, kvHeads · headDim],
 * starts i32 [rows]) {heads, kvHeads, headDim, scale, window} → out [rows, heads · headDim],
 * mass [rows, heads]. Row r attends rows starts[r] to r, the last `window` of them when window > 0;
 * starts never decrease. out = softmax(q kᵀ · scale) v; mass = ln Σ e^(q kᵀ · scale) is there for the
 * gradient and has none of its own. Query head h reads key head floor(h · kvHeads / heads).
 */
export const selfAttention: Op = {
  shape: (inputs, attributes) => {
    checkOperands(inputs, attributes);
    const q = valueAt(inputs, 0);
    return [...f32(q.shape), ...f32([dimAt(q, 0), attribute(attributes, 'heads')])];
  },
  gradient: (append, call) =>
    append(
      'self_attention_gradient',
      [...call.inputs, ...call.outputs, firstGradient('self_attention', call)],
      call.attributes,
    ),
  reference: ({ inputs, outputs, attributes }) => {
    const [q, k, v] = [floats(at(inputs, 0)), floats(at(inputs, 1)), floats(at(inputs, 2))];
    const [out, mass] = [floats(at(outputs, 0)), floats(at(outputs, 1))];
    const g = geometryOf(at(inputs, 0), integers(at(inputs, 3)), attributes);
    const sums = new Float64Array(g.headDim);
    for (let row = 0; row < g.rows; row++) {
      const first = g.first(row);
      const weights = new Float64Array(row - first + 1);
      for (let head = 0; head < g.heads; head++) {
        const qAt = row * g.width + head * g.headDim;
        const kvAt = Math.floor(head / g.group) * g.headDim;
        let highest = Number.NEGATIVE_INFINITY;
        for (let j = first; j <= row; j++) {
          const score = dotAt(q, qAt, k, j * g.kvWidth + kvAt, g.headDim) * g.scale;
          weights[j - first] = score;
          highest = Math.max(highest, score);
        }
        let total = 0;
        for (let j = 0; j < weights.length; j++) {
          weights[j] = Math.exp((weights[j] as number) - highest);
          total += weights[j] as number;
        }
        sums.fill(0);
        for (let j = first; j <= row; j++) {
          const weight = (weights[j - first] as number) / total;
          addScaled(sums, 0, weight, v, j * g.kvWidth + kvAt, g.headDim);
        }
        out.set(sums, qAt);
        mass[row * g.heads + head] = Math.log(total) + highest;
      }
    }
  },
};

/**
 * self_attention_gradient(q, k, v, starts, out, mass, dout) {heads, kvHeads, headDim, scale, window} → dq,
 * dk, dv. For each pair of a row and a row it attends, with D = dout · out (arXiv 2205.14135, appendix
 * B.4): p = e^(q k · scale − mass), ds = p · (dout · v − D) · scale; dq += ds · k, dk += ds · q,
 * dv += p · dout.
 */
export const selfAttentionGradient: Op = {
  shape: (inputs, attributes) => {
    checkOperands(inputs, attributes);
    return [0, 1, 2].flatMap((index) => f32(valueAt(inputs, index).shape));
  },
  reference: ({ inputs, outputs, attributes }) => {
    const [q, k, v] = [floats(at(inputs, 0)), floats(at(inputs, 1)), floats(at(inputs, 2))];
    const [out, mass, dout] = [floats(at(inputs, 4)), floats(at(inputs, 5)), floats(at(inputs, 6))];
    const g = geometryOf(at(inputs, 0), integers(at(inputs, 3)), attributes);
    const dq = new Float64Array(q.length);
    const dk = new Float64Array(k.length);
    const dv = new Float64Array(v.length);
    for (let row = 0; row < g.rows; row++) {
      for (let head = 0; head < g.heads; head++) {
        const qAt = row * g.width + head * g.headDim;
        const shared = dotAt(dout, qAt, out, qAt, g.headDim);
        for (let j = g.first(row); j <= row; j++) {
          const kvAt = j * g.kvWidth + Math.floor(head / g.group) * g.headDim;
          const score = dotAt(q, qAt, k, kvAt, g.headDim) * g.scale;
          const p = Math.exp(score - (mass[row * g.heads + head] as number));
          const ds = p * (dotAt(dout, qAt, v, kvAt, g.headDim) - shared) * g.scale;
          addScaled(dq, qAt, ds, k, kvAt, g.headDim);
          addScaled(dk, kvAt, ds, q, qAt, g.headDim);
          addScaled(dv, kvAt, p, dout, qAt, g.headDim);
        }
      }
    }
    for (const [index, sums] of [dq, dk, dv].entries()) floats(at(outputs, index)).set(sums);
  },
};
