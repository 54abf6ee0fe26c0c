// What every device checks before it trusts what it is given: shapes, types, sizes and indices.
// Kernels never check, so a device that skips one of these computes nonsense where another refuses.
import { errors } from '../base/errors.ts';
import { invariant, present } from '../base/invariant.ts';
import { type DType, dtypes, rowBytes } from '../tensor/dtype.ts';
import type { HostTensor } from '../tensor/ops/op.ts';
import { type OpName, ops } from '../tensor/ops.ts';
import {
  type Attributes,
  countElements,
  type DimSizes,
  type Program,
  symbolicDims,
  usedValues,
  type Value,
} from '../tensor/program.ts';
import type { DeviceBuffer, DeviceName, HostArray } from './device.ts';

/** Dimensions a tensor may have. */
export const maxRank = 4;

const cacheDTypes: readonly DType[] = ['f32', 'f16', 'q8_0'];
const stateDTypes: readonly DType[] = ['f32', 'q8_0'];

/** Can an op read (or write) a weight or state of this type? */
export function takesType(op: OpName, dtype: DType): boolean {
  if (dtype === 'i32') return false;
  if (op === 'cache_write' || op === 'attention') return cacheDTypes.includes(dtype);
  if (op === 'adamw') return stateDTypes.includes(dtype);
  return ops[op].packed !== undefined || dtype === 'f32';
}

/** Refuses a tensor whose rows are no whole blocks, or with a size a device cannot count in. */
export function checkShape(dtype: DType, shape: readonly number[]): void {
  const columns = shape.at(-1) ?? 1;
  invariant(shape.length <= maxRank, `a shape of ${shape.length} dimensions`);
  invariant(
    shape.every((size) => Number.isSafeInteger(size) && size > 0 && size < 2 ** 31),
    `shape ${shape}`,
  );
  invariant(
    Number.isInteger(rowBytes(dtype, columns)),
    `rows of ${columns} are no ${dtype} blocks`,
  );
}

/** Refuses buffers that are missing or of another shape, and types an op cannot take (DEVICE_UNSUPPORTED). */
export function checkBuffers(
  device: DeviceName,
  program: Program,
  buffers: Readonly<Record<string, DeviceBuffer>>,
): void {
  for (const value of [...usedValues(program, 'weight'), ...usedValues(program, 'state')]) {
    const { shape } = present(buffers[value.name], `a buffer for ${value.name}`);
    const isSame = `${shape}` === `${value.shape}`;
    invariant(isSame, `${value.name} has shape ${shape}, not ${value.shape}`);
  }
  for (const { op, inputs, attributes } of program.ops) {
    for (const [index, id] of inputs.entries()) {
      const value = present(program.values[id], 'value');
      if (value.kind !== 'weight' && value.kind !== 'state') continue;
      const { dtype } = present(buffers[value.name], `a buffer for ${value.name}`);
      const isPacked = ops[op as OpName].packed?.includes(index) ?? false;
      if (!takesType(op as OpName, dtype) || !(isPacked || dtype === 'f32')) {
        throw errors.DEVICE_UNSUPPORTED({ device, what: `${op} with ${dtype} tensors` });
      }
      const headDim = attributes['headDim'] ?? 0;
      if (op === 'attention' && headDim % dtypes[dtype].blockSize !== 0) {
        const what = `a ${dtype} cache with heads of ${headDim}`;
        throw errors.DEVICE_UNSUPPORTED({ device, what });
      }
    }
  }
}

/** Refuses sizes that are no counts. */
export function checkSizes(sizes: DimSizes): void {
  for (const dim of symbolicDims) {
    const size = sizes[dim];
    invariant(Number.isInteger(size) && size >= 0 && size < 2 ** 31, `${dim} is ${size}`);
  }
}

/** Refuses bytes outside a buffer: only a bug in Corral can ask for them. */
export function checkRange(buffer: DeviceBuffer, offset: number, length: number): void {
  invariant(
    offset >= 0 && length >= 0 && offset + length <= buffer.bytes,
    `bytes ${offset} to ${offset + length} of a buffer of ${buffer.bytes}`,
  );
}

/** Refuses an input that is missing, of the wrong type, or of another size than the program says. */
export function checkInput(value: Value, data: HostArray | undefined, sizes: DimSizes): void {
  const expected = value.dtype === 'i32' ? Int32Array : Float32Array;
  invariant(data instanceof expected, `input ${value.name} is ${value.dtype}`);
  const count = countElements(value.shape, sizes);
  invariant(data.length === count, `input ${value.name}: ${data.length} values for ${count}`);
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
  if (op === 'self_attention' || op === 'self_attention_gradient') checkStarts(op, inputs);
}

// Only the pages a row sees: those before its window may be gone.
function checkPages(inputs: readonly HostTensor[], attributes: Attributes): void {
  const [, keys, , positions, sequence, table] = inputs;
  const pageSize = present(attributes['pageSize'], 'pageSize');
  const window = present(attributes['window'], 'window');
  const pages = present(table?.shape[1], 'pages');
  const limit = Math.floor(present(keys?.shape[0], 'slots') / pageSize);
  for (const [row, position] of present(positions, 'positions').data.entries()) {
    if (position < 0 || position >= pages * pageSize)
      refuse('attention', position, pages * pageSize);
    const first = present(sequence?.data[row], 'sequence') * pages;
    const start = window > 0 ? Math.max(0, position - window + 1) : 0;
    for (let page = Math.floor(start / pageSize); page <= Math.floor(position / pageSize); page++) {
      const found = present(table?.data[first + page], 'page');
      if (found < 0 || found >= limit) refuse('attention', found, limit);
    }
  }
}

// Sequences lie end to end: a row's first is no later than itself and no earlier than the row before's.
function checkStarts(op: OpName, [, , , starts]: readonly HostTensor[]): void {
  let lowest = 0;
  for (const [row, start] of present(starts, 'starts').data.entries()) {
    if (start < lowest || start > row) {
      throw errors.INPUT_INVALID({ op, found: start, allowed: `${lowest} to ${row}` });
    }
    lowest = start;
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
