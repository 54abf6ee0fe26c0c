// Programs: immutable lists of ops over named inputs, weights, state and outputs, recorded once and
// run many times. A dimension may be symbolic; it gets its size at each run. Knows no device.
import { invariant, present } from '../base/invariant.ts';
import type { DType } from './dtype.ts';

/**
 * Dimensions whose size is known only at a run. `rows`: tokens in this step. `outputs`: rows whose
 * result is asked for. `sequences`: sequences in this step. `pages`: pages of the longest one.
 * `adjustments`: logits changed before sampling (bias, penalties, bans).
 */
export const symbolicDims = ['rows', 'outputs', 'sequences', 'pages', 'adjustments'] as const;

/** Name of a symbolic dimension. */
export type SymbolicDim = (typeof symbolicDims)[number];

/** A size, known now or at the run. */
export type Dim = number | SymbolicDim;

/** The symbolic dimensions' sizes in one run. */
export type DimSizes = Readonly<Record<SymbolicDim, number>>;

/** Where a value's contents come from. */
export type ValueKind = 'input' | 'weight' | 'state' | 'computed';

/** One tensor of a program. Shapes are row-major, last axis fastest. */
export interface Value {
  readonly id: number;
  readonly kind: ValueKind;
  /** Inputs, weights and state have names of their own; computed values the op's. */
  readonly name: string;
  /** Weights may be of any dtype, which the device learns when buffers are bound: then it is absent. */
  readonly dtype: DType | undefined;
  readonly shape: readonly Dim[];
}

/** Numbers that belong to an op and are the same in every run. */
export type Attributes = Readonly<Record<string, number>>;

/** One step of a program: ids of the values it reads and makes. */
export interface ProgramOp {
  readonly op: string;
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  readonly attributes: Attributes;
}

/** An immutable recording. Ops are in an order that runs. */
export interface Program {
  readonly name: string;
  readonly values: readonly Value[];
  readonly ops: readonly ProgramOp[];
  /** Outputs by name; their buffers stay readable until the next run. */
  readonly outputs: ReadonlyMap<string, number>;
}

/** A shape with its symbolic dimensions filled in. */
export function resolveShape(shape: readonly Dim[], sizes: DimSizes): number[] {
  return shape.map((dim) => (typeof dim === 'number' ? dim : sizes[dim]));
}

/** Number of elements of a shape at a run. */
export function countElements(shape: readonly Dim[], sizes: DimSizes): number {
  return resolveShape(shape, sizes).reduce((product, size) => product * size, 1);
}

// Kernels divide by widths, and a device counts a dimension in 32 bits.
function checkDims(name: string, shape: readonly Dim[]): void {
  for (const dim of shape) {
    const isSize = typeof dim === 'number' && Number.isInteger(dim) && dim >= 1 && dim < 2 ** 31;
    const isSymbolic = typeof dim === 'string' && symbolicDims.includes(dim);
    invariant(isSize || isSymbolic, `${name} [${shape}]: a dimension is ${dim}`);
  }
}

/** What an op's shape rule says its outputs are. */
export interface OutputSpec {
  readonly dtype: DType;
  readonly shape: readonly Dim[];
}

/** Says what an op makes from what; throws an invariant when the inputs do not fit it. */
export type ShapeRule = (inputs: readonly Value[], attributes: Attributes) => readonly OutputSpec[];

/** Records a program op by op. */
export class ProgramBuilder {
  readonly #name: string;
  readonly #values: Value[] = [];
  readonly #ops: ProgramOp[] = [];
  readonly #outputs = new Map<string, number>();
  readonly #named = new Map<string, Value>();

  constructor(name: string) {
    this.#name = name;
  }

  /** A tensor given at each run. */
  input(name: string, dtype: DType, shape: readonly Dim[]): Value {
    return this.#addNamed('input', name, dtype, shape);
  }

  /** A matrix or vector bound at compile, of any dtype. The same name gives the same value. */
  weight(name: string, shape: readonly number[]): Value {
    return this.#addNamed('weight', name, undefined, shape);
  }

  /** A buffer bound at compile that ops write: the cache. */
  state(name: string, shape: readonly number[]): Value {
    return this.#addNamed('state', name, undefined, shape);
  }

  /** Appends an op; `rule` gives its outputs' shapes. */
  record(
    op: string,
    rule: ShapeRule,
    inputs: readonly Value[],
    attributes: Attributes = {},
  ): readonly Value[] {
    const outputs = rule(inputs, attributes).map(({ dtype, shape }) =>
      this.#add({ kind: 'computed', name: op, dtype, shape }),
    );
    this.#ops.push({
      op,
      inputs: inputs.map((value) => value.id),
      outputs: outputs.map((value) => value.id),
      attributes,
    });
    return outputs;
  }

  /** Makes a value readable after the run under a name. */
  output(name: string, value: Value): void {
    invariant(!this.#outputs.has(name), `output ${name} is recorded twice`);
    this.#outputs.set(name, value.id);
  }

  build(): Program {
    return {
      name: this.#name,
      values: [...this.#values],
      ops: [...this.#ops],
      outputs: new Map(this.#outputs),
    };
  }

  #add(value: Omit<Value, 'id'>): Value {
    checkDims(value.name, value.shape);
    const added = { ...value, id: this.#values.length };
    this.#values.push(added);
    return added;
  }

  #addNamed(kind: ValueKind, name: string, dtype: DType | undefined, shape: readonly Dim[]): Value {
    const known = this.#named.get(name);
    if (known !== undefined) {
      invariant(known.kind === kind, `${name} is both ${known.kind} and ${kind}`);
      invariant(`${known.shape}` === `${shape}`, `${name} is recorded with two shapes`);
      return known;
    }
    const value = this.#add({ kind, name, dtype, shape });
    this.#named.set(name, value);
    return value;
  }
}

/** The program cut down to what the named outputs need. Ops that write state stay. */
export function prune(program: Program, outputs: readonly string[]): Program {
  const kept = new Map(
    outputs.map((name) => [name, present(program.outputs.get(name), `output ${name}`)]),
  );
  const needed = new Set(kept.values());
  const ops: ProgramOp[] = [];
  for (const op of [...program.ops].reverse()) {
    const writesState = op.outputs.length === 0;
    if (!writesState && !op.outputs.some((id) => needed.has(id))) continue;
    for (const id of op.inputs) needed.add(id);
    ops.push(op);
  }
  return { ...program, ops: ops.reverse(), outputs: kept };
}

/** Values of one kind that some op reads or that are outputs, in order of their ids. */
export function usedValues(program: Program, kind: ValueKind): Value[] {
  const used = new Set([...program.ops.flatMap((op) => op.inputs), ...program.outputs.values()]);
  return program.values.filter((value) => value.kind === kind && used.has(value.id));
}
