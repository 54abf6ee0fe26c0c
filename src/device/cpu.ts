// The cpu device: programs run in the native addon, each as one asynchronous call on its own
// threads, so the event loop stays free. Checks sizes here; indices are checked natively.
import { setImmediate } from 'node:timers/promises';
import { getSystemErrorName, types } from 'node:util';
import {
  addonStatus,
  loadAddon,
  type NativeAddon,
  type NativeBuffer,
  type NativeDevice,
  type NativeExecutable,
  type NativeStatus,
  statusCodes,
} from '../base/addon.ts';
import { errors } from '../base/errors.ts';
import { invariant, present } from '../base/invariant.ts';
import { type Logger, silentLogger } from '../base/log.ts';
import { type DType, tensorBytes } from '../tensor/dtype.ts';
import { fuse, unfuse } from '../tensor/fuse.ts';
import { type OpName, opNames } from '../tensor/ops.ts';
import { countElements, type Program, symbolicDims, type Value } from '../tensor/program.ts';
import { checkInput, checkRange, checkShape, checkSizes, takesType } from './check.ts';
import { encodeProgram } from './cpu-program.ts';
import { usableCores } from './cpu-threads.ts';
import {
  activationKinds,
  type CompileOptions,
  type Device,
  type DeviceBuffer,
  type DeviceInfo,
  type Executable,
  type HostArray,
  type MappableRegion,
  type RunOptions,
} from './device.ts';
import { type PackCacheOptions, PackKeeper } from './pack-keeper.ts';

/** How to open the cpu device. */
export interface CpuDeviceOptions {
  /** Threads that compute; default: the physical cores this process may use. */
  readonly threads?: number;
  /** Instruction set: portable, avx2 or avx512. Default: CORRAL_ISA, else the best this CPU has. */
  readonly isa?: string;
  readonly logger?: Logger;
  /**
   * Watches every buffer's borders, for tests: `canary` checks bytes around them after each run, `fence`
   * makes the process fault at the first step too far. Inputs, scratch and results are watched too.
   */
  readonly guard?: 'none' | 'canary' | 'fence';
  /** Where packed weights are kept from one process to the next. Default: nowhere. */
  readonly packCache?: PackCacheOptions;
}

const guards = ['none', 'canary', 'fence'] as const;
const maxThreads = 256;
// Milliseconds.
const longestTurn = 2;

class CpuBuffer implements DeviceBuffer {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly bytes: number;
  readonly device: CpuDevice;
  readonly native: NativeBuffer;

  constructor(device: CpuDevice, native: NativeBuffer, dtype: DType, shape: readonly number[]) {
    this.device = device;
    this.native = native;
    this.dtype = dtype;
    this.shape = shape;
    this.bytes = tensorBytes(dtype, shape);
  }
}

class CpuExecutable implements Executable {
  readonly program: Program;
  readonly device: CpuDevice;
  readonly native: NativeExecutable;
  readonly inputs: readonly Value[];

  constructor(
    device: CpuDevice,
    program: Program,
    native: NativeExecutable,
    inputs: readonly Value[],
  ) {
    this.device = device;
    this.program = program;
    this.native = native;
    this.inputs = inputs;
  }

  output(name: string): Value {
    const id = present(this.program.outputs.get(name), `output ${name}`);
    return present(this.program.values[id], `output ${name}`);
  }
}

class CpuDevice implements Device {
  readonly info: DeviceInfo;
  readonly #addon: NativeAddon;
  readonly #native: NativeDevice;
  readonly #kernels: ReadonlySet<string>;
  readonly #keeper: PackKeeper | undefined;
  #closing: Promise<void> | undefined;
  // When the event loop last had a turn, as far as is known here.
  #pausedAt = 0;

  constructor(
    addon: NativeAddon,
    native: NativeDevice,
    { isa, keeper }: { readonly isa: string; readonly keeper: PackKeeper | undefined },
  ) {
    this.#addon = addon;
    this.#native = native;
    this.#keeper = keeper;
    this.#kernels = new Set(addon.ops.map(({ name }) => name));
    this.info = {
      name: 'cpu',
      isa,
      activations: activationKinds,
      threads: addon.threadsOf(native),
    };
  }

  supports(op: OpName, dtype: DType): boolean {
    return this.#kernels.has(op) && takesType(op, dtype);
  }

  async allocate(
    dtype: DType,
    shape: readonly number[],
    options: { readonly region?: MappableRegion } = {},
  ): Promise<DeviceBuffer> {
    this.#assertOpen();
    checkShape(dtype, shape);
    const bytes = tensorBytes(dtype, shape);
    const { region } = options;
    if (region !== undefined) {
      await this.#keeper?.look(region.path);
      this.#assertOpen();
    }
    const native =
      region === undefined ? this.#addon.allocate(this.#native, bytes) : this.#map(region, bytes);
    if (native === undefined) {
      throw errors.OUT_OF_MEMORY({ bytes, what: `a tensor of ${dtype} [${shape}]` });
    }
    if (region !== undefined) await this.#keeper?.adopt(native, { region, dtype, shape });
    return new CpuBuffer(this, native, dtype, shape);
  }

  async write(buffer: DeviceBuffer, offset: number, bytes: Uint8Array): Promise<void> {
    this.#assertOpen();
    checkRange(buffer, offset, bytes.length);
    // Memory that may be changed, detached or shrunk meanwhile must not be read in the background.
    const source = new Uint8Array(bytes);
    const { native } = this.#own(buffer);
    this.#expectOk(await this.#addon.writeBuffer(native, offset, source), 'a write');
  }

  async read(buffer: DeviceBuffer, offset: number, length: number): Promise<Uint8Array> {
    this.#assertOpen();
    checkRange(buffer, offset, length);
    const target = new Uint8Array(length);
    const { native } = this.#own(buffer);
    this.#expectOk(await this.#addon.readBuffer(native, offset, target), 'a read');
    return target;
  }

  free(buffer: DeviceBuffer): void {
    this.#assertOpen();
    const { native } = this.#own(buffer);
    this.#keeper?.forget(native);
    this.#addon.freeBuffer(native);
  }

  compile(
    program: Program,
    buffers: Readonly<Record<string, DeviceBuffer>>,
    options: CompileOptions = {},
  ): Executable {
    this.#assertOpen();
    const known = opNames.filter((op) => this.#kernels.has(op));
    const fused = fuse(unfuse(program, this.#kernels), known);
    for (const { op } of fused.ops) {
      if (!this.#kernels.has(op)) throw errors.DEVICE_UNSUPPORTED({ device: 'cpu', what: op });
    }
    const { activations = 'exact' } = options;
    const encoded = encodeProgram(this.#addon, fused, { buffers, activations });
    const bound = encoded.buffers.map((name) => this.#own(present(buffers[name], name)).native);
    const native = this.#addon.compile(this.#native, encoded.layout, encoded.numbers, bound);
    return new CpuExecutable(this, fused, native, encoded.inputs);
  }

  async run(executable: Executable, options: RunOptions): Promise<Record<string, HostArray>> {
    this.#assertOpen();
    const compiled = this.#ownExecutable(executable);
    const { program, inputs } = compiled;
    const { sizes, signal } = options;
    if (signal?.aborted === true) throw errors.ABORTED({ what: program.name });
    checkSizes(sizes);
    for (const value of inputs) checkInput(value, options.inputs[value.name], sizes);
    const outputs = options.fetch.map((name) => compiled.output(name));
    const targets = outputs.map((value) => makeArray(value, countElements(value.shape, sizes)));

    const abort = signal === undefined ? undefined : new Int32Array(1);
    const stop = (): void => {
      abort?.fill(1);
    };
    signal?.addEventListener('abort', stop, { once: true });
    try {
      const run = this.#addon.run(
        compiled.native,
        Int32Array.from(symbolicDims, (dim) => sizes[dim]),
        inputs.map(({ name }) => present(options.inputs[name], `input ${name}`)),
        Int32Array.from(outputs, ({ id }) => id),
        targets,
        abort,
      );
      const status = await run;
      this.#expectOk(status, program.name);
      const [, , , packed = 0] = status;
      this.#keeper?.noteRun({ packed, hasResults: sizes.outputs > 0 });
      if (types.isPromise(run)) this.#pausedAt = performance.now();
      else await this.#pause();
    } finally {
      signal?.removeEventListener('abort', stop);
    }
    return Object.fromEntries(
      options.fetch.map((name, index) => [name, present(targets[index], 'target')]),
    );
  }

  async readOutput(
    executable: Executable,
    name: string,
    start: number,
    count: number,
  ): Promise<HostArray> {
    this.#assertOpen();
    const compiled = this.#ownExecutable(executable);
    const value = compiled.output(name);
    const width = value.shape.slice(1).reduce<number>((product, dim) => product * Number(dim), 1);
    invariant(start >= 0 && count >= 0, `rows ${start} to ${start + count} of ${name}`);
    const target = makeArray(value, count * width);
    const offset = start * width * target.BYTES_PER_ELEMENT;
    const status = await this.#addon.readOutput(compiled.native, value.id, offset, target);
    this.#expectOk(status, `rows ${start} to ${start + count} of ${name}`);
    return target;
  }

  close(): Promise<void> {
    this.#closing ??= this.#closeOnce();
    return this.#closing;
  }

  async #closeOnce(): Promise<void> {
    if (this.#keeper !== undefined) await this.#keeper.settle();
    await this.#addon.closeDevice(this.#native);
  }

  // Runs that end within their calls leave the event loop no turn: it gets one every few milliseconds.
  async #pause(): Promise<void> {
    if (performance.now() - this.#pausedAt < longestTurn) return;
    await setImmediate();
    this.#pausedAt = performance.now();
  }

  #assertOpen(): void {
    if (this.#closing !== undefined) throw errors.DEVICE_CLOSED({ device: 'cpu' });
  }

  #own(buffer: DeviceBuffer): CpuBuffer {
    invariant(
      buffer instanceof CpuBuffer && buffer.device === this,
      'the buffer is of another device',
    );
    return buffer;
  }

  #ownExecutable(executable: Executable): CpuExecutable {
    invariant(
      executable instanceof CpuExecutable && executable.device === this,
      'the executable is of another device',
    );
    return executable;
  }

  #map({ path, offset, length }: MappableRegion, bytes: number): NativeBuffer {
    invariant(length === bytes, 'a region is as long as its tensor');
    const mapped = this.#addon.mapFile(this.#native, path, offset, length);
    if (typeof mapped !== 'number') return mapped;
    if (mapped === -1) {
      throw errors.FORMAT_DAMAGED({
        path,
        offset,
        expected: `${length} bytes of a tensor`,
        found: 'the end of the file before them',
      });
    }
    const code = getSystemErrorName(-mapped);
    if (code === 'ENOMEM') throw errors.OUT_OF_MEMORY({ bytes, what: `a part of ${path}` });
    throw errors.FILE_UNREADABLE({ path, reason: `mapping it failed with ${code}` });
  }

  #expectOk(status: NativeStatus, what: string): void {
    const [code = -1, op = -1, value = -1, found = 0, lowest = 0, highest = 0] = status;
    const name = statusCodes[code];
    const opName = this.#addon.ops[op]?.name ?? '';
    if (name === 'ok') return;
    if (name === 'closed') throw errors.DEVICE_CLOSED({ device: 'cpu' });
    if (name === 'aborted') throw errors.ABORTED({ what });
    if (name === 'outOfMemory') throw errors.OUT_OF_MEMORY({ bytes: found, what });
    if (name === 'indexInvalid') {
      throw errors.INPUT_INVALID({ op: opName, found, allowed: `${lowest} to ${highest}` });
    }
    invariant(false, `${what}: ${name} (op ${opName || '-'}, value ${value})`);
  }
}

function makeArray(value: Value, length: number): HostArray {
  invariant(value.dtype === 'f32' || value.dtype === 'i32', `${value.name} is no plain tensor`);
  return value.dtype === 'i32' ? new Int32Array(length) : new Float32Array(length);
}

/** The instruction sets `createCpuDevice` can use here, slowest first; none without the addon. */
export function availableIsas(): readonly string[] {
  const status = addonStatus();
  return status.available ? status.addon.isas : [];
}

/**
 * Opens the native device. Throws ADDON_UNAVAILABLE or ISA_UNSUPPORTED.
 * @example const device = createCpuDevice({ threads: 2 });
 */
export function createCpuDevice(options: CpuDeviceOptions = {}): Device {
  const { logger = silentLogger, guard = 'none' } = options;
  const addon = loadAddon();
  const wanted = options.isa ?? (process.env['CORRAL_ISA']?.toLowerCase() || undefined);
  const isa = wanted ?? present(addon.isas.at(-1), 'an instruction set');
  if (!addon.isas.includes(isa)) {
    throw errors.ISA_UNSUPPORTED({ isa, allowed: addon.isas.join(', ') });
  }
  const threads = options.threads ?? Math.min(usableCores(), maxThreads);
  if (!Number.isInteger(threads) || threads < 1 || threads > maxThreads) {
    const allowed = `a whole number from 1 to ${maxThreads}`;
    throw errors.OPTION_INVALID({ option: '--threads', found: `${threads}`, allowed });
  }
  const native = addon.createDevice(isa, threads, guards.indexOf(guard));
  const { packCache: cache } = options;
  const keeper = cache && new PackKeeper(addon, native, { cache, logger });
  const device = new CpuDevice(addon, native, { isa, keeper });
  logger.debug(`cpu device: ${isa} kernels on ${device.info.threads} threads`);
  return device;
}
