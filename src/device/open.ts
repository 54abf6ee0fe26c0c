// Chooses a device: the one asked for, or the fastest that works here, saying in one line why when
// that is the slow one.
import { addonProblem, addonRemedy, addonStatus, isAddonUnavailable } from '../base/addon.ts';
import { errors } from '../base/errors.ts';
import { type Logger, silentLogger } from '../base/log.ts';
import { createCpuDevice } from './cpu.ts';
import { type Device, deviceNames } from './device.ts';
import type { PackCacheOptions } from './pack-keeper.ts';
import { createReferenceDevice } from './reference.ts';

/** How to open a device. */
export interface OpenDeviceOptions {
  /** Threads that compute; default: the physical cores this process may use. */
  readonly threads?: number;
  readonly logger?: Logger;
  /** Where the cpu device keeps packed weights from one process to the next. Default: nowhere. */
  readonly packCache?: PackCacheOptions;
}

/**
 * Opens the named device, or the fastest one. Throws DEVICE_UNKNOWN, ADDON_UNAVAILABLE (when `cpu` is
 * asked for by name) or ISA_UNSUPPORTED.
 * @example const device = openDevice('cpu', { threads: 2 });
 */
export function openDevice(name?: string, options: OpenDeviceOptions = {}): Device {
  const { logger = silentLogger } = options;
  if (name === 'reference') return createReferenceDevice();
  if (name === 'cpu') return createCpuDevice(options);
  if (name !== undefined) {
    throw errors.DEVICE_UNKNOWN({ found: name, allowed: deviceNames.join(', ') });
  }
  try {
    return createCpuDevice(options);
  } catch (error) {
    if (!isAddonUnavailable(error)) throw error;
    logger.warn(`computing on the slow reference device, since ${addonRemedy(addonStatus())}`);
    logger.debug(addonProblem() ?? '');
    return createReferenceDevice();
  }
}
