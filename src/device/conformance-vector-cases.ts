// Conformance cases of element-wise ops, functions, reductions and what changes buffers in place.
import { quantize } from '../tensor/codecs/codec.ts';
import type { OpName } from '../tensor/ops.ts';
import type { Attributes, Dim } from '../tensor/program.ts';
import { CaseRandom } from './conformance.ts';
import { errorBounds, type Maker, makeCase, oddSizes } from './conformance-maker.ts';

function makeBinary(
  op: OpName,
  bound: number,
  seconds: readonly ('rows' | 'repeated')[] = ['rows', 'repeated'],
): Maker {
  return (seed) =>
    oddSizes.flatMap((dim) =>
      seconds.map((second) => {
        const rows = 7;
        const name = `${op} of ${dim}, second operand ${second}`;
        const random = new CaseRandom(seed, name);
        const y =
          second === 'rows'
            ? { dims: ['rows', dim] as const, data: random.floats(rows * dim) }
            : { dims: [dim], data: random.floats(dim) };
        return makeCase(name, op, {
          inputs: { x: { dims: ['rows', dim], data: random.floats(rows * dim) }, y },
          order: ['x', 'y'],
          sizes: { rows },
          bound,
        });
      }),
    );
}

function makeUnary(
  op: OpName,
  attributes: Attributes,
  bound: number = errorBounds.elementwise,
): Maker {
  return (seed) =>
    oddSizes.map((dim) => {
      const name = `${op} of ${dim}`;
      const random = new CaseRandom(seed, name);
      // Large values too: e^x under- and overflows.
      const data = random.floats(9 * dim).map((x, i) => (i % 5 === 0 ? x * 60 : x));
      return makeCase(name, op, {
        inputs: { x: { dims: ['rows', dim], data } },
        order: ['x'],
        sizes: { rows: 9 },
        attributes,
        bound,
      });
    });
}

// Where the logarithm and the root are defined, and a few where they are not.
function makePositive(op: OpName): Maker {
  return (seed) =>
    oddSizes.map((dim) => {
      const name = `${op} of ${dim}`;
      const random = new CaseRandom(seed, name);
      const spread = random.floats(9 * dim).map((x, i) => (i % 31 === 30 ? x : Math.exp(4 * x)));
      return makeCase(name, op, {
        inputs: { x: { dims: ['rows', dim], data: spread } },
        order: ['x'],
        sizes: { rows: 9 },
        bound: errorBounds.elementwise,
      });
    });
}

// Equal operands here and there, for comparisons.
function makeComparison(op: OpName): Maker {
  return (seed) =>
    makeBinary(
      op,
      errorBounds.exact,
    )(seed).map((made) => {
      const { x, y } = made.inputs as { x: Float32Array; y: Float32Array };
      const equal = x.map((value, i) => (i % 3 === 0 ? (y[i % y.length] as number) : value));
      return { ...made, inputs: { x: equal, y } };
    });
}

const lengths = [1, 5, 100, 4099, 70001] as const;

// Vectors and matrices, down to one number.
function makeReduction(op: OpName, count: 1 | 2): Maker {
  return (seed) =>
    lengths.flatMap((length) =>
      (length === 100 ? [1, 17] : [1]).map((width) => {
        const name = `${op} of ${length} times ${width}`;
        const random = new CaseRandom(seed, name);
        const dims: readonly Dim[] = width === 1 ? ['outputs'] : ['outputs', width];
        // Mostly of one sign, so that the sum does not cancel.
        const operand = () => ({ dims, data: random.floats(length * width).map((x) => x + 0.5) });
        return makeCase(name, op, {
          inputs: count === 1 ? { x: operand() } : { x: operand(), y: operand() },
          order: count === 1 ? ['x'] : ['x', 'y'],
          sizes: { outputs: length },
          bound: errorBounds.product,
        });
      }),
    );
}

const makeSumRows: Maker = (seed) =>
  [...oddSizes, 1040].flatMap((dim) =>
    [1, 7, 150].map((rows) => {
      const name = `sum_rows of ${rows} rows of ${dim}`;
      const random = new CaseRandom(seed, name);
      return makeCase(name, 'sum_rows', {
        inputs: { x: { dims: ['rows', dim], data: random.floats(rows * dim) } },
        order: ['x'],
        sizes: { rows },
        bound: errorBounds.product,
      });
    }),
  );

const makeBroadcast: Maker = (seed) =>
  [
    { width: 1, like: ['rows'], mean: 0 },
    { width: 1, like: ['rows'], mean: 1 },
    { width: 1, like: ['rows', 33], mean: 1 },
    { width: 17, like: ['rows', 17], mean: 0 },
    { width: 100, like: ['rows', 100], mean: 0 },
  ].map(({ width, like, mean }) => {
    const name = `broadcast of ${width} to [${like}], mean ${mean}`;
    const random = new CaseRandom(seed, name);
    const count = 7 * Number(like[1] ?? 1);
    return makeCase(name, 'broadcast', {
      inputs: {
        x: { dims: [width], data: random.floats(width) },
        like: { dims: like as readonly Dim[], data: random.floats(count) },
      },
      order: ['x', 'like'],
      sizes: { rows: 7 },
      attributes: { mean },
      bound: mean === 1 ? errorBounds.elementwise : errorBounds.exact,
    });
  });

function makeWhiten(op: OpName): Maker {
  return (seed) =>
    [2, 5, 100, 4099].flatMap((length) =>
      [0, 1].map((keepMean) => {
        const name = `${op} of ${length}, keepMean ${keepMean}`;
        const random = new CaseRandom(seed, name);
        const operand = () => ({
          dims: ['outputs'] as const,
          data: random.floats(length).map((x) => 2 * x + 1),
        });
        return makeCase(name, op, {
          inputs: op === 'whiten' ? { x: operand() } : { x: operand(), dy: operand() },
          order: op === 'whiten' ? ['x'] : ['x', 'dy'],
          sizes: { outputs: length },
          attributes: { eps: 1e-8, keepMean },
          bound: errorBounds.gradient,
        });
      }),
    );
}

const makeDropout: Maker = (seed) =>
  [
    { dim: 1, rate: 0.5, site: 0 },
    { dim: 17, rate: 0.1, site: 1 },
    { dim: 103, rate: 0, site: 2 },
    { dim: 1040, rate: 0.9, site: 2 ** 31 },
  ].map(({ dim, rate, site }) => {
    const name = `dropout of ${dim}, rate ${rate}, site ${site}`;
    const random = new CaseRandom(seed, name);
    return makeCase(name, 'dropout', {
      inputs: {
        x: { dims: ['rows', dim], data: random.floats(7 * dim) },
        seed: { dims: [2], data: Int32Array.of(random.below(2 ** 31), -random.below(2 ** 31)) },
      },
      order: ['x', 'seed'],
      sizes: { rows: 7 },
      attributes: { rate, site },
      bound: errorBounds.elementwise,
    });
  });

const makeSiluGradient: Maker = (seed) =>
  makeBinary('silu_gradient', errorBounds.gradient, ['rows'])(seed).map((made) => {
    const { x, y } = made.inputs as { x: Float32Array; y: Float32Array };
    return { ...made, inputs: { x: x.map((value, i) => (i % 5 === 0 ? value * 60 : value)), y } };
  });

const makeSwigluGradient: Maker = (seed) =>
  oddSizes.map((dim) => {
    const name = `swiglu_gradient of ${dim}`;
    const random = new CaseRandom(seed, name);
    const operand = () => ({ dims: ['rows', dim] as const, data: random.floats(9 * dim) });
    return makeCase(name, 'swiglu_gradient', {
      inputs: { gate: operand(), up: operand(), dy: operand() },
      order: ['gate', 'up', 'dy'],
      sizes: { rows: 9 },
      bound: errorBounds.gradient,
    });
  });

const stateShapes = [[1], [33], [17, 100], [100, 1040]] as const;

// Ops that change one state, given another buffer of its shape or none.
function makeChange(
  op: OpName,
  source: 'input' | 'state' | 'none',
  attributes: Attributes = {},
): Maker {
  return (seed) =>
    stateShapes.map((shape) => {
      const name = `${op} of [${shape}]`;
      const random = new CaseRandom(seed, name);
      const count = shape.reduce<number>((product, size) => product * size, 1);
      const changed = random.tensor('f32', shape);
      const other = random.tensor('f32', shape);
      return makeCase(name, op, {
        inputs: source === 'input' ? { x: { dims: shape, data: random.floats(count) } } : {},
        states: source === 'state' ? { changed, other } : { changed },
        order: { input: ['x', 'changed'], state: ['changed', 'other'], none: ['changed'] }[source],
        sizes: {},
        attributes,
        bound: op === 'ema' ? errorBounds.elementwise : errorBounds.exact,
      });
    });
}

const makeSumSquares: Maker = (seed) =>
  stateShapes.map((shape) => {
    const name = `sum_squares of [${shape}]`;
    return makeCase(name, 'sum_squares', {
      inputs: {},
      states: { x: new CaseRandom(seed, name).tensor('f32', shape) },
      order: ['x'],
      sizes: {},
      bound: errorBounds.elementwise,
    });
  });

const makeAdamw: Maker = (seed) =>
  (['f32', 'q8_0'] as const).flatMap((dtype) =>
    [[1], [32], [33], [17, 96], [40, 1024]]
      .filter((shape) => dtype === 'f32' || (shape.at(-1) as number) % 32 === 0)
      .map((shape) => {
        const name = `adamw ${dtype} of [${shape}]`;
        const random = new CaseRandom(seed, name);
        const gradient = random.tensor('f32', shape);
        const count = shape.reduce((product, size) => product * size, 1);
        // The second moment of gradients is not negative.
        const squares = random.floats(count).map((x) => x * x);
        return makeCase(name, 'adamw', {
          inputs: {
            control: { dims: [6], data: Float32Array.of(3e-3, 0.7, 0.271, 0.142625, 0, 0) },
          },
          states: {
            weight: random.tensor('f32', shape),
            m: { dtype, shape, bytes: quantize(dtype, random.floats(count)) },
            v: { dtype, shape, bytes: quantize(dtype, squares) },
            gradient,
          },
          order: ['weight', 'm', 'v', 'gradient', 'control'],
          sizes: {},
          attributes: { beta1: 0.9, beta2: 0.95, eps: 1e-5, decay: 0.1 },
          bound: errorBounds.gradient,
        });
      }),
  );

/** By op. */
export const vectorMakers: Readonly<Partial<Record<OpName, Maker>>> = {
  add: makeBinary('add', errorBounds.exact),
  sub: makeBinary('sub', errorBounds.exact),
  mul: makeBinary('mul', errorBounds.exact),
  minimum: makeComparison('minimum'),
  maximum: makeComparison('maximum'),
  not_above: makeComparison('not_above'),
  not_below: makeComparison('not_below'),
  scale: makeUnary('scale', { factor: 0.37 }),
  silu: makeUnary('silu', {}),
  silu_gradient: makeSiluGradient,
  swiglu: makeBinary('swiglu', errorBounds.elementwise),
  swiglu_gradient: makeSwigluGradient,
  exp: makeUnary('exp', {}),
  log: makePositive('log'),
  log_sigmoid: makeUnary('log_sigmoid', {}),
  square: makeUnary('square', {}),
  sqrt: makePositive('sqrt'),
  reciprocal: makeUnary('reciprocal', {}),
  clip: makeUnary('clip', { low: -0.8, high: 1.2 }, errorBounds.exact),
  inside: makeUnary('inside', { low: -0.8, high: 1.2 }, errorBounds.exact),
  fill: makeUnary('fill', { value: 0.3 }, errorBounds.exact),
  dot: makeReduction('dot', 2),
  sum: makeReduction('sum', 1),
  mean: makeReduction('mean', 1),
  sum_rows: makeSumRows,
  broadcast: makeBroadcast,
  whiten: makeWhiten('whiten'),
  whiten_gradient: makeWhiten('whiten_gradient'),
  dropout: makeDropout,
  accumulate: makeChange('accumulate', 'input'),
  zero: makeChange('zero', 'none'),
  ema: makeChange('ema', 'state', { decay: 0.99 }),
  sum_squares: makeSumSquares,
  adamw: makeAdamw,
};
