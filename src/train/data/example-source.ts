// Batches of whole examples: packed into bins, or a fixed number of examples a step. What a step holds is a
// function of its number: a resumed run sees what the unbroken one would have seen.
import type { Batch, BatchSource, Example } from '../batch.ts';
import { layOutWithin } from './lay-out.ts';
import { type Bins, packBins } from './pack.ts';
import { shuffled } from './shuffle.ts';
import type { TokenSet } from './token-set.ts';

/** How examples become steps. */
export interface ExampleSourceOptions {
  readonly context: number;
  /** Bins, or examples, of one step. */
  readonly batch: number;
  /** Most rows of one pass. */
  readonly microRows: number;
  /** Absent: everything in its order, as evaluation wants. */
  readonly seed?: number | undefined;
  readonly hash: string;
}

/** Steps of `batch` bins of up to `context` rows; bins are made once and come in another order each epoch. */
export function packedSource(
  set: TokenSet,
  options: ExampleSourceOptions,
): { readonly source: BatchSource; readonly bins: number } {
  const { context, seed } = options;
  const bins = packBins(set.rows, { capacity: context, seed });
  return { source: groupedSource(set, bins, options), bins: bins.count };
}

/** Steps of `batch` examples, with `bucketing` of like length. */
export function exampleSource(
  set: TokenSet,
  options: ExampleSourceOptions & { readonly bucketing: boolean },
): BatchSource {
  const order = Int32Array.from(set.rows.keys());
  if (!options.bucketing) {
    const starts = Int32Array.from({ length: set.count + 1 }, (_, at) => at);
    return groupedSource(set, { count: set.count, items: order, starts }, options);
  }
  const { batch, seed } = options;
  // shuffled first, so that examples of one length meet others each time the data change, not by file order
  const mixed =
    seed === undefined ? order : shuffled(set.count, { seed, use: 'bucketing', epoch: 0 });
  const rows = (item: number): number => set.rows[item] as number;
  const items = Int32Array.from(Array.from(mixed).sort((a, b) => rows(b) - rows(a)));
  const starts: number[] = [];
  for (let at = 0; at < items.length; at += batch) starts.push(at);
  const groups: Bins = {
    count: starts.length,
    items,
    starts: Int32Array.from([...starts, items.length]),
  };
  return groupedSource(set, groups, { ...options, batch: 1 });
}

/** Steps of `batch` groups of sequences, in an order of each epoch. */
function groupedSource(
  set: TokenSet,
  groups: Bins,
  { context, batch, microRows, seed, hash }: ExampleSourceOptions,
): BatchSource {
  const stepsPerEpoch = Math.ceil(groups.count / batch);
  const inOrder = Int32Array.from({ length: groups.count }, (_, at) => at);
  let latest: { epoch: number; order: Int32Array } = { epoch: -1, order: inOrder };
  const orderOf = (epoch: number): Int32Array => {
    if (seed === undefined) return inOrder;
    if (latest.epoch !== epoch) {
      latest = { epoch, order: shuffled(groups.count, { seed, use: 'epoch', epoch }) };
    }
    return latest.order;
  };
  return {
    context,
    stepsPerEpoch,
    hash,
    step(step: number): readonly Batch[] {
      const at = (step % stepsPerEpoch) * batch;
      const sequences: Example[] = [];
      for (const group of orderOf(Math.floor(step / stepsPerEpoch)).subarray(at, at + batch)) {
        const [from, until] = [groups.starts[group], groups.starts[group + 1]];
        for (const item of groups.items.subarray(from, until)) sequences.push(set.read(item));
      }
      return layOutWithin(sequences, Math.max(microRows, context));
    },
  };
}
