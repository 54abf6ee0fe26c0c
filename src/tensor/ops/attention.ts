// Rotary positions, the paged cache, and attention over it.
//
// A cache is a matrix [slots, kvHeads · headDim]; slot = page · pageSize + offset in the page. A
// sequence's page table lists its pages in order, so position p lies in page table[p / pageSize].
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
  writeRow,
} from './op.ts';

/**
 * rope_table(positions i32 [rows], sequence i32 [rows], frequencies [sequences, headDim / 2]) {scale}
 * → [rows, headDim]: cosines, then sines, of position · frequency, times scale (YaRN's attention factor).
 */
export const ropeTable: Op = {
  indices: [{ input: 1, into: 2, axis: 0 }],
  shape: (inputs) => f32([dimAt(valueAt(inputs, 0), 0), Number(dimAt(valueAt(inputs, 2), 1)) * 2]),
  reference: ({ inputs, outputs, attributes }) => {
    const sequence = integers(at(inputs, 1));
    const half = size(at(inputs, 2), 1);
    const factor = attribute(attributes, 'scale');
    const out = floats(at(outputs, 0));
    for (const [row, position] of integers(at(inputs, 0)).entries()) {
      const frequencies = readRow(at(inputs, 2), sequence[row] as number);
      for (let i = 0; i < half; i++) {
        // The angle is rounded to f32, as in every implementation models were trained with.
        const angle = Math.fround(position * (frequencies[i] as number));
        out[row * 2 * half + i] = Math.cos(angle) * factor;
        out[row * 2 * half + half + i] = Math.sin(angle) * factor;
      }
    }
  },
};

// Rotates pairs by the table's angles, or back when `sign` is −1.
function rotation(sign: 1 | -1, inverse: string): Op {
  return {
    shape: (inputs) => f32(valueAt(inputs, 0).shape),
    gradient: (append, call) => append(inverse, [gradientOf(call), valueAt(call.inputs, 1)]),
    reference: ({ inputs, outputs }) => {
      const out = floats(at(outputs, 0));
      const [rows, width, headDim] = [
        size(at(inputs, 0), 0),
        size(at(inputs, 0), 1),
        size(at(inputs, 1), 1),
      ];
      for (let row = 0; row < rows; row++) {
        const x = readRow(at(inputs, 0), row);
        const table = readRow(at(inputs, 1), row);
        for (let i = 0; i < width; i += 2) {
          const pair = (i % headDim) / 2;
          const [cos, sin] = [table[pair] as number, sign * (table[headDim / 2 + pair] as number)];
          const [even, odd] = [x[i] as number, x[i + 1] as number];
          out[row * width + i] = even * cos - odd * sin;
          out[row * width + i + 1] = even * sin + odd * cos;
        }
      }
    },
  };
}

/** rope(x [rows, heads · headDim], table [rows, headDim]) → each pair (2i, 2i + 1) rotated (arXiv 2104.09864). */
export const rope: Op = rotation(1, 'rope_inverse');

/** rope_inverse(x [rows, heads · headDim], table [rows, headDim]) → each pair rotated back: the gradient of rope. */
export const ropeInverse: Op = rotation(-1, 'rope');

/** cache_write(x [rows, width], cache [slots, width], slots i32 [rows]): rounds rows into the cache. No output. */
export const cacheWrite: Op = {
  packed: [1],
  indices: [{ input: 2, into: 1, axis: 0 }],
  shape: (inputs) => {
    sameDim(dimAt(valueAt(inputs, 0), 1), dimAt(valueAt(inputs, 1), 1), 'cache_write');
    return [];
  },
  reference: ({ inputs }) => {
    for (const [row, slot] of integers(at(inputs, 2)).entries()) {
      writeRow(at(inputs, 1), slot, readRow(at(inputs, 0), row));
    }
  },
};

/**
 * attention(q [rows, heads · headDim], keys [slots, kvHeads · headDim], values [slots, kvHeads · headDim],
 * positions i32 [rows], sequence i32 [rows], pageTable i32 [sequences, pages])
 * {heads, kvHeads, headDim, pageSize, scale, window} → [rows, heads · headDim]: softmax(q kᵀ · scale) v over
 * positions 0 to the row's own, or the last `window` of them when window > 0. Query head h reads key head
 * floor(h · kvHeads / heads) (arXiv 2305.13245).
 */
export const attention: Op = {
  packed: [1, 2],
  indices: [{ input: 4, into: 5, axis: 0 }],
  shape: (inputs) => f32(valueAt(inputs, 0).shape),
  reference: ({ inputs, outputs, attributes }) => {
    const [keys, values] = [at(inputs, 1), at(inputs, 2)];
    const positions = integers(at(inputs, 3));
    const sequence = integers(at(inputs, 4));
    const pageTable = integers(at(inputs, 5));
    const pages = size(at(inputs, 5), 1);
    const heads = attribute(attributes, 'heads');
    const group = heads / attribute(attributes, 'kvHeads');
    const headDim = attribute(attributes, 'headDim');
    const pageSize = attribute(attributes, 'pageSize');
    const scaling = attribute(attributes, 'scale');
    const window = attribute(attributes, 'window');
    const out = floats(at(outputs, 0));

    for (const [row, position] of positions.entries()) {
      const q = readRow(at(inputs, 0), row);
      const first = window > 0 ? Math.max(0, position - window + 1) : 0;
      const slots = Array.from({ length: position - first + 1 }, (_, index) => {
        const p = first + index;
        const page = pageTable[(sequence[row] as number) * pages + Math.floor(p / pageSize)];
        return (page as number) * pageSize + (p % pageSize);
      });
      const keyRows = slots.map((slot) => readRow(keys, slot));
      const valueRows = slots.map((slot) => readRow(values, slot));
      for (let head = 0; head < heads; head++) {
        const offset = Math.floor(head / group) * headDim;
        const scores = keyRows.map((key) => {
          let dot = 0;
          for (let i = 0; i < headDim; i++) {
            dot += (q[head * headDim + i] as number) * (key[offset + i] as number);
          }
          return dot * scaling;
        });
        const highest = scores.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
        const weights = scores.map((score) => Math.exp(score - highest));
        const total = weights.reduce((a, b) => a + b, 0);
        for (let i = 0; i < headDim; i++) {
          let sum = 0;
          for (const [index, value] of valueRows.entries()) {
            sum += (weights[index] as number) * (value[offset + i] as number);
          }
          out[(row * heads + head) * headDim + i] = sum / total;
        }
      }
    }
  },
};
