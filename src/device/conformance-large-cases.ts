// Cases so large that threads share the work of every kernel: results are compared between numbers of
// threads, not with the reference, which would take minutes.
import type { OpName } from '../tensor/ops.ts';
import type { Attributes, Dim } from '../tensor/program.ts';
import { CaseRandom, type ConformanceCase, type ConformanceTensor } from './conformance.ts';
import { makeAttentionCase } from './conformance-cases.ts';
import { errorBounds, makeCase } from './conformance-maker.ts';
import type { HostArray } from './device.ts';

const rows = 400;
const width = 168;
const vocab = 700;
const heads = { heads: 6, kvHeads: 3, headDim: 28, scale: 0.2, window: 0 };

interface Operand {
  readonly dims: readonly Dim[];
  /** Whole numbers below this; absent: numbers. */
  readonly below?: number;
  readonly isPositive?: boolean;
}

interface LargeFields {
  /** By name, in the op's order. */
  readonly operands: Readonly<Record<string, Operand>>;
  /** Those of them that the op changes. */
  readonly states?: readonly string[];
  readonly attributes?: Attributes;
}

const matrix = { dims: ['rows', width] as const };
const hidden = { dims: ['outputs', width] as const };
const perRow = { dims: ['outputs'] as const };
const targets = { dims: ['outputs'] as const, below: vocab };
const logits = { dims: ['outputs', vocab] as const };
const head = { dims: [vocab, width] as const };
const keys = { dims: ['rows', heads.kvHeads * heads.headDim] as const };

const fields: Partial<Record<OpName, LargeFields>> = {
  matmul: { operands: { x: matrix, w: { dims: [200, width] } } },
  matmul_transposed: { operands: { dy: matrix, w: { dims: [width, 200] } } },
  outer_sum: { operands: { dy: matrix, x: { dims: ['rows', 200] } } },
  outer_sum_into: {
    operands: { dy: matrix, x: { dims: ['rows', 200] }, sum: { dims: [width, 200] } },
    states: ['sum'],
  },
  rms_norm_gradient: {
    operands: { x: matrix, w: { dims: [width] }, dy: matrix },
    attributes: { eps: 1e-5 },
  },
  swiglu_gradient: { operands: { gate: matrix, up: matrix, dy: matrix } },
  sum_rows: { operands: { x: matrix } },
  sum_squares: { operands: { x: matrix } },
  dropout: {
    operands: { x: matrix, seed: { dims: [2], below: 2 ** 31 } },
    attributes: { rate: 0.1, site: 3 },
  },
  segment_sum: {
    operands: { x: matrix, segment: { dims: ['rows'], below: vocab }, like: head },
  },
  cross_entropy: { operands: { logits, targets } },
  linear_cross_entropy: { operands: { hidden, weight: head, targets } },
  linear_cross_entropy_gradient: {
    operands: { hidden, weight: head, targets, mass: perRow, dnll: perRow },
    attributes: { needsWeight: 1 },
  },
  self_attention: {
    operands: { q: matrix, k: keys, v: keys, starts: { dims: ['rows'], below: 1 } },
    attributes: heads,
  },
  self_attention_gradient: {
    operands: {
      q: matrix,
      k: keys,
      v: keys,
      starts: { dims: ['rows'], below: 1 },
      out: matrix,
      mass: { dims: ['rows', heads.heads] },
      dout: matrix,
    },
    attributes: heads,
  },
  adamw: {
    operands: {
      weight: { dims: [rows, width] },
      m: { dims: [rows, width] },
      v: { dims: [rows, width], isPositive: true },
      gradient: { dims: [rows, width] },
      control: { dims: [6], isPositive: true },
    },
    states: ['weight', 'm', 'v', 'gradient'],
    attributes: { beta1: 0.9, beta2: 0.95, eps: 1e-8, decay: 0.1 },
  },
};

/** One case for each op whose work is cut into pieces in its own way. */
export function largeCases(seed: number): ConformanceCase[] {
  const positions = [Array.from({ length: 80 }, (_, index) => 60 + index), [300]];
  const geometry = { heads: 8, kvHeads: 4, headDim: 64, pageSize: 16, window: 0, positions };
  const made = Object.entries(fields).map(([op, each]) => make(op as OpName, each, seed));
  return [makeAttentionCase(seed, 'f16', geometry), ...made];
}

function make(op: OpName, { operands, states = [], attributes = {} }: LargeFields, seed: number) {
  const name = `${op}, large`;
  const random = new CaseRandom(seed, name);
  const inputs: Record<string, { dims: readonly Dim[]; data: HostArray }> = {};
  const stateTensors: Record<string, ConformanceTensor> = {};
  for (const [key, { dims, below, isPositive }] of Object.entries(operands)) {
    const shape = dims.map((dim) => (typeof dim === 'number' ? dim : rows));
    const count = shape.reduce((product, size) => product * size, 1);
    const numbers = below === undefined ? random.floats(count) : random.integers(count, below);
    const data = isPositive === true ? numbers.map(Math.abs) : numbers;
    if (states.includes(key)) {
      stateTensors[key] = { dtype: 'f32', shape, bytes: new Uint8Array(data.buffer) };
    } else {
      inputs[key] = { dims, data };
    }
  }
  return makeCase(name, op, {
    inputs,
    states: stateTensors,
    order: Object.keys(operands),
    sizes: { rows, outputs: rows },
    attributes,
    bound: errorBounds.exact,
  });
}
