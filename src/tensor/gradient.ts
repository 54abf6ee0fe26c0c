// Reverse-mode differentiation of programs (Griewank and Walther, "Evaluating Derivatives", chapters 3
// and 12): a transform from a recording to a longer one. Rules are the op table's; a parameter that is
// not asked for costs nothing, nor does anything that only leads to it.
import { errors } from '../base/errors.ts';
import { invariant, present } from '../base/invariant.ts';
import { fuse, unfuse } from './fuse.ts';
import { type Append, detached } from './ops/op.ts';
import { type OpName, opNames, ops } from './ops.ts';
import type { Program, ProgramOp, Value } from './program.ts';

/** How gradients are made. */
export interface GradientOptions {
  /**
   * Adds each gradient to a state `gradient.<name>` (f32, the parameter's shape, zeros at first) instead
   * of giving it out: nothing is copied, and several runs add up.
   */
  readonly accumulate?: boolean;
  /**
   * Ids of values between which the backward pass computes again what it needs, such as the residual at
   * the start of each block: only these are kept from the forward pass, and what follows the last.
   */
  readonly recompute?: readonly number[];
}

/** The name of a parameter's gradient, as an output or as a state. */
export function gradientName(parameter: string): string {
  return `gradient.${parameter}`;
}

// Fused ops with a rule of their own, which keeps less from the forward pass than their parts' rules.
const fusedWithRule = opNames.filter((op) => 'decompose' in ops[op] && ops[op].gradient);

/**
 * The program with outputs `gradient.<name>` added: of the output `loss` (f32 [1]) with respect to each
 * of `parameters`, which name weights, states, f32 inputs, or outputs (then of the value inside the
 * program: a tap). Throws GRADIENT_UNDEFINED where the loss depends on one through an op without a rule.
 * @example const step = gradient(program, 'loss', ['output.weight']); // outputs 'gradient.output.weight'
 */
export function gradient(
  program: Program,
  loss: string,
  parameters: readonly string[],
  { accumulate = false, recompute = [] }: GradientOptions = {},
): Program {
  const { plain, boundaries } = prepare(program, recompute);
  const recorder = new BackwardRecorder(plain);
  const wanted = new Map(parameters.map((name) => [name, findParameter(plain, name)] as const));
  const states = accumulate ? recorder.addStates(wanted) : new Map<number, Value>();
  const start = present(plain.values[present(plain.outputs.get(loss), loss)], loss);
  invariant(start.dtype === 'f32' && `${start.shape}` === '1', `${loss} is no single f32`);
  recorder.record(start, new Set([...wanted.values()].map(({ id }) => id)), states);

  const outputs = new Map(plain.outputs);
  for (const [name, { id }] of wanted) {
    const found = recorder.gradientOf(id);
    invariant(found !== undefined || recorder.accumulated.has(id), `${loss} depends on ${name}`);
    if (found !== undefined && !states.has(id)) outputs.set(gradientName(name), found.id);
  }
  const { values, backward } = recorder;
  const written = recomputeBetween(boundaries, plain, { values, backward });
  return { ...plain, values, ops: [...plain.ops, ...written], outputs };
}

// The program in terms of ops with rules. Boundaries pass through as outputs, which keep their place.
function prepare(
  program: Program,
  recompute: readonly number[],
): { plain: Program; boundaries: ReadonlySet<number> } {
  const marked = recompute.map((id, index) => [`boundary ${index}`, id] as const);
  const outputs = new Map([...program.outputs, ...marked]);
  const plain = fuse(unfuse({ ...program, outputs }), fusedWithRule);
  const boundaries = new Set(marked.map(([name]) => present(plain.outputs.get(name), name)));
  const kept = [...plain.outputs].filter(([name]) => program.outputs.has(name));
  return { plain: { ...plain, outputs: new Map(kept) }, boundaries };
}

function findParameter(program: Program, name: string): Value {
  const named = program.values.find((value) => value.kind !== 'computed' && value.name === name);
  const output = program.values[program.outputs.get(name) ?? -1];
  return present(named ?? output, `parameter ${name}`);
}

class BackwardRecorder {
  readonly values: Value[];
  readonly backward: ProgramOp[] = [];
  /** Parameters with a state that something was added to. */
  readonly accumulated = new Set<number>();
  readonly #program: Program;
  readonly #gradients = new Map<number, Value>();

  constructor(program: Program) {
    this.#program = program;
    this.values = [...program.values];
  }

  /** A state for each parameter, by the parameter's id; one that the program already has is taken. */
  addStates(parameters: ReadonlyMap<string, Value>): Map<number, Value> {
    const states = [...parameters].map(([parameter, { id, kind, shape }]) => {
      const isFixed = kind !== 'computed' && shape.every((dim) => typeof dim === 'number');
      invariant(isFixed, `the gradient of ${parameter} [${shape}] has no state`);
      const name = gradientName(parameter);
      const known = this.values.find((value) => value.kind === 'state' && value.name === name);
      return [id, known ?? this.#add({ kind: 'state', name, dtype: undefined, shape })] as const;
    });
    return new Map(states);
  }

  gradientOf(id: number): Value | undefined {
    return this.#gradients.get(id);
  }

  /** Appends the gradients of `start` with respect to all `parameters`. */
  record(start: Value, parameters: ReadonlySet<number>, states: ReadonlyMap<number, Value>): void {
    const needed = this.#findNeeded(parameters);
    this.#gradients.set(start.id, present(this.#append('fill', [start], { value: 1 })[0], 'one'));
    for (const op of [...this.#program.ops].reverse()) {
      const needs = op.inputs.map((id) => needed.has(id));
      const gradients = op.outputs.map((id) => this.#gradients.get(id));
      if (!needs.includes(true) || gradients.every((each) => each === undefined)) continue;
      const rule = ops[op.op as OpName].gradient;
      if (rule === undefined) throw errors.GRADIENT_UNDEFINED({ op: op.op });
      const made = rule(this.#append, {
        inputs: op.inputs.map((id) => this.#value(id)),
        outputs: op.outputs.map((id) => this.#value(id)),
        gradients,
        attributes: op.attributes,
        needs,
      });
      for (const [index, id] of op.inputs.entries()) {
        const contribution = made[index];
        if (needs[index] !== true || contribution === undefined) continue;
        this.#contribute(id, contribution, states.get(id));
      }
    }
  }

  // Everything computed from a parameter by ops that pass gradients on.
  #findNeeded(parameters: ReadonlySet<number>): ReadonlySet<number> {
    const needed = new Set(parameters);
    for (const { op, inputs, outputs } of this.#program.ops) {
      if (ops[op as OpName].gradient === detached) continue;
      if (!inputs.some((id) => needed.has(id))) continue;
      for (const id of outputs) if (this.#value(id).dtype === 'f32') needed.add(id);
    }
    return needed;
  }

  // Sums up as contributions come, so that few live at a time.
  #contribute(id: number, contribution: Value, state: Value | undefined): void {
    if (state !== undefined) {
      this.#append('accumulate', [contribution, state]);
      this.accumulated.add(id);
      return;
    }
    const before = this.#gradients.get(id);
    const [sum] =
      before === undefined ? [contribution] : this.#append('add', [before, contribution]);
    this.#gradients.set(id, present(sum, 'sum'));
  }

  readonly #append: Append = (op, inputs, attributes = {}) => {
    const specs = ops[op as OpName].shape(inputs, attributes);
    const outputs = specs.map((spec) => this.#add({ kind: 'computed', name: op, ...spec }));
    this.backward.push({
      op,
      inputs: inputs.map(({ id }) => id),
      outputs: outputs.map(({ id }) => id),
      attributes,
    });
    return outputs;
  };

  #add(value: Omit<Value, 'id'>): Value {
    const added = { ...value, id: this.values.length };
    this.values.push(added);
    return added;
  }

  #value(id: number): Value {
    return present(this.values[id], `value ${id}`);
  }
}

// The backward ops, with those forward ops again whose results they read and that nobody kept (Chen et
// al., arXiv 1604.06174). Each is computed again just before its first use, from what was kept.
function recomputeBetween(
  boundaries: ReadonlySet<number>,
  program: Program,
  { values, backward }: { values: Value[]; backward: readonly ProgramOp[] },
): readonly ProgramOp[] {
  if (boundaries.size === 0) return backward;
  const producer = new Map<number, number>();
  for (const [index, op] of program.ops.entries()) {
    for (const id of op.outputs) producer.set(id, index);
  }
  const places = [...boundaries].map((id) => producer.get(id) ?? -1);
  const [first, last] = [Math.min(...places), Math.max(...places)];
  const outputs = new Set(program.outputs.values());
  const isKept = (id: number): boolean => {
    const index = producer.get(id);
    if (index === undefined || boundaries.has(id) || outputs.has(id)) return true;
    return index <= first || index > last;
  };

  const written: ProgramOp[] = [];
  const again = new Map<number, number>();
  const current = (id: number): number => {
    if (isKept(id)) return id;
    if (!again.has(id)) {
      const op = present(program.ops[producer.get(id) ?? -1], `producer of value ${id}`);
      const inputs = op.inputs.map(current);
      const made = op.outputs.map((output) => {
        const value = { ...present(values[output], 'value'), id: values.length };
        values.push(value);
        again.set(output, value.id);
        return value.id;
      });
      written.push({ ...op, inputs, outputs: made });
    }
    return present(again.get(id), `value ${id} again`);
  };
  for (const op of backward) {
    const inputs = op.inputs.map(current);
    written.push({ ...op, inputs });
  }
  return written;
}
