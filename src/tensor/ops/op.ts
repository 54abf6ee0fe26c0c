// What a row of the op table holds, and how a reference kernel sees its tensors.
import { errors } from '../../base/errors.ts';
import { invariant, present } from '../../base/invariant.ts';
import { dequantizeInto, roundActivations } from '../codecs/codec.ts';
import { type DType, rowBytes, type WeightDType } from '../dtype.ts';
import type { Attributes, Dim, OutputSpec, ShapeRule, Value } from '../program.ts';

/** A tensor in host memory, as reference kernels read and write it. Packed types keep their blocks. */
export interface HostTensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
  /**
   * f32 and i32 tensors lie in their own arrays, all others in bytes. Kernels also take and fill
   * Float64Arrays for f32: then nothing is rounded between ops, which is how gradients are checked.
   */
  readonly data: Floats | Int32Array | Uint8Array;
}

/** Numbers of an f32 tensor: as stored, or unrounded. */
export type Floats = Float32Array | Float64Array;

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

/** What a gradient rule is told of the op it differentiates. */
export interface GradientCall {
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  /** Of the outputs, each of its output's shape; undefined where the loss does not depend on it. */
  readonly gradients: readonly (Value | undefined)[];
  readonly attributes: Attributes;
  /** Which inputs' gradients are asked for; a rule may leave out all others. */
  readonly needs: readonly boolean[];
}

/** The gradients of an op's inputs, each of its input's shape; undefined where there is none. */
export type GradientRule = (append: Append, call: GradientCall) => readonly (Value | undefined)[];

/** The rule of an op that is constant wherever it can be differentiated, or is taken to be. */
export const detached: GradientRule = () => [];

interface OpFields {
  readonly shape: ShapeRule;
  /** Absent: the op cannot be differentiated; of a fused op: its decomposition is. */
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
export function floats(tensor: HostTensor): Floats {
  invariant(isFloats(tensor.data), `expected f32, found ${tensor.dtype}`);
  return tensor.data;
}

function isFloats(data: HostTensor['data']): data is Floats {
  return data instanceof Float32Array || data instanceof Float64Array;
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

/** A tensor of any type as numbers: its own where it is f32. */
export function readAll(tensor: HostTensor): Floats {
  if (isFloats(tensor.data)) return tensor.data;
  invariant(tensor.data instanceof Uint8Array, 'an integer tensor is no matrix');
  const out = new Float32Array(tensor.shape.reduce((product, each) => product * each, 1));
  dequantizeInto(tensor.dtype as WeightDType, tensor.data, out);
  return out;
}

/** One row of a matrix of any type as numbers. */
export function readRow(tensor: HostTensor, row: number): Floats {
  const columns = size(tensor, -1);
  if (isFloats(tensor.data)) return tensor.data.subarray(row * columns, (row + 1) * columns);
  invariant(tensor.data instanceof Uint8Array, 'an integer tensor is no matrix');
  const bytes = rowBytes(tensor.dtype, columns);
  const data = tensor.data.subarray(row * bytes, (row + 1) * bytes);
  return readAll({ dtype: tensor.dtype, shape: [columns], data });
}

/** Writes one row of a matrix of any type, rounding to it. */
export function writeRow(tensor: HostTensor, row: number, values: Floats): void {
  const columns = size(tensor, -1);
  if (isFloats(tensor.data)) {
    tensor.data.set(values, row * columns);
    return;
  }
  invariant(tensor.data instanceof Uint8Array, 'an integer tensor is no matrix');
  const packed = roundActivations(tensor.dtype as WeightDType, Float32Array.from(values));
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

/** The gradient of an op's only output. */
export function gradientOf({ gradients }: GradientCall): Value {
  return present(gradients[0], 'gradient');
}

/** The gradient of an op's first output, the others having no rule: GRADIENT_UNDEFINED if one is asked for. */
export function firstGradient(op: string, { gradients }: GradientCall): Value {
  const [first, ...others] = gradients;
  if (first !== undefined && others.every((each) => each === undefined)) return first;
  throw errors.GRADIENT_UNDEFINED({ op: `an output of ${op} other than the first` });
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
