// Every gradient rule against central differences: with float64 tensors the kernels round nothing, so a
// step of 1e-5 leaves errors of its square and of 1e-16 / 1e-5, both about 1e-10 of the result.
import { describe, expect, it } from 'vitest';
import { dimSizes, evaluateFloat64 } from '../../../test/evaluate-float64.ts';
import { random } from '../../base/random.ts';
import { gradient } from '../gradient.ts';
import { appendAll, type OpName, opNames, ops } from '../ops.ts';
import { type Attributes, type Dim, type DimSizes, ProgramBuilder } from '../program.ts';
import { detached } from './op.ts';

const sizes: DimSizes = dimSizes({ rows: 5, outputs: 3, sequences: 2 });
const step = 1e-5;
const tolerance = 1e-8;

interface GradientCase {
  /** Differentiable inputs in order; then the others, in order, with their contents. */
  readonly inputs: Readonly<Record<string, readonly Dim[]>>;
  readonly constants?: Readonly<
    Record<string, readonly [dims: readonly Dim[], data: readonly number[] | 'random']>
  >;
  readonly attributes?: Attributes;
  /** Outputs that may be differentiated; default: all. */
  readonly outputs?: readonly number[];
  /** Where the function is defined, or away from its corners. */
  readonly domain?: (x: number) => number;
}

const rowsOf = (width: number): readonly Dim[] => ['rows', width];
const both = { x: rowsOf(4), y: rowsOf(4) };
const repeated = { x: rowsOf(4), y: [4] };
const one = { inputs: { x: rowsOf(4) } };
const seed = { seed: [[2], [7, -9]] } as const;
const heads = { headDim: 4, scale: 0.5, window: 0 };
const qkv = (heads: number, kvHeads: number) => ({
  q: rowsOf(heads * 4),
  k: rowsOf(kvHeads * 4),
  v: rowsOf(kvHeads * 4),
});
const starts = { starts: [['rows'], [0, 0, 2, 2, 2]] } as const;

const cases: Partial<Record<OpName, readonly GradientCase[]>> = {
  embed: [{ inputs: { table: [6, 3] }, constants: { ids: [['rows'], [5, 0, 5, 2, 5]] } }],
  matmul: [{ inputs: { x: rowsOf(3), w: [4, 3] } }],
  matmul_transposed: [{ inputs: { dy: rowsOf(4), w: [4, 3] } }],
  outer_sum: [{ inputs: { dy: rowsOf(4), x: rowsOf(3) } }],
  take_rows: [
    { inputs: { x: rowsOf(3) }, constants: { index: [['outputs'], [4, 1, 4]] } },
    { inputs: { x: ['rows'] }, constants: { index: [['outputs'], [4, 1, 4]] } },
  ],
  segment_sum: [
    {
      inputs: { x: rowsOf(3) },
      constants: { segment: [['rows'], [1, 0, 1, 1, 0]], like: [['sequences', 1], 'random'] },
    },
    {
      inputs: { x: ['rows'] },
      constants: { segment: [['rows'], [1, 1, 1, 1, 1]], like: [['sequences'], 'random'] },
    },
  ],
  add: [{ inputs: both }, { inputs: repeated }],
  sub: [{ inputs: both }, { inputs: repeated }],
  mul: [{ inputs: both }, { inputs: repeated }],
  minimum: [{ inputs: both }, { inputs: repeated }],
  maximum: [{ inputs: both }, { inputs: repeated }],
  scale: [{ ...one, attributes: { factor: -0.7 } }],
  silu: [{ ...one, domain: (x) => 5 * x }],
  swiglu: [{ inputs: both }],
  exp: [one],
  log: [{ ...one, domain: (x) => Math.abs(x) + 0.1 }],
  log_sigmoid: [{ ...one, domain: (x) => 5 * x }],
  square: [one],
  sqrt: [{ ...one, domain: (x) => Math.abs(x) + 0.1 }],
  reciprocal: [{ ...one, domain: (x) => x + 2 * Math.sign(x) }],
  clip: [{ ...one, attributes: { low: -0.3, high: 0.4 } }],
  rms_norm: [{ inputs: { x: rowsOf(4), weight: [4] }, attributes: { eps: 0.01 } }],
  rope: [{ inputs: { x: rowsOf(8) }, constants: { table: [rowsOf(4), 'random'] } }],
  rope_inverse: [{ inputs: { x: rowsOf(8) }, constants: { table: [rowsOf(4), 'random'] } }],
  self_attention: [
    {
      inputs: qkv(1, 1),
      constants: starts,
      attributes: { ...heads, heads: 1, kvHeads: 1 },
      outputs: [0],
    },
    {
      inputs: qkv(4, 2),
      constants: starts,
      attributes: { ...heads, heads: 4, kvHeads: 2 },
      outputs: [0],
    },
    {
      inputs: qkv(2, 1),
      constants: { starts: [['rows'], [0, 0, 0, 0, 0]] },
      attributes: { ...heads, heads: 2, kvHeads: 1, window: 3 },
      outputs: [0],
    },
  ],
  cross_entropy: [
    {
      inputs: { logits: ['outputs', 7] },
      constants: { targets: [['outputs'], [6, 0, 3]] },
      outputs: [0],
    },
  ],
  linear_cross_entropy: [
    {
      inputs: { hidden: ['outputs', 4], weight: [7, 4] },
      constants: { targets: [['outputs'], [6, 0, 3]] },
      outputs: [0],
    },
  ],
  log_sum_exp: [{ inputs: { x: rowsOf(6) }, constants: { factor: [['rows'], 'random'] } }],
  pick: [{ inputs: { x: rowsOf(6) }, constants: { ids: [['rows'], [5, 0, 5, 2, 1]] } }],
  dot: [{ inputs: { x: ['rows'], y: ['rows'] } }, { inputs: both }],
  sum: [one],
  mean: [one],
  sum_rows: [one],
  broadcast: [
    { inputs: { x: [1] }, constants: { like: [rowsOf(4), 'random'] }, attributes: { mean: 0 } },
    { inputs: { x: [1] }, constants: { like: [['rows'], 'random'] }, attributes: { mean: 1 } },
    { inputs: { x: [4] }, constants: { like: [rowsOf(4), 'random'] }, attributes: { mean: 0 } },
  ],
  whiten: [
    { inputs: { x: ['rows'] }, attributes: { eps: 0.01, keepMean: 0 } },
    { inputs: { x: ['rows'] }, attributes: { eps: 0.01, keepMean: 1 } },
  ],
  dropout: [{ ...one, constants: seed, attributes: { rate: 0.4, site: 3 } }],
};

const withRule = opNames.filter((op) => {
  const { gradient: rule } = ops[op];
  return rule !== undefined && rule !== detached;
});

const resolve = (dims: readonly Dim[]): number =>
  dims.reduce<number>((count, dim) => count * (typeof dim === 'number' ? dim : sizes[dim]), 1);

/** Numbers in (−1, 1), the same for the same key. */
const numbers = (count: number, key: number): Float64Array =>
  Float64Array.from({ length: count }, (_, i) => 2 * random(20261124, key, i) - 1);

function checkCase(op: OpName, test: GradientCase): void {
  const builder = new ProgramBuilder(op);
  const { inputs, constants = {}, domain = (x: number) => x } = test;
  const given: Record<string, Float64Array | Int32Array> = {};
  for (const [index, [name, dims]] of Object.entries(inputs).entries()) {
    builder.input(name, 'f32', dims);
    given[name] = numbers(resolve(dims), index).map(domain);
  }
  for (const [name, [dims, data]] of Object.entries(constants)) {
    const dtype = data === 'random' ? 'f32' : 'i32';
    builder.input(name, dtype, dims);
    given[name] = data === 'random' ? numbers(resolve(dims), 50) : Int32Array.from(data);
  }
  const all = {
    ...inputs,
    ...Object.fromEntries(Object.entries(constants).map(([n, c]) => [n, c[0]])),
  };
  const operands = Object.keys(all).map((name) => {
    const data = given[name];
    return builder.input(name, data instanceof Int32Array ? 'i32' : 'f32', all[name] ?? []);
  });
  // Each output times random numbers, all added up.
  const made = appendAll(builder, op, operands, test.attributes);
  const parts = (test.outputs ?? made.map((_, index) => index)).map((index) => {
    const output = made[index];
    if (output === undefined) throw new Error(`${op} has no output ${index}`);
    const weights = builder.input(`weights${index}`, 'f32', output.shape);
    given[`weights${index}`] = numbers(resolve(output.shape), 100 + index);
    return appendAll(builder, 'dot', [output, weights])[0];
  });
  const loss = parts.reduce((a, b) => (a && b ? appendAll(builder, 'add', [a, b])[0] : undefined));
  if (loss === undefined) throw new Error('no loss');
  builder.output('loss', loss);
  const program = builder.build();

  const names = Object.keys(inputs);
  const found = evaluateFloat64(gradient(program, 'loss', names), given, sizes);
  for (const name of names) {
    const x = given[name] as Float64Array;
    const expected = x.map((value, i) => {
      const lossAt = (moved: number): number => {
        const changed = x.slice();
        changed[i] = moved;
        return evaluateFloat64(program, { ...given, [name]: changed }, sizes)['loss']?.[0] ?? NaN;
      };
      return (lossAt(value + step) - lossAt(value - step)) / (2 * step);
    });
    const slopes = found[`gradient.${name}`] ?? new Float64Array();
    expect(slopes).toHaveLength(x.length);
    for (const [i, slope] of slopes.entries()) {
      const error = Math.abs(slope - (expected[i] as number));
      expect(error, `${op}: d${name}[${i}] is ${slope}, not ${expected[i]}`).toBeLessThan(
        tolerance,
      );
    }
  }
}

describe('gradient rules', () => {
  it.each(withRule)('gives %s the slope that small steps find', (op) => {
    const found = cases[op] ?? [];
    expect(found.length, `${op} has a gradient but no case here`).toBeGreaterThan(0);
    for (const test of found) checkCase(op, test);
  });
});
