// Packs examples into bins of a fixed size: long ones first, each into the fullest bin that has room
// (best-fit decreasing), within groups drawn at random so that no bin is made of likes alone.
import { invariant } from '../../base/invariant.ts';
import { shuffled } from './shuffle.ts';

// larger groups fill bins a little better, but cost the product of examples and open bins, and mix less
const GROUP = 4096;

/** Bins of examples: bin b holds `items[starts[b]]` to `items[starts[b + 1] - 1]`. */
export interface Bins {
  readonly count: number;
  readonly items: Int32Array;
  /** [count + 1] */
  readonly starts: Int32Array;
}

/**
 * Packs all examples. `lengths` are rows of each, none above `capacity`. Without a seed examples are taken
 * in their order.
 */
export function packBins(
  lengths: Int32Array,
  { capacity, seed }: { readonly capacity: number; readonly seed: number | undefined },
): Bins {
  const order =
    seed === undefined
      ? Int32Array.from(lengths.keys())
      : shuffled(lengths.length, { seed, use: 'packing', epoch: 0 });
  const items = new Int32Array(lengths.length);
  const starts: number[] = [0];
  let filled = 0;
  for (let from = 0; from < order.length; from += GROUP) {
    const group = order.subarray(from, from + GROUP);
    for (const bin of packGroup(group, lengths, capacity)) {
      items.set(bin, filled);
      filled += bin.length;
      starts.push(filled);
    }
  }
  return { count: starts.length - 1, items, starts: Int32Array.from(starts) };
}

function packGroup(group: Int32Array, lengths: Int32Array, capacity: number): number[][] {
  const lengthOf = (item: number): number => lengths[item] as number;
  // of equals the one that comes first in the group: sorting is stable
  const byLength = Array.from(group).sort((a, b) => lengthOf(b) - lengthOf(a));
  const bins: number[][] = [];
  const room: number[] = [];
  // bins that still may take something, oldest first
  let open: number[] = [];
  const shortest = lengthOf(byLength.at(-1) ?? 0);
  for (const item of byLength) {
    const length = lengthOf(item);
    invariant(length > 0 && length <= capacity, `an example of ${length} rows`);
    let best = -1;
    for (const bin of open) {
      const left = room[bin] as number;
      if (left >= length && (best < 0 || left < (room[best] as number))) best = bin;
    }
    if (best < 0) {
      best = bins.length;
      bins.push([]);
      room.push(capacity);
      open.push(best);
    }
    (bins[best] as number[]).push(item);
    room[best] = (room[best] as number) - length;
    if ((room[best] as number) < shortest) open = open.filter((bin) => bin !== best);
  }
  return bins;
}
