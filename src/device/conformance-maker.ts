// How a conformance case of one op is made, and the error bounds and odd sizes that cases share.
import { invariant } from '../base/invariant.ts';
import { dtypeNames, type WeightDType } from '../tensor/dtype.ts';
import type { HostTensor } from '../tensor/ops/op.ts';
import { appendAll, type OpName, ops } from '../tensor/ops.ts';
import {
  type Attributes,
  type Dim,
  type DimSizes,
  ProgramBuilder,
  type Value,
} from '../tensor/program.ts';
import type { ConformanceCase, ConformanceTensor } from './conformance.ts';
import type { HostArray } from './device.ts';

/**
 * Allowed normalised squared error against float64 arithmetic, by what the kernel does. A product sums
 * k rounding errors of 2⁻²⁴ each: about 1e-14 over many elements, but a single one may cancel to a
 * hundredth of its terms. Dequantising is exact for every type, so one bound serves all of them.
 */
export const errorBounds = {
  exact: 0,
  elementwise: 1e-13,
  product: 1e-10,
  attention: 1e-11,
  // A block's largest number becomes 127: of normal numbers about 2e-5 of the power is lost.
  int8: 5e-4,
  gradient: 1e-10,
} as const;

/** Types whose products may round activations to int8. */
export const int8DTypes: readonly WeightDType[] = [
  'q4_0',
  'q4_1',
  'q5_0',
  'q5_1',
  'q8_0',
  'q4_k',
  'q5_k',
  'q6_k',
];

/** Every type a weight matrix may have. */
export const weightDTypes: readonly WeightDType[] = dtypeNames.filter((name) => name !== 'i32');

/** Types of a cache that every device has. */
export const cacheDTypes: readonly WeightDType[] = ['f32', 'f16', 'q8_0'];

/** Symbolic dimensions that a case does not use. */
const noSizes: DimSizes = { rows: 1, outputs: 1, sequences: 1, pages: 1, adjustments: 1 };

/** What a case of one op is made of. */
export interface CaseFields {
  readonly inputs: Readonly<Record<string, { dims: readonly Dim[]; data: HostArray }>>;
  readonly weights?: Readonly<Record<string, ConformanceTensor>>;
  readonly states?: Readonly<Record<string, ConformanceTensor>>;
  /** The op's inputs in order, by name. */
  readonly order: readonly string[];
  readonly sizes: Partial<DimSizes>;
  readonly attributes?: Attributes;
  readonly bound: number;
}

/** A program of one op. */
export function makeCase(name: string, op: OpName, fields: CaseFields): ConformanceCase {
  const builder = new ProgramBuilder(name);
  const values = new Map<string, Value>();
  for (const [key, { dims, data }] of Object.entries(fields.inputs)) {
    values.set(key, builder.input(key, data instanceof Int32Array ? 'i32' : 'f32', dims));
  }
  const { weights = {}, states = {} } = fields;
  for (const [key, { shape }] of Object.entries(weights))
    values.set(key, builder.weight(key, shape));
  for (const [key, { shape }] of Object.entries(states)) values.set(key, builder.state(key, shape));
  const inputs = fields.order.map((key) => values.get(key) as Value);
  const outputs = appendAll(builder, op, inputs, fields.attributes);
  for (const [i, made] of outputs.entries()) builder.output(`out${i}`, made);
  return {
    name,
    op,
    program: builder.build(),
    tensors: { ...weights, ...states },
    states: outputs.length === 0 ? Object.keys(states) : [],
    inputs: Object.fromEntries(
      Object.entries(fields.inputs).map(([key, { data }]) => [key, data] as const),
    ),
    sizes: { ...noSizes, ...fields.sizes },
    bound: fields.bound,
  };
}

/** What an op's reference kernel makes of these inputs: what a case of its gradient is given. */
export function computeByReference(
  op: OpName,
  inputs: readonly HostTensor[],
  shapes: readonly (readonly number[])[],
  attributes: Attributes = {},
): Float32Array[] {
  const row = ops[op];
  invariant('reference' in row, `${op} has no reference kernel`);
  const made = shapes.map((shape) => new Float32Array(shape.reduce((a, b) => a * b, 1)));
  const outputs = made.map((data, i) => ({ dtype: 'f32', shape: shapes[i] ?? [], data }) as const);
  row.reference({ inputs, outputs, attributes });
  return made;
}

/** A host tensor of an array. */
export function hostTensor(data: HostArray, shape: readonly number[]): HostTensor {
  return { dtype: data instanceof Int32Array ? 'i32' : 'f32', shape, data };
}

/** Makes every case of an op from a seed. */
export type Maker = (seed: number) => ConformanceCase[];

/** Widths below, at and beyond a vector's, none of them whole vectors. */
export const oddSizes = [1, 3, 17, 33, 100] as const;
