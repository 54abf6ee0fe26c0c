// Row ops between the logits and the sampler, so that JavaScript sees a few candidates, not a vocabulary.
import {
  at,
  attribute,
  dimAt,
  f32,
  floats,
  gradientOf,
  integers,
  type Op,
  readRow,
  sameDim,
  size,
  valueAt,
} from './op.ts';

/**
 * adjust_logits(logits [outputs, vocab], where i32 [adjustments, 2], how f32 [adjustments, 2]) → [outputs, vocab]:
 * for each adjustment (row, id), (divisor, addend), in order: positive logits are divided by the divisor,
 * others multiplied (the repetition penalty of arXiv 1909.05858), then the addend is added (bias, other
 * penalties; −infinity bans).
 */
export const adjustLogits: Op = {
  shape: (inputs) => f32(valueAt(inputs, 0).shape),
  reference: ({ inputs, outputs }) => {
    const out = floats(at(outputs, 0));
    out.set(floats(at(inputs, 0)));
    const vocab = size(at(inputs, 0), 1);
    const where = integers(at(inputs, 1));
    const how = floats(at(inputs, 2));
    for (let i = 0; i < where.length; i += 2) {
      const index = (where[i] as number) * vocab + (where[i + 1] as number);
      const [divisor, addend] = [how[i] as number, how[i + 1] as number];
      const logit = out[index] as number;
      out[index] = Math.fround(logit > 0 ? logit / divisor : logit * divisor) + addend;
    }
  },
};

/** mask_logits(logits [outputs, vocab], bits i32 [outputs, ⌈vocab / 32⌉]) → [outputs, vocab]: −infinity where bit id & 31 of word id >> 5 is 0. */
export const maskLogits: Op = {
  shape: (inputs) => {
    const logits = valueAt(inputs, 0);
    const words = Math.ceil(Number(dimAt(logits, 1)) / 32);
    sameDim(dimAt(valueAt(inputs, 1), 1), words, 'mask_logits words');
    return f32(logits.shape);
  },
  reference: ({ inputs, outputs }) => {
    const logits = floats(at(inputs, 0));
    const bits = integers(at(inputs, 1));
    const out = floats(at(outputs, 0)).fill(Number.NEGATIVE_INFINITY);
    const [vocab, words] = [size(at(inputs, 0), 1), size(at(inputs, 1), 1)];
    for (let i = 0; i < logits.length; i++) {
      const [row, id] = [Math.floor(i / vocab), i % vocab];
      const word = bits[row * words + (id >> 5)] as number;
      if ((word & (1 << (id & 31))) !== 0) out[i] = logits[i] as number;
    }
  },
};

/** top_k(x [rows, n]) {k} → values [rows, k], ids i32 [rows, k]: highest first, lower id first among equals, NaN lowest; n < k fills with −infinity and −1. */
export const topK: Op = {
  shape: (inputs, attributes) => {
    const shape = [dimAt(valueAt(inputs, 0), 0), attribute(attributes, 'k')];
    return [
      { dtype: 'f32', shape },
      { dtype: 'i32', shape },
    ];
  },
  reference: ({ inputs, outputs, attributes }) => {
    const k = attribute(attributes, 'k');
    const values = floats(at(outputs, 0)).fill(Number.NEGATIVE_INFINITY);
    const ids = integers(at(outputs, 1)).fill(-1);
    for (let row = 0; row < size(at(inputs, 0), 0); row++) {
      const x = readRow(at(inputs, 0), row).map((value) =>
        Number.isNaN(value) ? Number.NEGATIVE_INFINITY : value,
      );
      const order = Array.from(x.keys()).sort(
        (a, b) => Math.sign((x[b] as number) - (x[a] as number)) || a - b,
      );
      for (const [rank, id] of order.slice(0, k).entries()) {
        values[row * k + rank] = x[id] as number;
        ids[row * k + rank] = id;
      }
    }
  },
};

/** log_sum_exp(x [rows, n], factor f32 [rows]) → [rows]: ln Σ e^(x · factor). A factor has no gradient. */
export const logSumExp: Op = {
  gradient: (append, call) =>
    append('log_sum_exp_gradient', [...call.inputs, valueAt(call.outputs, 0), gradientOf(call)]),
  shape: (inputs) => f32([dimAt(valueAt(inputs, 0), 0)]),
  reference: ({ inputs, outputs }) => {
    const factors = floats(at(inputs, 1));
    const out = floats(at(outputs, 0));
    for (const [row, factor] of factors.entries()) {
      const x = readRow(at(inputs, 0), row);
      let highest = Number.NEGATIVE_INFINITY;
      for (const value of x) highest = Math.max(highest, value * factor);
      let sum = 0;
      for (const value of x) sum += Math.exp(value * factor - highest);
      out[row] = Math.log(sum) + highest;
    }
  },
};

/** log_sum_exp_gradient(x [rows, n], factor [rows], mass [rows], dy [rows]) → [rows, n]: e^(x · factor − mass) · factor · dy. */
export const logSumExpGradient: Op = {
  shape: (inputs) => f32(valueAt(inputs, 0).shape),
  reference: ({ inputs, outputs }) => {
    const [mass, dy] = [floats(at(inputs, 2)), floats(at(inputs, 3))];
    const out = floats(at(outputs, 0));
    const n = size(at(inputs, 0), 1);
    for (const [row, factor] of floats(at(inputs, 1)).entries()) {
      const slope = factor * (dy[row] as number);
      for (const [i, value] of readRow(at(inputs, 0), row).entries()) {
        out[row * n + i] = Math.exp(value * factor - (mass[row] as number)) * slope;
      }
    }
  },
};

/** pick(x [rows, n], ids i32 [rows]) → [rows]: x[row, ids[row]]. */
export const pick: Op = {
  indices: [{ input: 1, into: 0, axis: 1 }],
  shape: (inputs) => f32([dimAt(valueAt(inputs, 0), 0)]),
  gradient: (append, call) =>
    append('pick_gradient', [gradientOf(call), valueAt(call.inputs, 1), valueAt(call.inputs, 0)]),
  reference: ({ inputs, outputs }) => {
    const out = floats(at(outputs, 0));
    for (const [row, id] of integers(at(inputs, 1)).entries()) {
      out[row] = readRow(at(inputs, 0), row)[id] as number;
    }
  },
};

/** pick_gradient(dy [rows], ids i32 [rows], like [rows, n]) → [rows, n]: dy at the ids, else 0. */
export const pickGradient: Op = {
  indices: [{ input: 1, into: 2, axis: 1 }],
  shape: (inputs) => f32(valueAt(inputs, 2).shape),
  reference: ({ inputs, outputs }) => {
    const dy = floats(at(inputs, 0));
    const out = floats(at(outputs, 0)).fill(0);
    for (const [row, id] of integers(at(inputs, 1)).entries()) {
      out[row * size(at(inputs, 2), 1) + id] = dy[row] as number;
    }
  },
};
