// Conformance cases as a file that run-cases.cc reads, and its results: for machines that Node is not
// emulated for. Numbers are little-endian; what is counted comes after its counts.
import { type NativeAddon, statusCodes } from '../../src/base/addon.ts';
import { invariant, present } from '../../src/base/invariant.ts';
import type { ConformanceCase, ConformanceResult } from '../../src/device/conformance.ts';
import { encodeProgram } from '../../src/device/cpu-program.ts';
import type { HostArray } from '../../src/device/device.ts';
import { fuse, unfuse } from '../../src/tensor/fuse.ts';
import { opNames } from '../../src/tensor/ops.ts';
import { countElements, symbolicDims } from '../../src/tensor/program.ts';

interface ExpectedOutput {
  readonly name: string;
  readonly value: number;
  readonly isInteger: boolean;
  readonly count: number;
}

/** What a case's results consist of, in the file's order. */
export interface CaseShape {
  readonly outputs: readonly ExpectedOutput[];
  readonly states: readonly { readonly name: string; readonly bytes: number }[];
}

function bytesOf(array: HostArray | Float64Array | Uint8Array): Buffer {
  return Buffer.from(array.buffer, array.byteOffset, array.byteLength);
}

function counted(array: HostArray | Uint8Array): Buffer[] {
  return [bytesOf(Int32Array.of(array.byteLength)), bytesOf(array)];
}

/** A case as run-cases.cc reads it, compiled as the cpu device would. */
export function encodeCase(
  addon: NativeAddon,
  { program, tensors, states, inputs, sizes, activations = 'exact' }: ConformanceCase,
): { readonly bytes: Buffer; readonly shape: CaseShape } {
  const kernels = new Set(addon.ops.map(({ name }) => name));
  const fused = fuse(
    unfuse(program, kernels),
    opNames.filter((op) => kernels.has(op)),
  );
  const buffers = Object.fromEntries(
    Object.entries(tensors).map(([name, { dtype, shape, bytes }]) => [
      name,
      { dtype, shape, bytes: bytes.length },
    ]),
  );
  const encoded = encodeProgram(addon, fused, { buffers, activations });
  const outputs = [...fused.outputs].map(([name, id]): ExpectedOutput => {
    const value = present(fused.values[id], 'value');
    const count = countElements(value.shape, sizes);
    return { name, value: id, isInteger: value.dtype === 'i32', count };
  });
  const counts = [
    encoded.layout.length,
    encoded.numbers.length,
    encoded.buffers.length,
    encoded.inputs.length,
    outputs.length,
    states.length,
  ];
  const bytes = Buffer.concat([
    bytesOf(Int32Array.from(counts)),
    bytesOf(encoded.layout),
    bytesOf(encoded.numbers),
    bytesOf(Int32Array.from(symbolicDims, (dim) => sizes[dim])),
    ...encoded.buffers.flatMap((name) => counted(present(tensors[name], name).bytes)),
    ...encoded.inputs.flatMap(({ name }) => counted(present(inputs[name], name))),
    bytesOf(Int32Array.from(outputs.flatMap(({ value, count }) => [value, 4 * count]))),
    bytesOf(Int32Array.from(states, (name) => encoded.buffers.indexOf(name))),
  ]);
  const sizeOf = (name: string): number => present(tensors[name], name).bytes.length;
  return {
    bytes,
    shape: { outputs, states: states.map((name) => ({ name, bytes: sizeOf(name) })) },
  };
}

/** Results of cases of these shapes, or, of one that failed, how it ended. */
export function decodeResults(
  file: Uint8Array,
  shapes: readonly CaseShape[],
): (ConformanceResult | string)[] {
  let at = 0;
  const take = (bytes: number): Uint8Array<ArrayBuffer> => {
    at += bytes;
    return Uint8Array.from(file.subarray(at - bytes, at));
  };
  const results = shapes.map(({ outputs, states }) => {
    const code = present(new Int32Array(take(4).buffer)[0], 'a status');
    const arrays = outputs.map(({ name, isInteger, count }): [string, HostArray] => {
      const { buffer } = take(4 * count);
      return [name, isInteger ? new Int32Array(buffer) : new Float32Array(buffer)];
    });
    const written = states.map(({ name, bytes }): [string, Uint8Array] => [name, take(bytes)]);
    if (code !== 0) return `ended with ${statusCodes[code]}`;
    return { outputs: Object.fromEntries(arrays), states: Object.fromEntries(written) };
  });
  invariant(at === file.length, `results of ${file.length} bytes, read ${at}`);
  return results;
}
