// Conformance cases of what training adds to the model: backward products, norms, and attention without
// a cache.
import { dtypes } from '../tensor/dtype.ts';
import type { OpName } from '../tensor/ops.ts';
import { CaseRandom } from './conformance.ts';
import {
  computeByReference,
  errorBounds,
  hostTensor,
  type Maker,
  makeCase,
  oddSizes,
  weightDTypes,
} from './conformance-maker.ts';

const makeMatmulTransposed: Maker = (seed) =>
  weightDTypes.flatMap((dtype) => {
    const block = dtypes[dtype].blockSize;
    const widths = block === 1 ? [1, 17, 100, 523] : [block, 3 * block];
    const shapes = [
      [5, 1],
      [1, 100],
      [2, 33],
      [17, 100],
      [70, 37],
    ] as const;
    return shapes.map(([rows, n], index) => {
      const k = widths[index % widths.length] as number;
      const name = `matmul_transposed ${dtype} [${rows}, ${n}] · [${n}, ${k}]`;
      const random = new CaseRandom(seed, name);
      return makeCase(name, 'matmul_transposed', {
        inputs: { dy: { dims: ['rows', n], data: random.floats(rows * n) } },
        weights: { w: random.tensor(dtype, [n, k]) },
        order: ['dy', 'w'],
        sizes: { rows },
        bound: errorBounds.product,
      });
    });
  });

const makeOuterSum: Maker = (seed) =>
  [
    [1, 1, 1],
    [1, 17, 3],
    [5, 33, 100],
    [17, 1, 64],
    [70, 100, 33],
    [131, 37, 129],
  ].map(([rows = 1, n = 1, k = 1]) => {
    const name = `outer_sum [${rows}, ${n}]ᵀ · [${rows}, ${k}]`;
    const random = new CaseRandom(seed, name);
    return makeCase(name, 'outer_sum', {
      inputs: {
        dy: { dims: ['rows', n], data: random.floats(rows * n) },
        x: { dims: ['rows', k], data: random.floats(rows * k) },
      },
      order: ['dy', 'x'],
      sizes: { rows },
      bound: errorBounds.product,
    });
  });

// Beyond one block of rows and of columns, so that a whole sum is told from its parts.
const makeOuterSumInto: Maker = (seed) =>
  [
    [1, 1, 1],
    [17, 5, 33],
    [600, 23, 530],
  ].map(([rows = 1, n = 1, k = 1]) => {
    const name = `outer_sum_into [${rows}, ${n}]ᵀ · [${rows}, ${k}]`;
    const random = new CaseRandom(seed, name);
    return makeCase(name, 'outer_sum_into', {
      inputs: {
        dy: { dims: ['rows', n], data: random.floats(rows * n) },
        x: { dims: ['rows', k], data: random.floats(rows * k) },
      },
      states: { sum: random.tensor('f32', [n, k]) },
      order: ['dy', 'x', 'sum'],
      sizes: { rows },
      bound: errorBounds.product,
    });
  });

// A few segments, some with many rows and some with none; `like` is a weight of any type.
const makeSegmentSum: Maker = (seed) => {
  const vectors = [1, 70].map((rows) => {
    const name = `segment_sum of ${rows} numbers`;
    const random = new CaseRandom(seed, name);
    return makeCase(name, 'segment_sum', {
      inputs: {
        x: { dims: ['rows'], data: random.floats(rows) },
        segment: { dims: ['rows'], data: random.integers(rows, 5) },
        like: { dims: ['sequences', 2], data: random.floats(10) },
      },
      order: ['x', 'segment', 'like'],
      sizes: { rows, sequences: 5 },
      bound: errorBounds.product,
    });
  });
  const matrices = weightDTypes.flatMap((dtype) =>
    [1, 9, 150].map((rows, index) => {
      const block = dtypes[dtype].blockSize;
      const dim = block === 1 ? (oddSizes[index + 2] as number) : block;
      const name = `segment_sum of ${rows} rows of ${dim} like ${dtype}`;
      const random = new CaseRandom(seed, name);
      return makeCase(name, 'segment_sum', {
        inputs: {
          x: { dims: ['rows', dim], data: random.floats(rows * dim) },
          segment: { dims: ['rows'], data: random.integers(rows, 11) },
        },
        weights: { like: random.tensor(dtype, [11, dim]) },
        order: ['x', 'segment', 'like'],
        sizes: { rows },
        bound: errorBounds.product,
      });
    }),
  );
  return [...vectors, ...matrices];
};

const makeLoraRowNorm: Maker = (seed) =>
  weightDTypes.flatMap((dtype) =>
    [1, 8].map((rank) => {
      const [n, k] = [17, dtypes[dtype].blockSize === 1 ? 103 : 256];
      const name = `lora_row_norm ${dtype} [${n}, ${k}], rank ${rank}`;
      const random = new CaseRandom(seed, name);
      return makeCase(name, 'lora_row_norm', {
        inputs: {},
        weights: {
          w: random.tensor(dtype, [n, k]),
          b: random.tensor('f32', [n, rank]),
          a: random.tensor('f32', [rank, k]),
        },
        order: ['w', 'b', 'a'],
        sizes: {},
        attributes: { scale: 0.5 },
        bound: errorBounds.product,
      });
    }),
  );

const makeRmsNormGradient: Maker = (seed) =>
  [...oddSizes, 1040].flatMap((dim) =>
    [1, 5, 150].map((rows) => {
      const name = `rms_norm_gradient of ${rows} rows of ${dim}`;
      const random = new CaseRandom(seed, name);
      const operand = () => ({ dims: ['rows', dim] as const, data: random.floats(rows * dim) });
      return makeCase(name, 'rms_norm_gradient', {
        inputs: { x: operand(), dy: operand() },
        weights: { w: random.tensor('f32', [dim]) },
        order: ['x', 'w', 'dy'],
        sizes: { rows },
        attributes: { eps: 0.1 },
        bound: errorBounds.gradient,
      });
    }),
  );

interface PackedGeometry {
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly window: number;
  /** Rows of each sequence. */
  readonly lengths: readonly number[];
}

const packedGeometries: readonly PackedGeometry[] = [
  { heads: 1, kvHeads: 1, headDim: 2, window: 0, lengths: [1] },
  { heads: 3, kvHeads: 3, headDim: 6, window: 0, lengths: [9] },
  { heads: 4, kvHeads: 2, headDim: 34, window: 0, lengths: [1, 17, 2, 40] },
  { heads: 8, kvHeads: 1, headDim: 64, window: 0, lengths: [70, 5] },
  { heads: 6, kvHeads: 2, headDim: 32, window: 5, lengths: [20, 3, 33] },
  { heads: 2, kvHeads: 2, headDim: 128, window: 0, lengths: [131] },
  { heads: 4, kvHeads: 4, headDim: 16, window: 64, lengths: [130, 66] },
];

function packedInputs(random: CaseRandom, { heads, kvHeads, headDim, lengths }: PackedGeometry) {
  const starts = lengths.flatMap((length, index) => {
    const before = lengths.slice(0, index).reduce((sum, each) => sum + each, 0);
    return Array<number>(length).fill(before);
  });
  const rows = starts.length;
  const matrix = (width: number) => ({
    dims: ['rows', width] as const,
    data: random.floats(rows * width),
  });
  const [q, k, v] = [heads, kvHeads, kvHeads].map((count) => matrix(count * headDim));
  const places = { dims: ['rows'] as const, data: Int32Array.from(starts) };
  return { rows, starts: places, q: q as Matrix, k: k as Matrix, v: v as Matrix, matrix };
}

interface Matrix {
  readonly dims: readonly ['rows', number];
  readonly data: Float32Array;
}

function nameOf(op: string, { heads, kvHeads, headDim, window, lengths }: PackedGeometry): string {
  return `${op} ${heads}/${kvHeads} heads of ${headDim}, window ${window}, sequences of ${lengths}`;
}

const makeSelfAttention: Maker = (seed) =>
  packedGeometries.map((geometry) => {
    const { heads, kvHeads, headDim, window } = geometry;
    const name = nameOf('self_attention', geometry);
    const { rows, starts, q, k, v } = packedInputs(new CaseRandom(seed, name), geometry);
    return makeCase(name, 'self_attention', {
      inputs: { q, k, v, starts },
      order: ['q', 'k', 'v', 'starts'],
      sizes: { rows },
      attributes: { heads, kvHeads, headDim, window, scale: 1 / Math.sqrt(headDim) },
      bound: errorBounds.attention,
    });
  });

const makeSelfAttentionGradient: Maker = (seed) =>
  packedGeometries.map((geometry) => {
    const { heads, kvHeads, headDim, window } = geometry;
    const name = nameOf('self_attention_gradient', geometry);
    const packed = packedInputs(new CaseRandom(seed, name), geometry);
    const { rows, starts, q, k, v, matrix } = packed;
    const attributes = { heads, kvHeads, headDim, window, scale: 1 / Math.sqrt(headDim) };
    const [out, mass] = computeByReference(
      'self_attention',
      [q, k, v]
        .map(({ data, dims }) => hostTensor(data, [rows, dims[1]]))
        .concat(hostTensor(starts.data, [rows])),
      [
        [rows, heads * headDim],
        [rows, heads],
      ],
      attributes,
    );
    return makeCase(name, 'self_attention_gradient', {
      inputs: {
        q,
        k,
        v,
        starts,
        out: { dims: q.dims, data: out as Float32Array },
        mass: { dims: ['rows', heads], data: mass as Float32Array },
        dout: matrix(heads * headDim),
      },
      order: ['q', 'k', 'v', 'starts', 'out', 'mass', 'dout'],
      sizes: { rows },
      attributes,
      bound: errorBounds.gradient,
    });
  });

/** By op. */
export const trainingMakers: Readonly<Partial<Record<OpName, Maker>>> = {
  matmul_transposed: makeMatmulTransposed,
  outer_sum: makeOuterSum,
  outer_sum_into: makeOuterSumInto,
  segment_sum: makeSegmentSum,
  lora_row_norm: makeLoraRowNorm,
  rms_norm_gradient: makeRmsNormGradient,
  self_attention: makeSelfAttention,
  self_attention_gradient: makeSelfAttentionGradient,
};
