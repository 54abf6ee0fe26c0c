// What the f32 units of this machine can do at most, with the kernels' instruction set and threads: the
// yardstick that products and training steps are measured by.
import { loadAddon } from '../base/addon.ts';
import { invariant, present } from '../base/invariant.ts';
import type { DeviceInfo } from './device.ts';

/** Measures again and again. Close it to end its threads. */
export interface PeakMeter {
  /** Operations per second of all threads together: two for each multiply-add. */
  measure(seconds: number): Promise<number>;
  close(): Promise<void>;
}

/**
 * Opens a meter for a cpu device's instruction set and threads. Throws ADDON_UNAVAILABLE.
 * @example const peak = await openPeakMeter(device.info).measure(0.1); // 2e11: 200 GFLOP/s
 */
export function openPeakMeter({ isa, threads }: Pick<DeviceInfo, 'isa' | 'threads'>): PeakMeter {
  const addon = loadAddon();
  const device = addon.createDevice(isa, threads, 0);
  return {
    measure: async (seconds) => {
      const [code, , , found] = await addon.measurePeak(device, seconds);
      invariant(code === 0, `measuring the peak ended with code ${code}`);
      return present(found, 'operations per second');
    },
    close: async () => {
      await addon.closeDevice(device);
    },
  };
}
