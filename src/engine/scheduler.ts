// Decides which tokens are computed in the next step. A value machine: no clock, no device, no
// promises. Each sequence wants its computed tokens to catch up with the tokens it has; prompts,
// chunks of prompts and single tokens of running answers are all just rows.
import { invariant, present } from '../base/invariant.ts';

// Rows kept for prompts, so that many running answers do not shut new ones out.
const promptShare = 1 / 8;

/** A sequence in the scheduler. `tokens` grows as the answer does; pages are held until it is removed. */
export interface Sequence {
  readonly id: number;
  readonly tokens: number[];
  /** Tokens it may reach: pages are reserved for all of them when it is admitted. */
  readonly reserve: number;
  /** Positions from here on want an output. */
  readonly outputsFrom: number;
  /** Tokens whose keys and values are in the cache. */
  computed: number;
  pages: readonly number[];
}

/** A run of consecutive tokens of one sequence. */
export interface Chunk {
  readonly sequence: Sequence;
  readonly start: number;
  readonly count: number;
}

/** Everything the scheduler knows. */
export interface SchedulerState {
  readonly pageSize: number;
  readonly freePages: number[];
  readonly running: Sequence[];
  readonly waiting: Sequence[];
}

/** A scheduler over `pages` pages of `pageSize` tokens. */
export function createScheduler(pages: number, pageSize: number): SchedulerState {
  // Taken from the end: low pages first, so that memory is touched only as far as needed.
  const freePages = Array.from({ length: pages }, (_, index) => pages - 1 - index);
  return { pageSize, freePages, running: [], waiting: [] };
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
  const open = state.running.filter((sequence) => sequence.computed < sequence.tokens.length);
  const missing = (sequence: Sequence): number => sequence.tokens.length - sequence.computed;
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
export function apply(chunks: readonly Chunk[]): void {
  for (const { sequence, start, count } of chunks) sequence.computed = start + count;
}

/** Takes a sequence out, wherever it is, and gives its pages back. */
export function remove(state: SchedulerState, sequence: Sequence): void {
  for (const list of [state.running, state.waiting]) {
    const index = list.indexOf(sequence);
    if (index >= 0) list.splice(index, 1);
  }
  state.freePages.push(...sequence.pages.toReversed());
  sequence.pages = [];
}

/** Position in the cache of a token of an admitted sequence. */
export function slotOf(state: SchedulerState, sequence: Sequence, position: number): number {
  const page = present(sequence.pages[Math.floor(position / state.pageSize)], 'page');
  return page * state.pageSize + (position % state.pageSize);
}

function admit(state: SchedulerState): void {
  while (state.waiting.length > 0) {
    const sequence = present(state.waiting[0], 'sequence');
    const needed = Math.ceil(sequence.reserve / state.pageSize);
    if (needed > state.freePages.length) return;
    sequence.pages = state.freePages.splice(state.freePages.length - needed).toReversed();
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
