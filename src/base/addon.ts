// Finds and loads the native addon, once, and describes what it offers. Keeps why each attempt
// failed. Knows nothing of tensors: dtypes and ops are numbers here, turned into words by device/.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { CorralError } from './define-errors.ts';
import { errors } from './errors.ts';

declare const handle: unique symbol;

/** Native objects that JavaScript can only hold. Forgotten ones are freed when collected. */
export interface NativeDevice {
  readonly [handle]: 'device';
}
export interface NativeBuffer {
  readonly [handle]: 'buffer';
}
export interface NativeExecutable {
  readonly [handle]: 'executable';
}

/** How a task ended: code, op, value, found, lowest, highest; see `statusCodes`. */
export type NativeStatus = Float64Array;

/** What the first number of a status means, by position. */
export const statusCodes = [
  'ok',
  'closed',
  'aborted',
  'outOfMemory',
  'indexInvalid',
  'bufferFreed',
  'neverRun',
  'outOfBounds',
  'guardBroken',
  'shapesDisagree',
  'notPacked',
] as const;

/** The addon's functions. Promises end in the order their calls were made, per device. */
export interface NativeAddon {
  readonly interfaceVersion: number;
  /** Instruction sets this CPU has kernels for, slowest first. */
  readonly isas: readonly string[];
  /** Ops with kernels, and the order of their attributes; an op's number is its place here. */
  readonly ops: readonly { readonly name: string; readonly attributes: readonly string[] }[];
  /** GGUF's numbers of the weight types that `matmul_int8` takes. */
  readonly packedTypes: readonly number[];
  /** `guard` 0: none, 1: checked bytes around every buffer, 2: an unreadable page behind it. */
  createDevice(isa: string, threads: number, guard: number): NativeDevice;
  threadsOf(device: NativeDevice): number;
  /** Undefined: there is not that much memory. */
  allocate(device: NativeDevice, bytes: number): NativeBuffer | undefined;
  /** A number: the errno of what failed, or -1 when the file ends before the region does. */
  mapFile(device: NativeDevice, path: string, offset: number, bytes: number): NativeBuffer | number;
  freeBuffer(buffer: NativeBuffer): void;
  /** A number: panels that were written under another one are of no use. */
  panelLayoutOf(device: NativeDevice): number;
  /**
   * Panels of the matrix in this new buffer, kept in a file. They are compared with the checksum's two words
   * before they are used, and packed from the matrix where they differ. 0, or as mapFile's number.
   */
  mapPacked(
    buffer: NativeBuffer,
    path: string,
    offset: number,
    bytes: number,
    checksum: Uint32Array,
  ): number;
  /**
   * Of the panels of a matrix that a file holds: found is their bytes, lowest and highest are their
   * checksum's words, value is 1 where they are mapped from a file. `notPacked` where there are none.
   */
  describePacked(buffer: NativeBuffer): Promise<NativeStatus>;
  readPacked(buffer: NativeBuffer, offset: number, bytes: Uint8Array): Promise<NativeStatus>;
  /** The array is read, or written, on another thread until the promise settles. */
  writeBuffer(buffer: NativeBuffer, offset: number, bytes: Uint8Array): Promise<NativeStatus>;
  readBuffer(buffer: NativeBuffer, offset: number, bytes: Uint8Array): Promise<NativeStatus>;
  compile(
    device: NativeDevice,
    layout: Int32Array,
    numbers: Float64Array,
    buffers: readonly NativeBuffer[],
  ): NativeExecutable;
  /**
   * The run stops once `abort[0]` is not 0. Its status finds how many weights had to be packed before it. A
   * run of less than a millisecond may be done within the call, while nothing else is under way; then the
   * status comes at once.
   */
  run(
    executable: NativeExecutable,
    sizes: Int32Array,
    inputs: readonly (Float32Array | Int32Array)[],
    fetchIds: Int32Array,
    fetchTargets: readonly (Float32Array | Int32Array)[],
    abort: Int32Array | undefined,
  ): Promise<NativeStatus> | NativeStatus;
  readOutput(
    executable: NativeExecutable,
    value: number,
    byteOffset: number,
    target: Float32Array | Int32Array,
  ): Promise<NativeStatus>;
  /**
   * Its status finds what all threads together do on registers alone, per second. `limit` 0: f32 operations, two
   * for each multiply-add; 1: int8 multiply-adds.
   */
  measurePeak(device: NativeDevice, limit: number, seconds: number): Promise<NativeStatus>;
  /** Its status finds the bytes per second that all threads together read, each its part of the buffer. */
  measureReading(buffer: NativeBuffer, seconds: number): Promise<NativeStatus>;
  closeDevice(device: NativeDevice): Promise<NativeStatus>;
}

/** Why a place gave no addon. */
export interface AddonAttempt {
  readonly path: string;
  readonly reason: string;
  /** It loads, but was built from other sources than these. */
  readonly isOutdated: boolean;
}

/** Whether the addon is there, and if not, what was tried. */
export type AddonStatus =
  | { readonly available: true; readonly path: string; readonly addon: NativeAddon }
  | { readonly available: false; readonly attempts: readonly AddonAttempt[] };

/** The same number as in native/addon/module.cc: a binary of another version is not used. */
export const interfaceVersion = 4;

// Both src/base and dist/base lie two folders below the package.
const packageRoot = join(import.meta.dirname, '..', '..');

/** Where an addon may lie, best first. What was compiled here is there for a reason, so it wins. */
export function addonPlaces(root: string = packageRoot): readonly string[] {
  return [
    join(root, 'build', 'Release', 'corral.node'),
    join(root, 'prebuilt', `${process.platform}-${process.arch}`, 'corral.node'),
  ];
}

/** Tries the places in order. `load` gives a module's exports or throws. */
export function findAddon(places: readonly string[], load: (path: string) => unknown): AddonStatus {
  const attempts: AddonAttempt[] = [];
  for (const path of places) {
    try {
      const addon = load(path) as NativeAddon;
      if (addon.interfaceVersion === interfaceVersion) return { available: true, path, addon };
      const reason = `its interface is ${addon.interfaceVersion}, not ${interfaceVersion}`;
      attempts.push({ path, reason, isOutdated: true });
    } catch (error) {
      attempts.push({ path, reason: reasonOf(error), isOutdated: false });
    }
  }
  return { available: false, attempts };
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if ('code' in error && error.code === 'MODULE_NOT_FOUND') return 'not there';
  return error.message.split('\n')[0] ?? error.message;
}

let known: AddonStatus | undefined;

/** Loads the addon at the first call. Never throws. */
export function addonStatus(): AddonStatus {
  known ??= findAddon(addonPlaces(), createRequire(import.meta.url));
  return known;
}

/** One line that says why there is no addon; undefined when there is one. */
export function addonProblem(): string | undefined {
  const status = addonStatus();
  if (status.available) return undefined;
  return status.attempts.map(({ path, reason }) => `${path} (${reason})`).join(', ');
}

/** What to do so that there is an addon: build the sources that are here, or get what building takes. */
export function addonRemedy(status: AddonStatus): string {
  return !status.available && status.attempts.some(({ isOutdated }) => isOutdated)
    ? 'the native addon was built from other sources: run `npm run build:native` in a clone, `npm rebuild corral` elsewhere'
    : 'the native addon is not there: install a C++ compiler, make and python3, then run `npm ci` in a clone, `npm rebuild corral` elsewhere';
}

/** The addon. Throws ADDON_UNAVAILABLE with every attempt. */
export function loadAddon(): NativeAddon {
  const status = addonStatus();
  if (status.available) return status.addon;
  throw errors.ADDON_UNAVAILABLE({ attempts: addonProblem() ?? '' });
}

/** True for the error loadAddon throws. */
export function isAddonUnavailable(error: unknown): boolean {
  return CorralError.isInstance(error) && error.code === 'CORRAL_ADDON_UNAVAILABLE';
}
