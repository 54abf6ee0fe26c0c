// What the scheduler knows between two steps: plain data, no clock, no device.
import { present } from '../base/invariant.ts';
import type { TokenId } from '../tokenizer/tokenizer.ts';
import { createPrefixTree, type PrefixTree } from './prefix-tree.ts';
import type { Sequence } from './sequence.ts';

/** A run of consecutive tokens of one sequence. */
export interface Chunk {
  readonly sequence: Sequence;
  readonly start: number;
  readonly count: number;
  /** Guesses of the tokens after them, computed along: not the sequence's until the sampler chooses them. */
  readonly draft: readonly TokenId[];
}

/** One of those who share the engine. */
export interface Tenant {
  /** Tokens computed for it, as far as that matters against others. */
  served: number;
  /** Its sequences that run or wait. */
  open: number;
}

/** Everything the scheduler knows. */
export interface SchedulerState {
  readonly pageSize: number;
  /** Sequences that may run at once. */
  readonly maxRunning: number;
  /** Pages left for each running sequence when another is admitted, so that it need not soon be sent back. */
  readonly growthPages: number;
  /** Pages that hold nothing. */
  readonly freePages: number[];
  /** Pages that hold whole beginnings, used or not. */
  readonly prefixes: PrefixTree;
  /** In the order they were admitted. */
  readonly running: Sequence[];
  readonly waiting: Sequence[];
  /** They stand for pages that come from elsewhere (restoring.ts). */
  readonly restoring: Set<Sequence>;
  readonly tenants: Map<string, Tenant>;
  /** Steps planned. */
  step: number;
  /** Sequences that ever came. */
  arrivals: number;
  /** The step in which a batch sequence was last made interactive. */
  promotedStep: number;
}

/** A scheduler over `pages` pages of `pageSize` tokens, all free. */
export function createScheduler({
  pages,
  pageSize,
  maxRunning = Number.POSITIVE_INFINITY,
  growthPages = 1,
}: {
  readonly pages: number;
  readonly pageSize: number;
  readonly maxRunning?: number;
  readonly growthPages?: number;
}): SchedulerState {
  return {
    pageSize,
    maxRunning,
    growthPages,
    // Taken from the end: low pages first, so that memory is touched only as far as needed.
    freePages: Array.from({ length: pages }, (_, index) => pages - 1 - index),
    prefixes: createPrefixTree(pageSize),
    running: [],
    waiting: [],
    restoring: new Set(),
    tenants: new Map(),
    step: 0,
    arrivals: 0,
    promotedStep: 0,
  };
}

/** Position in the cache of a token of a running sequence. */
export function slotOf(state: SchedulerState, sequence: Sequence, position: number): number {
  const page = present(sequence.pages[Math.floor(position / state.pageSize)], 'page');
  return page * state.pageSize + (position % state.pageSize);
}
