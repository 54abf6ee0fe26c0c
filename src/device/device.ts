// What a device is: someone who allocates buffers and runs programs. Packed layouts, threads and
// instruction sets are its own affair. Knows nothing of models or files beyond a region to map.
import type { DType } from '../tensor/dtype.ts';
import type { OpName } from '../tensor/ops.ts';
import type { DimSizes, Program } from '../tensor/program.ts';

/** Names of the devices there are. */
export const deviceNames = ['cpu', 'reference'] as const;

/** Name of a device. */
export type DeviceName = (typeof deviceNames)[number];

/** What a device says of itself. */
export interface DeviceInfo {
  readonly name: DeviceName;
  /** Instruction set of the kernels in use; `javascript` on the reference device. */
  readonly isa: string;
  /** What it can compile with. */
  readonly activations: readonly Activations[];
  readonly threads: number;
}

/** Bytes of a file that a device may map instead of copying. */
export interface MappableRegion {
  readonly path: string;
  readonly offset: number;
  readonly length: number;
}

/** Memory on a device: a row-major tensor. Freed by `device.free` or when the device closes. */
export interface DeviceBuffer {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly bytes: number;
}

/** How activations meet quantised weights, best first. */
export const activationKinds = ['exact', 'int8'] as const;

/**
 * `exact`: f32 activations times dequantised weights. `int8`: activations rounded to int8 in blocks of
 * 32 wherever they meet a quantised weight, for speed; NMSE at most 5e-4 per matmul. Either way a row's
 * results depend on that row alone, bit for bit.
 */
export type Activations = (typeof activationKinds)[number];

/** How exactly a program computes. */
export interface CompileOptions {
  /** Default `exact`. DEVICE_UNSUPPORTED where `info.activations` does not have it. */
  readonly activations?: Activations;
}

/** A program bound to buffers on one device. */
export interface Executable {
  readonly program: Program;
}

/** Contents of inputs and outputs: f32 or i32. */
export type HostArray = Float32Array | Int32Array;

/** One run's arguments. */
export interface RunOptions {
  /** Every input the program reads, by name; sizes must match the shapes at `sizes`. */
  readonly inputs: Readonly<Record<string, HostArray>>;
  readonly sizes: DimSizes;
  /** Outputs to copy out when the run ends; others stay readable through `readOutput`. */
  readonly fetch: readonly string[];
  /** Looked at between ops; the run then rejects with ABORTED. */
  readonly signal?: AbortSignal;
}

/**
 * Runs programs. Runs, writes and reads happen in the order they were asked for. After close() every
 * call rejects with DEVICE_CLOSED; a second close() does nothing.
 */
export interface Device {
  readonly info: DeviceInfo;
  /** Can this op be computed with a weight or state of this type? */
  supports(op: OpName, dtype: DType): boolean;
  /**
   * Memory for a tensor, zeros at first. With `region` the buffer is that part of a file, mapped where
   * the device can and else read; such a buffer can still be written. Pages are taken on first touch.
   */
  allocate(
    dtype: DType,
    shape: readonly number[],
    options?: { readonly region?: MappableRegion },
  ): Promise<DeviceBuffer>;
  /** Replaces bytes of a buffer in place. `bytes` is copied at the call and may be reused at once. */
  write(buffer: DeviceBuffer, offset: number, bytes: Uint8Array): Promise<void>;
  read(buffer: DeviceBuffer, offset: number, length: number): Promise<Uint8Array>;
  free(buffer: DeviceBuffer): void;
  /** Fuses, plans and binds. `buffers` holds every weight and state the program reads, by name. */
  compile(
    program: Program,
    buffers: Readonly<Record<string, DeviceBuffer>>,
    options?: CompileOptions,
  ): Executable;
  /** Inputs are copied at the call. Fails when a bound buffer was freed before it. */
  run(executable: Executable, options: RunOptions): Promise<Record<string, HostArray>>;
  /** Rows [start, start + count) of an output of the executable's last run. */
  readOutput(
    executable: Executable,
    name: string,
    start: number,
    count: number,
  ): Promise<HostArray>;
  close(): Promise<void>;
}
