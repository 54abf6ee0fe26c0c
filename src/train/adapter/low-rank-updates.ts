// An adapter's files as what a running engine loads into one of its slots.
import { errors } from '../../base/errors.ts';
import { present } from '../../base/invariant.ts';
import type { LowRankUpdate } from '../../engine/index.ts';
import type { LlamaConfig } from '../../formats/llama-config.ts';
import { adapterNames } from './adapter.ts';
import { readAdapter } from './read-adapter.ts';

/**
 * Reads a LoRA or rsLoRA for `engine.loadAdapter`. Throws ADAPTER_INVALID, also for a DoRA: it changes rows
 * by their lengths and stands beside one model alone.
 * @example await engine.loadAdapter('support', await readLowRankUpdates('adapters/support', engine.config));
 */
export async function readLowRankUpdates(
  path: string,
  config: LlamaConfig,
): Promise<ReadonlyMap<string, LowRankUpdate>> {
  const { adapter, tensors } = await readAdapter(path, config);
  if (adapter.hasMagnitudes) {
    const reason = 'it is a DoRA, which cannot be chosen per request; merge it or use --adapter';
    throw errors.ADAPTER_INVALID({ path, reason });
  }
  const updates = new Map<string, LowRankUpdate>();
  for (const { name, rank, scale } of adapter.matrices.values()) {
    const [a, b] = [adapterNames.a(name), adapterNames.b(name)];
    updates.set(name, {
      rank,
      scale,
      down: present(tensors.get(a), a),
      up: present(tensors.get(b), b),
    });
  }
  return updates;
}
