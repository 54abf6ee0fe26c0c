// Turns a program into the numbers the native addon compiles: values with their sizes and places,
// steps, and the slots computed values share.
import type { NativeAddon } from '../base/addon.ts';
import { invariant, present } from '../base/invariant.ts';
import { type DType, dtypes } from '../tensor/dtype.ts';
import { planBuffers } from '../tensor/plan.ts';
import {
  type Dim,
  type Program,
  type ProgramOp,
  symbolicDims,
  type Value,
} from '../tensor/program.ts';
import { checkBuffers, maxRank } from './check.ts';
import type { Activations, DeviceBuffer } from './device.ts';

/** A program as numbers, and the names whose order they rely on. */
export interface EncodedProgram {
  readonly layout: Int32Array;
  readonly numbers: Float64Array;
  /** Inputs a run must bring, in the addon's order. */
  readonly inputs: readonly Value[];
  /** Names of the weights and states to bind, in the addon's order. */
  readonly buffers: readonly string[];
}

// The addon's limits and its numbers for where a value lies, as in native/runtime/executable.h.
const maxInputs = 7;
const maxOutputs = 3;
const maxAttributes = 6;
const source = { input: 0, buffer: 1, slot: 2, unused: 3 } as const;

function encodeDim(dim: Dim): number {
  return typeof dim === 'number' ? dim : -1 - symbolicDims.indexOf(dim);
}

function padded(numbers: readonly number[], length: number, fill: number): number[] {
  invariant(numbers.length <= length, `${numbers.length} of something the addon has ${length} of`);
  return [...numbers, ...Array<number>(length - numbers.length).fill(fill)];
}

/** Encodes a program whose weights and states are bound to these buffers. */
export function encodeProgram(
  addon: NativeAddon,
  program: Program,
  {
    buffers,
    activations,
  }: {
    readonly buffers: Readonly<Record<string, DeviceBuffer>>;
    readonly activations: Activations;
  },
): EncodedProgram {
  checkBuffers('cpu', program, buffers);
  const plan = planBuffers(program);
  const used = new Set([...program.ops.flatMap((op) => op.inputs), ...program.outputs.values()]);
  const inputs: Value[] = [];
  const names: string[] = [];

  const place = (value: Value): { source: number; index: number; dtype: DType } => {
    const slot = plan.slotOf.get(value.id);
    if (slot !== undefined) {
      return { source: source.slot, index: slot, dtype: present(value.dtype, 'dtype') };
    }
    if (!used.has(value.id) || value.kind === 'computed') {
      return { source: source.unused, index: 0, dtype: 'f32' };
    }
    if (value.kind === 'input') {
      inputs.push(value);
      const dtype = present(value.dtype, 'dtype');
      return { source: source.input, index: inputs.length - 1, dtype };
    }
    names.push(value.name);
    const { dtype } = present(buffers[value.name], `a buffer for ${value.name}`);
    return { source: source.buffer, index: names.length - 1, dtype };
  };

  const values = program.values.flatMap((value) => {
    const { source: kind, index, dtype } = place(value);
    const dims = padded(value.shape.map(encodeDim), maxRank, 1);
    return [kind, index, dtypes[dtype].gguf, value.shape.length, ...dims];
  });
  // Products with packed weights have a kernel of their own; all other types stay exact.
  const kernelOf = ({ op, inputs: [, id = -1] }: ProgramOp): string => {
    const weight = program.values[id];
    if (activations === 'exact' || op !== 'matmul' || weight?.kind !== 'weight') return op;
    const { dtype } = present(buffers[weight.name], `a buffer for ${weight.name}`);
    return addon.packedTypes.includes(dtypes[dtype].gguf) ? 'matmul_int8' : op;
  };

  const numbers: number[] = [];
  const steps = program.ops.flatMap((op) => {
    const kernel = kernelOf(op);
    const number = addon.ops.findIndex(({ name }) => name === kernel);
    invariant(number >= 0, `the addon has no kernel for ${op.op}`);
    const order = present(addon.ops[number], 'op').attributes;
    const attributes = order.map((name) => present(op.attributes[name], `attribute ${name}`));
    numbers.push(...padded(attributes, maxAttributes, 0));
    return [
      number,
      op.inputs.length,
      op.outputs.length,
      ...padded(op.inputs, maxInputs, -1),
      ...padded(op.outputs, maxOutputs, -1),
    ];
  });
  numbers.push(...plan.slots.map((slot) => slot.rowBytes));
  const slots = plan.slots.map((slot) => encodeDim(slot.lead));
  const counts = [program.values.length, program.ops.length, plan.slots.length, inputs.length];
  return {
    layout: Int32Array.from([...counts, ...values, ...steps, ...slots]),
    numbers: Float64Array.from(numbers),
    inputs,
    buffers: names,
  };
}
