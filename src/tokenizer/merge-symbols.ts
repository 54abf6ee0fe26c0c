// The merging itself: always the pair of lowest rank, of equals the leftmost. Short words by looking
// at every pair, long ones with a heap: O(n log n), so that a megabyte of one letter is no attack.
import type { MergeRules } from './merge-rules.ts';

const NONE = 0x7fffffff;
// measured: below about this length looking at all pairs beats keeping a heap
const SHORT = 40;
// a heap key is rank * POSITIONS + position, exact in a double while rank < 2^22
const POSITIONS = 2 ** 31;

/** Merges `symbols` in place as far as the rules go and returns how many are left, at the front. */
export function mergeSymbols(symbols: Int32Array, count: number, rules: MergeRules): number {
  if (count < 2) return count;
  return count <= SHORT ? mergeShort(symbols, count, rules) : mergeLong(symbols, count, rules);
}

const shortRanks = new Int32Array(SHORT);

function mergeShort(symbols: Int32Array, length: number, rules: MergeRules): number {
  let count = length;
  const ranks = shortRanks;
  const rankOf = (i: number): number => {
    const slot = rules.find(symbols[i] as number, symbols[i + 1] as number);
    return slot < 0 ? NONE : rules.rankAt(slot);
  };
  for (let i = 0; i + 1 < count; i++) ranks[i] = rankOf(i);
  for (;;) {
    let best = NONE;
    let at = -1;
    for (let i = 0; i + 1 < count; i++) {
      const rank = ranks[i] as number;
      if (rank < best) {
        best = rank;
        at = i;
      }
    }
    if (at < 0) return count;
    const slot = rules.find(symbols[at] as number, symbols[at + 1] as number);
    symbols[at] = rules.resultAt(slot);
    symbols.copyWithin(at + 1, at + 2, count);
    ranks.copyWithin(at + 1, at + 2, count);
    count -= 1;
    if (at > 0) ranks[at - 1] = rankOf(at - 1);
    if (at + 1 < count) ranks[at] = rankOf(at);
  }
}

function mergeLong(symbols: Int32Array, count: number, rules: MergeRules): number {
  const next = new Int32Array(count);
  const previous = new Int32Array(count);
  // rank of the pair that starts here; NONE once the symbol is gone or has no pair
  const ranks = new Int32Array(count);
  // each merge adds at most two pairs and each pair enters once
  const heap = new Float64Array(count * 3);
  let size = 0;

  const siftDown = (start: number): void => {
    const key = heap[start] as number;
    let hole = start;
    for (;;) {
      let child = 2 * hole + 1;
      if (child >= size) break;
      if (child + 1 < size && (heap[child + 1] as number) < (heap[child] as number)) child += 1;
      if ((heap[child] as number) >= key) break;
      heap[hole] = heap[child] as number;
      hole = child;
    }
    heap[hole] = key;
  };
  const push = (key: number): void => {
    let hole = size++;
    while (hole > 0) {
      const parent = (hole - 1) >> 1;
      if ((heap[parent] as number) <= key) break;
      heap[hole] = heap[parent] as number;
      hole = parent;
    }
    heap[hole] = key;
  };
  const rankOf = (i: number): number => {
    const after = next[i] as number;
    if (after < 0) return NONE;
    const slot = rules.find(symbols[i] as number, symbols[after] as number);
    return slot < 0 ? NONE : rules.rankAt(slot);
  };

  for (let i = 0; i < count; i++) {
    next[i] = i + 1 < count ? i + 1 : -1;
    previous[i] = i - 1;
  }
  for (let i = 0; i < count; i++) {
    const rank = rankOf(i);
    ranks[i] = rank;
    if (rank !== NONE) heap[size++] = rank * POSITIONS + i;
  }
  for (let i = (size >> 1) - 1; i >= 0; i--) siftDown(i);

  while (size > 0) {
    const key = heap[0] as number;
    size -= 1;
    if (size > 0) {
      heap[0] = heap[size] as number;
      siftDown(0);
    }
    const rank = Math.floor(key / POSITIONS);
    const at = key - rank * POSITIONS;
    // an entry whose pair has changed since; the pair's present rank has an entry of its own
    if (ranks[at] !== rank) continue;
    const gone = next[at] as number;
    symbols[at] = rules.resultAt(rules.find(symbols[at] as number, symbols[gone] as number));
    ranks[gone] = NONE;
    const after = next[gone] as number;
    next[at] = after;
    if (after >= 0) previous[after] = at;
    const newRank = rankOf(at);
    ranks[at] = newRank;
    if (newRank !== NONE) push(newRank * POSITIONS + at);
    const before = previous[at] as number;
    if (before >= 0) {
      const beforeRank = rankOf(before);
      ranks[before] = beforeRank;
      if (beforeRank !== NONE) push(beforeRank * POSITIONS + before);
    }
  }
  let left = 0;
  for (let i = 0; i >= 0; i = next[i] as number) symbols[left++] = symbols[i] as number;
  return left;
}
