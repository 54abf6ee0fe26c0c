// What a model would take in memory here: its weights as they lie in the file, and its cache.
import { countPages, pageSize } from '../engine/cache.ts';
import type { Library, LoadOptions } from './library.ts';

/** Bytes of weights and cache. */
export async function measureModel(
  path: string,
  options: LoadOptions,
  library: Library,
): Promise<number> {
  const checkpoint = await library.openCheckpoint(path, {});
  try {
    const { config, tensors } = checkpoint;
    const { cache = 'f16', context = config.context, sequences } = options;
    const weights = [...tensors.values()].reduce((sum, { bytes }) => sum + bytes, 0);
    const tokens = countPages(config, cache, context, sequences) * pageSize;
    return weights + tokens * (await library.cacheBytesPerToken(config, cache));
  } finally {
    await checkpoint.close();
  }
}
