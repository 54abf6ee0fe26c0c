// Replaces groups of ops by the fused ops whose decompositions they are. A value that somebody looks
// at (an output, or an op outside the group) keeps its group apart, so taps cost fusion only where
// they are. Fused and unfused results are bit-identical on one device: that is the kernels' contract.
import { invariant, present } from '../base/invariant.ts';
import { type OpName, opNames, ops } from './ops.ts';
import type { Attributes, Program, ProgramOp, Value } from './program.ts';

/** A decomposition as a pattern: ops over variables, negative ids being the fused op's inputs. */
interface Pattern {
  readonly op: OpName;
  readonly steps: readonly { op: string; inputs: readonly number[]; outputs: readonly number[] }[];
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
}

// Enough variables for any fused op's inputs and for any op's outputs.
const maxInputs = 8;
const maxOutputs = 2;

function placeholder(id: number): Value {
  return { id, kind: 'computed', name: 'pattern', dtype: 'f32', shape: ['rows', 1] };
}

function patternOf(op: OpName): Pattern | undefined {
  const row = ops[op];
  if (!('decompose' in row)) return undefined;
  const steps: { op: string; inputs: number[]; outputs: number[] }[] = [];
  let next = 0;
  const inputs = Array.from({ length: maxInputs }, (_, index) => placeholder(-1 - index));
  const outputs = row.decompose(
    (name, from) => {
      const made = Array.from({ length: maxOutputs }, () => placeholder(next++));
      steps.push({
        op: name,
        inputs: from.map((value) => value.id),
        outputs: made.map((value) => value.id),
      });
      return made;
    },
    inputs,
    {},
  );
  const used = new Set(steps.flatMap((step) => step.inputs).filter((id) => id < 0));
  return {
    op,
    steps,
    inputs: [...used].sort((a, b) => b - a),
    outputs: outputs.map((value) => value.id),
  };
}

/** Where a pattern lies in a program. */
interface Match {
  readonly opIndices: readonly number[];
  readonly values: ReadonlyMap<number, number>;
  readonly attributes: Attributes;
}

class Fuser {
  readonly #program: Program;
  readonly #producer = new Map<number, number>();
  readonly #users = new Map<number, number[]>();
  readonly #kept: ReadonlySet<number>;

  constructor(program: Program) {
    this.#program = program;
    this.#kept = new Set(program.outputs.values());
    for (const [index, op] of program.ops.entries()) {
      for (const id of op.outputs) this.#producer.set(id, index);
      for (const id of op.inputs) this.#users.set(id, [...(this.#users.get(id) ?? []), index]);
    }
  }

  /** The pattern with its last step at op `last`, if it lies there and may be fused. */
  match(pattern: Pattern, last: number): Match | undefined {
    const values = new Map<number, number>();
    const opIndices: number[] = [];
    let attributes: Attributes = {};
    // Backwards from the last step, each earlier one is found as the producer of a bound value.
    for (let s = pattern.steps.length - 1; s >= 0; s--) {
      const step = present(pattern.steps[s], 'step');
      const bound = step.outputs.map((id) => values.get(id)).find((id) => id !== undefined);
      const index = opIndices.length === 0 ? last : this.#producer.get(bound ?? -1);
      const op = index === undefined ? undefined : this.#program.ops[index];
      if (index === undefined || op === undefined || op.op !== step.op) return undefined;
      if (!bind(values, step.inputs, op.inputs) || !bind(values, step.outputs, op.outputs)) {
        return undefined;
      }
      attributes = { ...attributes, ...op.attributes };
      opIndices.push(index);
    }
    return this.#mayFuse(pattern, values, opIndices, last)
      ? { opIndices, values, attributes }
      : undefined;
  }

  #mayFuse(
    pattern: Pattern,
    values: ReadonlyMap<number, number>,
    opIndices: readonly number[],
    last: number,
  ): boolean {
    const inside = new Set(opIndices);
    // The fused op is given its inputs before it computes anything: mul(a, a) after a = silu(x) is
    // no swiglu(x, a).
    const isGiven = pattern.inputs.every((variable) => {
      const producer = this.#producer.get(values.get(variable) ?? -1);
      return producer === undefined || !inside.has(producer);
    });
    if (!isGiven) return false;
    return pattern.steps
      .flatMap((step) => step.outputs)
      .every((variable) => {
        const id = values.get(variable);
        if (id === undefined) return true;
        const outsiders = (this.#users.get(id) ?? []).filter((user) => !inside.has(user));
        // A result may be used outside, but only after the fused op has run.
        if (pattern.outputs.includes(variable)) return outsiders.every((user) => user > last);
        return outsiders.length === 0 && !this.#kept.has(id);
      });
  }
}

function bind(
  values: Map<number, number>,
  variables: readonly number[],
  ids: readonly number[],
): boolean {
  for (const [index, id] of ids.entries()) {
    const variable = present(variables[index], 'variable');
    const known = values.get(variable);
    if (known !== undefined && known !== id) return false;
    values.set(variable, id);
  }
  return true;
}

/** The program with every fusible group replaced. `only` limits which fused ops are used. */
export function fuse(program: Program, only: readonly OpName[] = opNames): Program {
  const patterns = only.map(patternOf).filter((pattern) => pattern !== undefined);
  const fuser = new Fuser(program);
  const replaced = new Map<number, ProgramOp | undefined>();
  for (const index of program.ops.keys()) {
    for (const pattern of patterns) {
      const match = fuser.match(pattern, index);
      if (match === undefined || match.opIndices.some((at) => replaced.has(at))) continue;
      for (const at of match.opIndices) replaced.set(at, undefined);
      const idOf = (variable: number): number => present(match.values.get(variable), 'value');
      replaced.set(index, {
        op: pattern.op,
        inputs: pattern.inputs.map(idOf),
        // Placeholders stand for more outputs than most ops have: only real ones were bound.
        outputs: pattern.outputs.flatMap((variable) => match.values.get(variable) ?? []),
        attributes: match.attributes,
      });
      break;
    }
  }
  const fused = program.ops.flatMap((op, index) => {
    const replacement = replaced.has(index) ? replaced.get(index) : op;
    return replacement === undefined ? [] : [replacement];
  });
  return { ...program, ops: fused };
}

/** The program with fused ops written out, but for those in `keep`: what a device without kernels for them runs. */
export function unfuse(program: Program, keep: ReadonlySet<string> = new Set()): Program {
  const values = [...program.values];
  const rename = new Map<number, number>();
  const current = (id: number): Value => present(values[rename.get(id) ?? id], `value ${id}`);
  const written: ProgramOp[] = [];
  for (const op of program.ops) {
    const row = ops[op.op as OpName];
    if (!('decompose' in row) || keep.has(op.op)) {
      written.push({ ...op, inputs: op.inputs.map((id) => current(id).id) });
      continue;
    }
    const results = row.decompose(
      (name, inputs, attributes = {}) => {
        const made = ops[name as OpName].shape(inputs, attributes).map((spec) => {
          const value: Value = { id: values.length, kind: 'computed', name, ...spec };
          values.push(value);
          return value;
        });
        written.push({
          op: name,
          inputs: inputs.map((value) => value.id),
          outputs: made.map((value) => value.id),
          attributes,
        });
        return made;
      },
      op.inputs.map(current),
      op.attributes,
    );
    invariant(results.length === op.outputs.length, `${op.op} decomposes into its outputs`);
    for (const [index, id] of op.outputs.entries()) {
      rename.set(id, present(results[index], 'result').id);
    }
  }
  const outputs = new Map(
    [...program.outputs].map(([name, id]) => [name, current(id).id] as const),
  );
  return { ...program, values, ops: written, outputs };
}
