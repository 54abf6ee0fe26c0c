// What this machine can do at most, with the kernels' instruction set and threads: the yardsticks that
// products, training steps and whole models are measured by.
import { loadAddon, type NativeBuffer, type NativeStatus } from '../base/addon.ts';
import { errors } from '../base/errors.ts';
import { invariant, present } from '../base/invariant.ts';
import { type DType, dtypes } from '../tensor/dtype.ts';
import type { DeviceInfo } from './device.ts';

/** Measures again and again. Close it to end its threads. All threads work together. */
export interface LimitMeter {
  /** f32 operations per second on registers alone: two for each multiply-add. */
  measureF32(seconds: number): Promise<number>;
  /** int8 multiply-adds per second on registers alone. */
  measureInt8(seconds: number): Promise<number>;
  /** Bytes per second that are read from memory. Takes memory at the first call. Throws OUT_OF_MEMORY. */
  measureReading(seconds: number): Promise<number>;
  close(): Promise<void>;
}

const limits = { f32: 0, int8: 1 } as const;

// Far more than any cache, and little of any machine that runs models.
const readBytes = 512 * 2 ** 20;
const pieceBytes = 16 * 2 ** 20;

/**
 * Opens a meter for a cpu device's instruction set and threads. Throws ADDON_UNAVAILABLE.
 * @example const peak = await openLimitMeter(device.info).measureF32(0.1); // 2e11: 200 GFLOP/s
 */
export function openLimitMeter({ isa, threads }: Pick<DeviceInfo, 'isa' | 'threads'>): LimitMeter {
  const addon = loadAddon();
  const device = addon.createDevice(isa, threads, 0);
  let memory: NativeBuffer | undefined;

  // Written once: the system has one page of zeros for all memory that never was.
  const takeMemory = async (): Promise<NativeBuffer> => {
    const buffer = addon.allocate(device, readBytes);
    if (buffer === undefined) {
      throw errors.OUT_OF_MEMORY({ bytes: readBytes, what: 'measuring how fast memory is read' });
    }
    const piece = new Uint8Array(pieceBytes).fill(1);
    for (let offset = 0; offset < readBytes; offset += pieceBytes) {
      readFound(await addon.writeBuffer(buffer, offset, piece));
    }
    return buffer;
  };

  return {
    measureF32: async (seconds) => readFound(await addon.measurePeak(device, limits.f32, seconds)),
    measureInt8: async (seconds) =>
      readFound(await addon.measurePeak(device, limits.int8, seconds)),
    measureReading: async (seconds) => {
      memory ??= await takeMemory();
      return readFound(await addon.measureReading(memory, seconds));
    },
    close: async () => {
      await addon.closeDevice(device);
    },
  };
}

/** Do weights of this type meet int8 activations, where a program is compiled for them? */
export function takesInt8(dtype: DType): boolean {
  return loadAddon().packedTypes.includes(dtypes[dtype].gguf);
}

function readFound([code, , , found]: NativeStatus): number {
  invariant(code === 0, `measuring a limit ended with code ${code}`);
  return present(found, 'what was found per second');
}
