// The key-value cache of an engine: how many tokens it holds, what it costs, and its buffers.
import { CorralError } from '../base/define-errors.ts';
import { errors } from '../base/errors.ts';
import type { Device, DeviceBuffer } from '../device/device.ts';
import type { LlamaConfig } from '../formats/llama-config.ts';
import { cacheNames } from '../model/llama.ts';
import { fitsBlocks, rowBytes } from '../tensor/dtype.ts';

/** Types a cache may be kept in. */
export const cacheTypes = ['f16', 'f32', 'q8_0'] as const;

/** Type of the cached keys and values. */
export type CacheType = (typeof cacheTypes)[number];

/**
 * Tokens in one page. Small, since of a common beginning what does not fill a page is computed again; kernels
 * look up each slot anyway, so that it costs them nothing.
 */
export const pageSize = 8;

// Tokens that a running sequence should be able to grow by when another is admitted.
const growthTokens = 32;

/** Pages left for each running sequence when another is admitted. */
export const growthPages: number = growthTokens / pageSize;

// Without a wish, the cache may grow to this many bytes; pages are taken on first touch.
const defaultBytes = 4 * 2 ** 30;
const defaultSequences = 16;

/** Bytes of keys and values for one token, all layers together. */
export function cacheBytesPerToken(config: LlamaConfig, type: CacheType): number {
  return 2 * config.layers * rowBytes(type, config.kvHeads * config.headDim);
}

/** Pages to provide: `context` tokens for as many sequences as are asked for, or as fit. */
export function countPages(
  config: LlamaConfig,
  type: CacheType,
  context: number,
  sequences?: number,
): number {
  const perSequence = Math.ceil(context / pageSize);
  const bytes = perSequence * pageSize * cacheBytesPerToken(config, type);
  const fitting = Math.min(defaultSequences, Math.floor(defaultBytes / bytes));
  return perSequence * (sequences ?? Math.max(1, fitting));
}

/** Allocates keys and values of every layer. Throws DEVICE_UNSUPPORTED or OUT_OF_MEMORY. */
export async function allocateCache(
  device: Device,
  config: LlamaConfig,
  type: CacheType,
  pages: number,
): Promise<Record<string, DeviceBuffer>> {
  const width = config.kvHeads * config.headDim;
  if (!device.supports('attention', type) || !fitsBlocks(type, config.headDim)) {
    throw errors.DEVICE_UNSUPPORTED({
      device: device.info.name,
      what: `a ${type} cache with heads of ${config.headDim}`,
    });
  }
  const buffers: Record<string, DeviceBuffer> = {};
  try {
    for (let layer = 0; layer < config.layers; layer++) {
      const shape = [pages * pageSize, width];
      buffers[cacheNames.keys(layer)] = await device.allocate(type, shape);
      buffers[cacheNames.values(layer)] = await device.allocate(type, shape);
    }
  } catch (error) {
    freeBuffers(device, buffers);
    throw error;
  }
  return buffers;
}

/** Frees buffers; a device that was closed has freed them itself. */
export function freeBuffers(device: Device, buffers: Readonly<Record<string, DeviceBuffer>>): void {
  try {
    for (const buffer of Object.values(buffers)) device.free(buffer);
  } catch (error) {
    if (!(CorralError.isInstance(error) && error.code === 'CORRAL_DEVICE_CLOSED')) throw error;
  }
}
