// The cases of the conformance suite: for each op every dtype it takes, at shapes that are no
// multiple of anything. Those of inference are here, the others beside. Adding an op means adding cases.
import { dtypes, fitsBlocks, type WeightDType } from '../tensor/dtype.ts';
import type { OpName } from '../tensor/ops.ts';
import { CaseRandom, type ConformanceCase } from './conformance.ts';
import { lossMakers } from './conformance-loss-cases.ts';
import {
  cacheDTypes,
  errorBounds,
  int8DTypes,
  type Maker,
  makeCase,
  oddSizes,
  weightDTypes,
} from './conformance-maker.ts';
import { trainingMakers } from './conformance-training-cases.ts';
import { vectorMakers } from './conformance-vector-cases.ts';

const makeMatmul: Maker = (seed) =>
  weightDTypes.flatMap((dtype) => {
    const block = dtypes[dtype].blockSize;
    const columns =
      block === 1 ? [1, 17, 100, 523] : [block, 3 * block, Math.ceil(544 / block) * block];
    const shapes = [
      [5, 1],
      [1, 100],
      [2, 33],
      [3, 17],
      [17, 100],
      [33, 3],
      [100, 33],
    ] as const;
    return shapes.map(([rows, n], index) => {
      const k = columns[index % columns.length] as number;
      const name = `matmul ${dtype} [${rows}, ${k}] · [${n}, ${k}]`;
      const random = new CaseRandom(seed, name);
      return makeCase(name, 'matmul', {
        inputs: { x: { dims: ['rows', k], data: random.floats(rows * k) } },
        weights: {
          w: random.tensor(
            dtype,
            [n, k].map((size) => size),
          ),
        },
        order: ['x', 'w'],
        sizes: { rows },
        bound: errorBounds.product,
      });
    });
  });

const makeEmbed: Maker = (seed) =>
  weightDTypes.flatMap((dtype) =>
    oddSizes.map((rows, index) => {
      const block = dtypes[dtype].blockSize;
      const dim = block === 1 ? (oddSizes[4 - index] as number) : block * (1 + (index % 3));
      const name = `embed ${dtype} ${rows} rows of ${dim}`;
      const random = new CaseRandom(seed, name);
      return makeCase(name, 'embed', {
        inputs: { ids: { dims: ['rows'], data: random.integers(rows, 33) } },
        weights: { table: random.tensor(dtype, [33, dim]) },
        order: ['table', 'ids'],
        sizes: { rows },
        bound: errorBounds.exact,
      });
    }),
  );

const makeTakeRows: Maker = (seed) =>
  [0, ...oddSizes].map((dim) => {
    const name = dim === 0 ? 'take_rows of a vector' : `take_rows of ${dim}`;
    const random = new CaseRandom(seed, name);
    return makeCase(name, 'take_rows', {
      inputs: {
        x: { dims: dim === 0 ? ['rows'] : ['rows', dim], data: random.floats(17 * (dim || 1)) },
        index: { dims: ['outputs'], data: random.integers(5, 17) },
      },
      order: ['x', 'index'],
      sizes: { rows: 17, outputs: 5 },
      bound: errorBounds.exact,
    });
  });

const makeRmsNorm: Maker = (seed) =>
  [...oddSizes, 1040].map((dim) => {
    const name = `rms_norm of ${dim}`;
    const random = new CaseRandom(seed, name);
    return makeCase(name, 'rms_norm', {
      inputs: { x: { dims: ['rows', dim], data: random.floats(5 * dim) } },
      weights: { w: random.tensor('f32', [dim]) },
      order: ['x', 'w'],
      sizes: { rows: 5 },
      attributes: { eps: 1e-5 },
      bound: errorBounds.elementwise,
    });
  });

const makeAddRmsNorm: Maker = (seed) =>
  oddSizes.map((dim) => {
    const name = `add_rms_norm of ${dim}`;
    const random = new CaseRandom(seed, name);
    const operand = () => ({ dims: ['rows', dim] as const, data: random.floats(5 * dim) });
    return makeCase(name, 'add_rms_norm', {
      inputs: { x: operand(), y: operand() },
      weights: { w: random.tensor('f32', [dim]) },
      order: ['x', 'y', 'w'],
      sizes: { rows: 5 },
      attributes: { eps: 1e-6 },
      bound: errorBounds.elementwise,
    });
  });

const headDims = [2, 6, 34, 64, 128] as const;

const makeRopeTable: Maker = (seed) =>
  headDims.map((headDim) => {
    const name = `rope_table for heads of ${headDim}`;
    const random = new CaseRandom(seed, name);
    const frequencies = random.floats((3 * headDim) / 2).map((x) => Math.abs(x) * 0.3);
    return makeCase(name, 'rope_table', {
      inputs: {
        positions: { dims: ['rows'], data: random.integers(17, 131072) },
        sequence: { dims: ['rows'], data: random.integers(17, 3) },
        frequencies: { dims: ['sequences', headDim / 2], data: frequencies },
      },
      order: ['positions', 'sequence', 'frequencies'],
      sizes: { rows: 17, sequences: 3 },
      attributes: { scale: 1.25 },
      bound: errorBounds.elementwise,
    });
  });

function makeRope(op: OpName): Maker {
  return (seed) =>
    headDims.map((headDim) => {
      const name = `${op} of heads of ${headDim}`;
      const random = new CaseRandom(seed, name);
      return makeCase(name, op, {
        inputs: {
          x: { dims: ['rows', 3 * headDim], data: random.floats(17 * 3 * headDim) },
          table: { dims: ['rows', headDim], data: random.floats(17 * headDim) },
        },
        order: ['x', 'table'],
        sizes: { rows: 17 },
        bound: errorBounds.elementwise,
      });
    });
}

const makeCacheWrite: Maker = (seed) =>
  cacheDTypes.flatMap((dtype) =>
    [2, 17, 96, 320, 544]
      .filter((width) => fitsBlocks(dtype, width))
      .map((width) => {
        const name = `cache_write ${dtype} of ${width}`;
        const random = new CaseRandom(seed, name);
        return makeCase(name, 'cache_write', {
          inputs: {
            x: { dims: ['rows', width], data: random.floats(9 * width) },
            // Some slots twice: the later row stays.
            slots: { dims: ['rows'], data: random.integers(9, 12) },
          },
          states: { cache: random.tensor(dtype, [12, width]) },
          order: ['x', 'cache', 'slots'],
          sizes: { rows: 9 },
          bound: errorBounds.exact,
        });
      }),
  );

interface AttentionGeometry {
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly pageSize: number;
  readonly window: number;
  /** Positions asked for, sequence by sequence. */
  readonly positions: readonly (readonly number[])[];
}

const countUp = (first: number, count: number): number[] =>
  Array.from({ length: count }, (_, index) => first + index);

const attentionGeometries: readonly AttentionGeometry[] = [
  { heads: 1, kvHeads: 1, headDim: 2, pageSize: 1, window: 0, positions: [[0]] },
  { heads: 3, kvHeads: 3, headDim: 6, pageSize: 3, window: 0, positions: [countUp(0, 9)] },
  { heads: 4, kvHeads: 2, headDim: 34, pageSize: 16, window: 0, positions: [[63], [64], [200]] },
  { heads: 8, kvHeads: 1, headDim: 64, pageSize: 32, window: 0, positions: [countUp(0, 70), [5]] },
  { heads: 4, kvHeads: 4, headDim: 128, pageSize: 64, window: 0, positions: [countUp(120, 30)] },
  {
    heads: 6,
    kvHeads: 2,
    headDim: 32,
    pageSize: 16,
    window: 5,
    positions: [countUp(0, 20), [150]],
  },
  { heads: 2, kvHeads: 1, headDim: 96, pageSize: 7, window: 70, positions: [countUp(90, 50), [3]] },
  { heads: 32, kvHeads: 1, headDim: 32, pageSize: 8, window: 0, positions: [[100, 101], [0]] },
];

/** Attention over pages in random order, with pages no row may look at. */
export function makeAttentionCase(
  seed: number,
  dtype: WeightDType,
  geometry: AttentionGeometry,
): ConformanceCase {
  const { heads, kvHeads, headDim, pageSize, window, positions } = geometry;
  const spans = positions.map((list) => `${list[0]}–${list.at(-1)}`).join(' and ');
  const name = `attention ${dtype} ${heads}/${kvHeads} heads of ${headDim}, pages of ${pageSize}, window ${window}, positions ${spans}`;
  const random = new CaseRandom(seed, name);
  const rows = positions.flat().length;
  const needed = positions.map((list) => Math.floor(Math.max(...list) / pageSize) + 1);
  const pages = Math.max(...needed);
  const starts = positions.map((list) =>
    window > 0 ? Math.floor(Math.max(0, Math.min(...list) - window + 1) / pageSize) : 0,
  );
  const total = needed.reduce((sum, count) => sum + count, 0) + 2;
  const order = random.shuffled(total);
  let next = 0;
  // What lies beyond a sequence's pages, or before its window, is never looked at: it may hold anything.
  const table = needed.flatMap((count, sequence) =>
    countUp(0, pages).map((page) =>
      page >= (starts[sequence] as number) && page < count ? (order[next++] as number) : -1,
    ),
  );
  const shape = [total * pageSize, kvHeads * headDim];
  return makeCase(name, 'attention', {
    inputs: {
      q: { dims: ['rows', heads * headDim], data: random.floats(rows * heads * headDim) },
      positions: { dims: ['rows'], data: Int32Array.from(positions.flat()) },
      sequence: {
        dims: ['rows'],
        data: Int32Array.from(positions.flatMap((list, sequence) => list.map(() => sequence))),
      },
      pageTable: { dims: ['sequences', 'pages'], data: Int32Array.from(table) },
    },
    states: { keys: random.tensor(dtype, shape), values: random.tensor(dtype, shape) },
    order: ['q', 'keys', 'values', 'positions', 'sequence', 'pageTable'],
    sizes: { rows, sequences: positions.length, pages },
    attributes: { heads, kvHeads, headDim, pageSize, scale: 1 / Math.sqrt(headDim), window },
    bound: errorBounds.attention,
  });
}

const makeAttention: Maker = (seed) =>
  cacheDTypes.flatMap((dtype) =>
    attentionGeometries
      .filter(({ headDim }) => fitsBlocks(dtype, headDim))
      .map((geometry) => makeAttentionCase(seed, dtype, geometry)),
  );

const makeAdjustLogits: Maker = (seed) =>
  oddSizes.map((vocab) => {
    const name = `adjust_logits of ${vocab}`;
    const random = new CaseRandom(seed, name);
    const count = 20;
    const where = Int32Array.from({ length: 2 * count }, (_, i) => random.below(i % 2 ? vocab : 3));
    const how = random.floats(2 * count).map((x, i) => (i === 7 ? -Infinity : Math.abs(x) + 0.5));
    return makeCase(name, 'adjust_logits', {
      inputs: {
        logits: { dims: ['outputs', vocab], data: random.floats(3 * vocab) },
        where: { dims: ['adjustments', 2], data: where },
        how: { dims: ['adjustments', 2], data: how },
      },
      order: ['logits', 'where', 'how'],
      sizes: { outputs: 3, adjustments: count },
      bound: errorBounds.exact,
    });
  });

const makeMaskLogits: Maker = (seed) =>
  [...oddSizes, 1003].map((vocab) => {
    const name = `mask_logits of ${vocab}`;
    const random = new CaseRandom(seed, name);
    const words = Math.ceil(vocab / 32);
    // A row of random bits, one that allows everything, one that allows nothing.
    const bits = Int32Array.from({ length: 3 * words }, (_, i) =>
      i < words ? random.below(2 ** 32) | 0 : i < 2 * words ? -1 : 0,
    );
    return makeCase(name, 'mask_logits', {
      inputs: {
        logits: { dims: ['outputs', vocab], data: random.floats(3 * vocab) },
        bits: { dims: ['outputs', words], data: bits },
      },
      order: ['logits', 'bits'],
      sizes: { outputs: 3 },
      bound: errorBounds.exact,
    });
  });

const makeLoraAdd: Maker = (seed) =>
  [
    [1, 1, 1, 1],
    [2, 4, 17, 33],
    [3, 16, 100, 5],
    [1, 5, 33, 144],
  ].map(([slots = 1, rank = 1, n = 1, k = 1]) => {
    const name = `lora_add of ${slots} × rank ${rank}, [${n}, ${k}]`;
    const random = new CaseRandom(seed, name);
    const rows = 7;
    const scales = random.tensor('f32', [slots + 1]);
    return makeCase(name, 'lora_add', {
      inputs: {
        y: { dims: ['rows', n], data: random.floats(rows * n) },
        x: { dims: ['rows', k], data: random.floats(rows * k) },
        adapter: { dims: ['rows'], data: random.integers(rows, slots + 1) },
      },
      weights: {
        down: random.tensor('f32', [slots * rank, k]),
        up: random.tensor('f32', [slots * rank, n]),
        scales,
      },
      order: ['y', 'x', 'down', 'up', 'scales', 'adapter'],
      sizes: { rows },
      bound: errorBounds.product,
    });
  });

const makeTopK: Maker = (seed) =>
  [1, 5, 40, 256].flatMap((k) =>
    [...oddSizes, 1003].map((n) => {
      const name = `top_k ${k} of ${n}`;
      const random = new CaseRandom(seed, name);
      // Rounded, so that many are equal.
      const data = random.floats(4 * n).map((x) => Math.round(x * 20) / 20);
      return makeCase(name, 'top_k', {
        inputs: { x: { dims: ['rows', n], data } },
        order: ['x'],
        sizes: { rows: 4 },
        attributes: { k },
        bound: errorBounds.exact,
      });
    }),
  );

const makeLogSumExp: Maker = (seed) =>
  [...oddSizes, 2003].map((n) => {
    const name = `log_sum_exp of ${n}`;
    const random = new CaseRandom(seed, name);
    return makeCase(name, 'log_sum_exp', {
      inputs: {
        x: { dims: ['rows', n], data: random.floats(4 * n).map((x) => x * 8) },
        factor: { dims: ['rows'], data: Float32Array.of(1, 0.7, 3, 0) },
      },
      order: ['x', 'factor'],
      sizes: { rows: 4 },
      bound: errorBounds.elementwise,
    });
  });

const makePick: Maker = (seed) =>
  oddSizes.map((n) => {
    const name = `pick of ${n}`;
    const random = new CaseRandom(seed, name);
    return makeCase(name, 'pick', {
      inputs: {
        x: { dims: ['rows', n], data: random.floats(9 * n) },
        ids: { dims: ['rows'], data: random.integers(9, n) },
      },
      order: ['x', 'ids'],
      sizes: { rows: 9 },
      bound: errorBounds.exact,
    });
  });

const makers: Readonly<Partial<Record<OpName, Maker>>> = {
  embed: makeEmbed,
  matmul: makeMatmul,
  take_rows: makeTakeRows,
  rms_norm: makeRmsNorm,
  add_rms_norm: makeAddRmsNorm,
  rope_table: makeRopeTable,
  rope: makeRope('rope'),
  rope_inverse: makeRope('rope_inverse'),
  cache_write: makeCacheWrite,
  attention: makeAttention,
  adjust_logits: makeAdjustLogits,
  mask_logits: makeMaskLogits,
  lora_add: makeLoraAdd,
  top_k: makeTopK,
  log_sum_exp: makeLogSumExp,
  pick: makePick,
  ...vectorMakers,
  ...trainingMakers,
  ...lossMakers,
};

/** The cases of matmul with weights that int8 kernels take, computed by these. */
export function int8Cases(seed: number): ConformanceCase[] {
  return makeMatmul(seed)
    .filter(({ tensors }) => int8DTypes.includes(tensors['w']?.dtype ?? 'f32'))
    .map((original) => ({
      ...original,
      name: `${original.name}, int8`,
      activations: 'int8' as const,
      bound: errorBounds.int8,
    }));
}

/** Every case of an op. */
export function conformanceCases(op: OpName, seed: number): ConformanceCase[] {
  return makers[op]?.(seed) ?? [];
}
