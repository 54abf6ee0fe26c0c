// Pages whose keys and values come from elsewhere instead of being computed: in the scheduler a sequence stands for
// them that never gets rows. Requests wait for it as for one that computes, and compute themselves what it
// leaves undone when it ends.
import { hasRoom, occupy } from './page-supply.ts';
import { findPrefix, grow, publish, release } from './prefix-tree.ts';
import type { SchedulerState } from './scheduler-state.ts';
import type { Sequence } from './sequence.ts';

/**
 * Takes pages for the sequence and enters them, as if it computed them; the first `computed` of its tokens are
 * there already. False, and nothing done, where others wait for room or work on its beginning.
 */
export function beginRestoring(state: SchedulerState, sequence: Sequence): boolean {
  const path = findPrefix(state.prefixes, sequence);
  if (path.some(({ writer }) => writer !== undefined)) return false;
  if (state.waiting.length > 0 || !hasRoom(state, sequence, path)) return false;
  occupy(state, sequence, path);
  sequence.computed = path.length * state.pageSize;
  grow(state.prefixes, sequence);
  state.restoring.add(sequence);
  return true;
}

/** Notes that its next pages hold what they should. */
export function noteRestored(state: SchedulerState, sequence: Sequence, pages: number): void {
  sequence.computed += pages * state.pageSize;
  publish(state.prefixes, sequence);
}

/** Takes it out. What was restored stays; what was not is left to whoever waits for it. */
export function endRestoring(state: SchedulerState, sequence: Sequence): void {
  state.restoring.delete(sequence);
  state.freePages.push(...release(state.prefixes, sequence).toReversed());
  sequence.pages = [];
}
