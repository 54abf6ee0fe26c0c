// What a row of the op table holds, and how a reference kernel sees its tensors.
import { invariant, present } from '../../base/invariant.ts';
import { dequantizeInto, roundActivations } from '../codecs/codec.ts';
import { type DType, rowBytes, type WeightDType } from '../dtype.ts';
import type { Attributes, Dim, OutputSpec, ShapeRule, Value } from '../program.ts';

/** A tensor in host memory, as reference kernels read and write it. Packed types keep their blocks. */
export interface HostTensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** f32 and i32 tensors lie in their own arrays, all others in bytes. */
  readonly data: Float32Array | Int32Array | Uint8Array;
}

/** Computes an op plainly: float64 arithmetic, results rounded to f32 once. Writes into `outputs`. */
export type ReferenceKernel = (call: {
  readonly inputs: readonly HostTensor[];
  readonly outputs: readonly HostTensor[];
  readonly attributes: Attributes;
}) => void;

/** Appends ops to the program being recorded; what decompositions and gradients are written with. */
export type Append = (
  op: string,
  inputs: readonly Value[],
  attributes?: Attributes,
) => readonly Value[];

/** Given an op's inputs, outputs and the gradients of the outputs: the gradients of its inputs. */
export type GradientRule = (
  append: Append,
  call: {
    readonly inputs: readonly Value[];
    readonly outputs: readonly Value[];
    readonly gradients: readonly (Value | undefined)[];
    readonly attributes: Attributes;
  },
) => readonly (Value | undefined)[];

interface OpFields {
  readonly shape: ShapeRule;
  /** Absent: the op cannot be differentiated. */
  readonly gradient?: GradientRule;
  /** Inputs (by index) that are weights or state of any dtype the device supports. */
  readonly packed?: readonly number[];
  /** Inputs (by index) that hold indices, with the input and axis they index: what a device checks before a run. */
  readonly indices?: readonly {
    readonly input: number;
    readonly into: number;
    readonly axis: number;
  }[];
}

/** One row of the table: a plain op computes by itself, a fused one is short for several. */
export type Op =
  | (OpFields & { readonly reference: ReferenceKernel })
  | (OpFields & {
      readonly decompose: (
        append: Append,
        inputs: readonly Value[],
        attributes: Attributes,
      ) => readonly Value[];
    });

/** The i-th tensor of a kernel's arguments. */
export function at(tensors: readonly HostTensor[], index: number): HostTensor {
  return present(tensors[index], `tensor ${index}`);
}

/** The numbers of an f32 tensor. */
export function floats(tensor: HostTensor): Float32Array {
  invariant(tensor.data instanceof Float32Array, `expected f32, found ${tensor.dtype}`);
  return tensor.data;
}

/** The numbers of an i32 tensor. */
export function integers(tensor: HostTensor): Int32Array {
  invariant(tensor.data instanceof Int32Array, `expected i32, found ${tensor.dtype}`);
  return tensor.data;
}

/** Size of an axis; negative axes count from the end. */
export function size(tensor: HostTensor, axis: number): number {
  return present(tensor.shape.at(axis), `axis ${axis}`);
}

/** One row of a matrix of any type as f32. */
export function readRow(tensor: HostTensor, row: number): Float32Array {
  const columns = size(tensor, -1);
  if (tensor.data instanceof Float32Array) {
    return tensor.data.subarray(row * columns, (row + 1) * columns);
  }
  invariant(tensor.data instanceof Uint8Array, 'an integer tensor is no matrix');
  const bytes = rowBytes(tensor.dtype, columns);
  const out = new Float32Array(columns);
  dequantizeInto(
    tensor.dtype as WeightDType,
    tensor.data.subarray(row * bytes, (row + 1) * bytes),
    out,
  );
  return out;
}

/** Writes one row of a matrix of any type, rounding to it. */
export function writeRow(tensor: HostTensor, row: number, values: Float32Array): void {
  const columns = size(tensor, -1);
  if (tensor.data instanceof Float32Array) {
    tensor.data.set(values, row * columns);
    return;
  }
  invariant(tensor.data instanceof Uint8Array, 'an integer tensor is no matrix');
  const packed = roundActivations(tensor.dtype as WeightDType, values);
  tensor.data.set(packed, row * packed.length);
}

/** The attribute of this name; every op's attributes are all given. */
export function attribute(attributes: Attributes, name: string): number {
  return present(attributes[name], `attribute ${name}`);
}

/** The value at an index of a shape rule's inputs. */
export function valueAt(inputs: readonly Value[], index: number): Value {
  return present(inputs[index], `input ${index}`);
}

/** A dimension of a value's shape. */
export function dimAt(value: Value, axis: number): Dim {
  return present(value.shape.at(axis), `axis ${axis} of ${value.name}`);
}

/** One f32 output of this shape. */
export function f32(shape: readonly Dim[]): readonly OutputSpec[] {
  return [{ dtype: 'f32', shape }];
}

/** Refuses a recording whose dimensions do not agree. */
export function sameDim(left: Dim, right: Dim, what: string): void {
  invariant(left === right, `${what}: ${left} is not ${right}`);
}
