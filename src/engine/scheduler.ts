// Decides which tokens are computed in the next step. A value machine: no clock, no device, no
// promises. Each sequence wants its computed tokens to catch up with the tokens it has; prompts,
// chunks of prompts and single tokens of running answers are all just rows. Equal beginnings are
// computed once (prefix-tree.ts): whoever comes second waits for the first, or finds them done.
import { invariant, present } from '../base/invariant.ts';
import {
  adopt,
  advance,
  computableEnd,
  createPrefixTree,
  evict,
  findPrefix,
  grow,
  type PrefixTree,
  publish,
  release,
} from './prefix-tree.ts';
import type { Sequence } from './sequence.ts';

// Rows kept for prompts, so that many running answers do not shut new ones out.
const promptShare = 1 / 8;

/** A run of consecutive tokens of one sequence. */
export interface Chunk {
  readonly sequence: Sequence;
  readonly start: number;
  readonly count: number;
}

/** Everything the scheduler knows. */
export interface SchedulerState {
  readonly pageSize: number;
  /** Pages that hold nothing. */
  readonly freePages: number[];
  /** Pages that hold whole beginnings, used or not. */
  readonly prefixes: PrefixTree;
  readonly running: Sequence[];
  readonly waiting: Sequence[];
}

/** A scheduler over `pages` pages of `pageSize` tokens. */
export function createScheduler(pages: number, pageSize: number): SchedulerState {
  // Taken from the end: low pages first, so that memory is touched only as far as needed.
  const freePages = Array.from({ length: pages }, (_, index) => pages - 1 - index);
  const prefixes = createPrefixTree(pageSize);
  return { pageSize, freePages, prefixes, running: [], waiting: [] };
}

/** Puts a sequence in the queue. */
export function enqueue(state: SchedulerState, sequence: Sequence): void {
  invariant(sequence.tokens.length <= sequence.reserve, 'a sequence reserves its own tokens');
  state.waiting.push(sequence);
}

/**
 * Chooses at most `budget` rows: one for every running answer, as far as a share kept for prompts allows,
 * then chunks of prompts in equal shares. Admits waiting sequences in order while pages last.
 */
export function plan(state: SchedulerState, budget: number): Chunk[] {
  admit(state);
  for (const sequence of state.running) advance(state.prefixes, sequence);
  const missing = (sequence: Sequence): number =>
    computableEnd(state.prefixes, sequence) - sequence.computed;
  const open = state.running.filter((sequence) => missing(sequence) > 0);
  const prompts = open.filter((sequence) => missing(sequence) > 1);
  const kept = prompts.length > 0 ? Math.floor(budget * promptShare) : 0;
  const answers = open.filter((sequence) => missing(sequence) === 1).slice(0, budget - kept);
  const chunks = answers.map((sequence) => ({ sequence, start: sequence.computed, count: 1 }));

  let left = budget - chunks.length;
  for (const [index, sequence] of prompts.entries()) {
    const share = Math.ceil(left / (prompts.length - index));
    const count = Math.min(missing(sequence), share);
    if (count > 0) chunks.push({ sequence, start: sequence.computed, count });
    left -= count;
  }
  serveOthersNext(state.running, chunks);
  return chunks;
}

/** Notes that the chunks were computed. */
export function apply(state: SchedulerState, chunks: readonly Chunk[]): void {
  for (const { sequence, start, count } of chunks) {
    sequence.computed = start + count;
    publish(state.prefixes, sequence);
    grow(state.prefixes, sequence);
  }
}

/** Takes a sequence out, wherever it is, and gives its pages back. */
export function remove(state: SchedulerState, sequence: Sequence): void {
  for (const list of [state.running, state.waiting]) {
    const index = list.indexOf(sequence);
    if (index >= 0) list.splice(index, 1);
  }
  state.freePages.push(...release(state.prefixes, sequence).toReversed());
  sequence.pages = [];
}

/** Position in the cache of a token of an admitted sequence. */
export function slotOf(state: SchedulerState, sequence: Sequence, position: number): number {
  const page = present(sequence.pages[Math.floor(position / state.pageSize)], 'page');
  return page * state.pageSize + (position % state.pageSize);
}

function admit(state: SchedulerState): void {
  const { freePages, prefixes } = state;
  while (state.waiting.length > 0) {
    const sequence = present(state.waiting[0], 'sequence');
    const path = findPrefix(prefixes, sequence);
    const needed = Math.ceil(sequence.reserve / state.pageSize) - path.length;
    const revived = path.filter((node) => prefixes.unused.has(node)).length;
    if (needed > freePages.length + prefixes.unused.size - revived) return;
    adopt(prefixes, sequence, path);
    while (freePages.length < needed) freePages.push(evict(prefixes));
    const own = freePages.splice(freePages.length - needed).toReversed();
    sequence.pages = [...path.map(({ page }) => page), ...own];
    grow(prefixes, sequence);
    state.running.push(sequence);
    state.waiting.shift();
  }
}

// Who got rows now comes last next time, so that no one waits for ever.
function serveOthersNext(running: Sequence[], chunks: readonly Chunk[]): void {
  const served = new Set(chunks.map(({ sequence }) => sequence));
  const order = [
    ...running.filter((sequence) => !served.has(sequence)),
    ...running.filter((sequence) => served.has(sequence)),
  ];
  running.splice(0, running.length, ...order);
}
