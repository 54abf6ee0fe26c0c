// Pages for those who run: free ones, then those kept for later use, then those of whoever matters least.
import { invariant, present } from '../base/invariant.ts';
import { adopt, evict, type PrefixNode, release } from './prefix-tree.ts';
import type { SchedulerState } from './scheduler-state.ts';
import type { Sequence } from './sequence.ts';
import { compareStanding } from './turns.ts';

/** Pages that can be had without taking any from a running sequence. */
export function countSpare({ freePages, prefixes }: SchedulerState): number {
  return freePages.length + prefixes.unused.size;
}

/** Pages beyond those of `path` that a sequence needs for all tokens it has. */
export function countMissing(
  { pageSize }: SchedulerState,
  { tokens }: Sequence,
  path: readonly PrefixNode[],
): number {
  return Math.ceil(tokens.length / pageSize) - path.length;
}

/** Takes one page; there must be a spare one. */
export function takePage(state: SchedulerState): number {
  return state.freePages.pop() ?? evict(state.prefixes);
}

/** Are there pages for a sequence that has those of `path`, beside what running ones may soon need? */
export function hasRoom(
  state: SchedulerState,
  sequence: Sequence,
  path: readonly PrefixNode[],
): boolean {
  const revived = path.filter((node) => state.prefixes.unused.has(node)).length;
  const growth = state.growthPages * state.running.length;
  return countMissing(state, sequence, path) <= countSpare(state) - revived - growth;
}

/** Gives a sequence the pages of `path` and as many more as its tokens need. */
export function occupy(
  state: SchedulerState,
  sequence: Sequence,
  path: readonly PrefixNode[],
): void {
  adopt(state.prefixes, sequence, path);
  sequence.pages = path.map(({ page }) => page);
  for (let missing = countMissing(state, sequence, path); missing > 0; missing--) {
    sequence.pages.push(takePage(state));
  }
}

/**
 * Gives every running sequence pages for its tokens. Where there are none, the one that matters least stops:
 * batch before interactive, the youngest first.
 */
export function supplyPages(state: SchedulerState): void {
  for (const sequence of state.running) takeBackSpare(state, sequence);
  for (const sequence of state.running.toSorted(compareStanding)) {
    while (sequence.pages.length > 0 && countMissing(state, sequence, []) > sequence.pages.length) {
      if (countSpare(state) > 0) {
        sequence.pages.push(takePage(state));
        continue;
      }
      const isAlone = state.running.length === 1 && state.restoring.size === 0;
      invariant(!isAlone, 'the cache holds any one sequence');
      preempt(state, last(state.running));
    }
  }
}

/** Gives a sequence pages for guesses after its tokens, as far as no other needs to stop. Says how many have room. */
export function supplyDraft(state: SchedulerState, sequence: Sequence, guesses: number): number {
  const { tokens, pages } = sequence;
  const room = (): number => pages.length * state.pageSize - tokens.length;
  while (room() < guesses && countSpare(state) > 0) pages.push(takePage(state));
  return Math.min(guesses, room());
}

/** The running sequence that matters least, if it matters less than this one. */
export function findVictim(state: SchedulerState, sequence: Sequence): Sequence | undefined {
  if (state.running.length === 0) return undefined;
  const victim = last(state.running);
  return compareStanding(victim, sequence) > 0 ? victim : undefined;
}

/** Sends a running sequence back to wait. What it computed of whole pages stays, until their place is needed. */
export function preempt(state: SchedulerState, sequence: Sequence): void {
  state.running.splice(state.running.indexOf(sequence), 1);
  giveBack(state, sequence);
  sequence.computed = 0;
  sequence.grows = sequence.namespace !== undefined;
  state.waiting.push(sequence);
}

/** Takes all pages of a sequence from it. */
export function giveBack(state: SchedulerState, sequence: Sequence): void {
  state.freePages.push(...release(state.prefixes, sequence).toReversed());
  sequence.pages = [];
}

// What the guesses of the last step needed.
function takeBackSpare(state: SchedulerState, { tokens, pages }: Sequence): void {
  const needed = Math.ceil(tokens.length / state.pageSize);
  state.freePages.push(...pages.splice(needed).toReversed());
}

function last(running: readonly Sequence[]): Sequence {
  return present(running.toSorted(compareStanding).at(-1), 'running sequence');
}
