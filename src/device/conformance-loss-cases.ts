// Conformance cases of losses and their gradients, up to odd vocabularies.
import { dtypes, fitsBlocks } from '../tensor/dtype.ts';
import { readAll } from '../tensor/ops/op.ts';
import type { OpName } from '../tensor/ops.ts';
import { CaseRandom, type ConformanceCase } from './conformance.ts';
import {
  computeByReference,
  errorBounds,
  hostTensor,
  type Maker,
  makeCase,
  oddSizes,
  weightDTypes,
} from './conformance-maker.ts';

const vocabularies = [1, 7, 33, 259, 2003] as const;

function lossInputs(random: CaseRandom, outputs: number, vocab: number) {
  const logits = random.floats(outputs * vocab).map((x) => 3 * x);
  const targets = random.integers(outputs, vocab);
  const [, mass] = computeByReference(
    'cross_entropy',
    [hostTensor(logits, [outputs, vocab]), hostTensor(targets, [outputs])],
    [[outputs], [outputs]],
  );
  return {
    logits: { dims: ['outputs', vocab] as const, data: logits },
    targets: { dims: ['outputs'] as const, data: targets },
    mass: { dims: ['outputs'] as const, data: mass as Float32Array },
    dnll: { dims: ['outputs'] as const, data: random.floats(outputs) },
  };
}

const makeCrossEntropy: Maker = (seed) =>
  vocabularies.map((vocab) => {
    const name = `cross_entropy of ${vocab}`;
    const { logits, targets } = lossInputs(new CaseRandom(seed, name), 9, vocab);
    return makeCase(name, 'cross_entropy', {
      inputs: { logits, targets },
      order: ['logits', 'targets'],
      sizes: { outputs: 9 },
      bound: errorBounds.attention,
    });
  });

const makeCrossEntropyGradient: Maker = (seed) =>
  vocabularies.map((vocab) => {
    const name = `cross_entropy_gradient of ${vocab}`;
    return makeCase(name, 'cross_entropy_gradient', {
      inputs: lossInputs(new CaseRandom(seed, name), 9, vocab),
      order: ['logits', 'targets', 'mass', 'dnll'],
      sizes: { outputs: 9 },
      bound: errorBounds.gradient,
    });
  });

// Every type at small sizes; f32 also beyond what a kernel computes at once.
function linearShapes(): { dtype: (typeof weightDTypes)[number]; sizes: readonly number[] }[] {
  const large = [
    [1, 2003, 24],
    [70, 259, 100],
    [300, 33, 17],
    [260, 16500, 3],
  ];
  return weightDTypes.flatMap((dtype) => {
    const dim = dtypes[dtype].blockSize === 1 ? 17 : dtypes[dtype].blockSize;
    const small = [[5, 37, dim]];
    return [...small, ...(dtype === 'f32' ? large : [])]
      .filter((sizes) => fitsBlocks(dtype, sizes[2] as number))
      .map((sizes) => ({ dtype, sizes }));
  });
}

function makeLinear(random: CaseRandom, { dtype, sizes }: ReturnType<typeof linearShapes>[number]) {
  const [outputs = 1, vocab = 1, dim = 1] = sizes;
  const weight = random.tensor(dtype, [vocab, dim]);
  // Logits of a few units, whatever the size of the type's random weights: larger ones would lose the
  // digits of e^(logit − mass) before it is computed.
  let squares = 0;
  for (const x of readAll({ ...weight, data: weightData(weight) })) squares += x * x;
  const length = Math.sqrt(squares / vocab);
  const data = random.floats(outputs * dim).map((x) => x * (2 / length));
  return {
    outputs,
    vocab,
    dim,
    hidden: { dims: ['outputs', dim] as const, data },
    weight,
    targets: { dims: ['outputs'] as const, data: random.integers(outputs, vocab) },
  };
}

const makeLinearCrossEntropy: Maker = (seed) =>
  linearShapes().map((shape) => {
    const name = `linear_cross_entropy ${shape.dtype} [${shape.sizes}]`;
    const { outputs, hidden, weight, targets } = makeLinear(new CaseRandom(seed, name), shape);
    return makeCase(name, 'linear_cross_entropy', {
      inputs: { hidden, targets },
      weights: { weight },
      order: ['hidden', 'weight', 'targets'],
      sizes: { outputs },
      bound: errorBounds.product,
    });
  });

const makeLinearCrossEntropyGradient: Maker = (seed) =>
  linearShapes().flatMap((shape) =>
    [0, 1].map((needsWeight): ConformanceCase => {
      const name = `linear_cross_entropy_gradient ${shape.dtype} [${shape.sizes}], needsWeight ${needsWeight}`;
      const random = new CaseRandom(seed, name);
      const { outputs, vocab, dim, hidden, weight, targets } = makeLinear(random, shape);
      const [logits] = computeByReference(
        'matmul',
        [hostTensor(hidden.data, [outputs, dim]), { ...weight, data: weightData(weight) }],
        [[outputs, vocab]],
      );
      const [, mass] = computeByReference(
        'cross_entropy',
        [hostTensor(logits as Float32Array, [outputs, vocab]), hostTensor(targets.data, [outputs])],
        [[outputs], [outputs]],
      );
      return makeCase(name, 'linear_cross_entropy_gradient', {
        inputs: {
          hidden,
          targets,
          mass: { dims: ['outputs'], data: mass as Float32Array },
          dnll: { dims: ['outputs'], data: random.floats(outputs) },
        },
        weights: { weight },
        order: ['hidden', 'weight', 'targets', 'mass', 'dnll'],
        sizes: { outputs },
        attributes: { needsWeight },
        bound: errorBounds.gradient,
      });
    }),
  );

function weightData({ dtype, bytes }: { dtype: string; bytes: Uint8Array }) {
  return dtype === 'f32' ? new Float32Array(bytes.slice().buffer) : bytes;
}

const makeLogSumExpGradient: Maker = (seed) =>
  [...oddSizes, 2003].map((n) => {
    const name = `log_sum_exp_gradient of ${n}`;
    const random = new CaseRandom(seed, name);
    const x = random.floats(4 * n).map((value) => value * 8);
    const factor = Float32Array.of(1, 0.7, 3, 0);
    const [mass] = computeByReference(
      'log_sum_exp',
      [hostTensor(x, [4, n]), hostTensor(factor, [4])],
      [[4]],
    );
    return makeCase(name, 'log_sum_exp_gradient', {
      inputs: {
        x: { dims: ['rows', n], data: x },
        factor: { dims: ['rows'], data: factor },
        mass: { dims: ['rows'], data: mass as Float32Array },
        dy: { dims: ['rows'], data: random.floats(4) },
      },
      order: ['x', 'factor', 'mass', 'dy'],
      sizes: { rows: 4 },
      bound: errorBounds.gradient,
    });
  });

const makePickGradient: Maker = (seed) =>
  oddSizes.map((n) => {
    const name = `pick_gradient of ${n}`;
    const random = new CaseRandom(seed, name);
    return makeCase(name, 'pick_gradient', {
      inputs: {
        dy: { dims: ['rows'], data: random.floats(9) },
        ids: { dims: ['rows'], data: random.integers(9, n) },
        like: { dims: ['rows', n], data: random.floats(9 * n) },
      },
      order: ['dy', 'ids', 'like'],
      sizes: { rows: 9 },
      bound: errorBounds.exact,
    });
  });

/** By op. */
export const lossMakers: Readonly<Partial<Record<OpName, Maker>>> = {
  cross_entropy: makeCrossEntropy,
  cross_entropy_gradient: makeCrossEntropyGradient,
  linear_cross_entropy: makeLinearCrossEntropy,
  linear_cross_entropy_gradient: makeLinearCrossEntropyGradient,
  log_sum_exp_gradient: makeLogSumExpGradient,
  pick_gradient: makePickGradient,
};
