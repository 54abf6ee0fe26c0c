// What every device checks before it trusts a run's inputs: sizes and indices. Kernels never check.
import { errors } from '../base/errors.ts';
import { invariant, present } from '../base/invariant.ts';
import type { HostTensor } from '../tensor/ops/op.ts';
import { type OpName, ops } from '../tensor/ops.ts';
import {
  type Attributes,
  countElements,
  type DimSizes,
  type Program,
  usedValues,
} from '../tensor/program.ts';
import type { DeviceBuffer, HostArray } from './device.ts';

/** Refuses bytes outside a buffer: only a bug in Corral can ask for them. */
export function checkRange(buffer: DeviceBuffer, offset: number, length: number): void {
  invariant(
    offset >= 0 && length >= 0 && offset + length <= buffer.bytes,
    `bytes ${offset} to ${offset + length} of a buffer of ${buffer.bytes}`,
  );
}

/** Refuses inputs that are missing, of the wrong type, or of another size than the program says. */
export function checkInputs(
  program: Program,
  inputs: Readonly<Record<string, HostArray>>,
  sizes: DimSizes,
): void {
  for (const value of usedValues(program, 'input')) {
    const data = present(inputs[value.name], `input ${value.name}`);
    const expected = value.dtype === 'i32' ? Int32Array : Float32Array;
    invariant(data instanceof expected, `input ${value.name} is ${value.dtype}`);
    const count = countElements(value.shape, sizes);
    invariant(data.length === count, `input ${value.name}: ${data.length} values for ${count}`);
  }
}

function refuse(op: OpName, found: number, allowed: number): never {
  throw errors.INPUT_INVALID({ op, found, allowed: `0 to ${allowed - 1}` });
}

/** Refuses indices that point outside what they index, as INPUT_INVALID. */
export function checkIndices(
  op: OpName,
  inputs: readonly HostTensor[],
  attributes: Attributes,
): void {
  for (const { input, into, axis } of ops[op].indices ?? []) {
    const limit = present(inputs[into]?.shape[axis], 'axis');
    for (const index of present(inputs[input], 'input').data) {
      if (index < 0 || index >= limit) refuse(op, index, limit);
    }
  }
  if (op === 'attention') checkPages(inputs, attributes);
  if (op === 'adjust_logits') checkAdjustments(inputs);
}

function checkPages(inputs: readonly HostTensor[], attributes: Attributes): void {
  const [, keys, , positions, sequence, table] = inputs;
  const pageSize = present(attributes['pageSize'], 'pageSize');
  const pages = present(table?.shape[1], 'pages');
  const limit = Math.floor(present(keys?.shape[0], 'slots') / pageSize);
  for (const [row, position] of present(positions, 'positions').data.entries()) {
    if (position < 0 || position >= pages * pageSize)
      refuse('attention', position, pages * pageSize);
    const first = present(sequence?.data[row], 'sequence') * pages;
    for (let page = 0; page <= Math.floor(position / pageSize); page++) {
      const found = present(table?.data[first + page], 'page');
      if (found < 0 || found >= limit) refuse('attention', found, limit);
    }
  }
}

function checkAdjustments([logits, where]: readonly HostTensor[]): void {
  const indices = present(where, 'where').data;
  for (let i = 0; i < indices.length; i++) {
    const limit = present(logits?.shape[i % 2], 'axis');
    const index = present(indices[i], 'index');
    if (index < 0 || index >= limit) refuse('adjust_logits', index, limit);
  }
}
