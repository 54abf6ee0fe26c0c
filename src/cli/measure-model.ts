// What a model would take in memory here: its weights as they lie in the file, and its cache.
import { countPages, pageSize } from '../engine/cache.ts';
import type { Library, LoadOptions } from './library.ts';

/** Bytes of weights and cache, those of a model that guesses for it among them. */
export async function measureModel(
  path: string,
  options: LoadOptions,
  library: Library,
): Promise<number> {
  const checkpoint = await library.openCheckpoint(path, {});
  try {
    const { config, tensors } = checkpoint;
    const { cache = 'f16', sequences, speculate } = options;
    const context = Math.min(options.context ?? config.context, config.context);
    const weights = [...tensors.values()].reduce((sum, { bytes }) => sum + bytes, 0);
    const tokens = countPages(config, cache, context, sequences) * pageSize;
    const own = weights + tokens * (await library.cacheBytesPerToken(config, cache));
    if (speculate?.startsWith('draft:') !== true) return own;
    const drafter = speculate.slice('draft:'.length);
    return own + (await measureModel(drafter, { ...options, context, speculate: 'off' }, library));
  } finally {
    await checkpoint.close();
  }
}
