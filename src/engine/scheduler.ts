// Decides which tokens are computed in the next step. A value machine: no clock, no device, no
// promises. Each sequence wants its computed tokens to catch up with the tokens it has; prompts,
// chunks of prompts and single tokens of running answers are all just rows. Equal beginnings are
// computed once (prefix-tree.ts): whoever comes second waits for the first, or finds them done.
import { invariant } from '../base/invariant.ts';
import {
  findVictim,
  giveBack,
  hasRoom,
  occupy,
  preempt,
  supplyDraft,
  supplyPages,
} from './page-supply.ts';
import {
  advance,
  blockerOf,
  computableEnd,
  findPrefix,
  grow,
  type PrefixNode,
  publish,
} from './prefix-tree.ts';
import type { Chunk, SchedulerState } from './scheduler-state.ts';
import type { Sequence } from './sequence.ts';
import { type Drafts, noDrafts } from './speculation.ts';
import { charge, farewell, nextWaiting, orderPrompts, promote, rankOf, welcome } from './turns.ts';

// Rows kept for prompts, so that many running answers do not shut new ones out.
const promptShare = 1 / 8;

/** What a step may compute. */
export interface StepBudget {
  /** Rows at most; at least 2. */
  readonly rows: number;
  /** Of them for prompts, while somebody waits for the next token of an interactive answer. */
  readonly promptRows: number;
}

/** Takes a sequence in: it runs from the next step on if there is room, else it waits. */
export function enqueue(state: SchedulerState, sequence: Sequence): void {
  welcome(state, sequence);
  state.waiting.push(sequence);
  // Where others wait already there was no room for them; the next step looks again.
  if (state.waiting.length === 1) admit(state);
}

/**
 * Chooses at most `budget.rows` rows: one for every running answer, as far as a share kept for prompts
 * allows, then chunks of prompts; none where all wait for pages that are being restored. Sequences that wait
 * are admitted in their turn while pages last; where running ones need more pages than there are, those that
 * matter least go back to wait. Guesses get rows and pages that nobody else wants, and none beside prompts.
 */
export function plan(
  state: SchedulerState,
  budget: StepBudget,
  drafts: Drafts = noDrafts,
): Chunk[] {
  invariant(budget.rows >= 2, 'a step has a row for answers and one for prompts');
  state.step++;
  promote(state);
  supplyPages(state);
  admit(state, { preempting: true });
  for (const sequence of state.running) advance(state.prefixes, sequence);

  const open = findWorkers(state);
  const isAnswer = ({ computed, tokens }: Sequence): boolean => computed === tokens.length - 1;
  const prompts = open.filter((each) => !isAnswer(each));
  const kept = prompts.length > 0 ? Math.max(1, Math.floor(budget.rows * promptShare)) : 0;
  const answers = open
    .filter(isAnswer)
    // Only where there are more than rows: who waited longest comes first.
    .sort((a, b) => a.servedStep - b.servedStep)
    .slice(0, budget.rows - kept);
  const left = budget.rows - answers.length;
  const hurries = answers.some(({ priority }) => priority === 'interactive');
  const promptRows = hurries ? Math.min(left, budget.promptRows) : left;
  return [
    ...draftAnswers(state, answers, prompts.length === 0 ? { drafts, rows: left } : noGuesses),
    ...share(state, prompts, promptRows),
  ];
}

/** Notes that the chunks were computed. */
export function apply(state: SchedulerState, chunks: readonly Chunk[]): void {
  for (const { sequence, start, count } of chunks) {
    // It was removed while it was computed.
    if (sequence.pages.length === 0) continue;
    const end = start + count;
    sequence.computed = end;
    sequence.reached = Math.max(sequence.reached, end);
    sequence.outputsFrom = Math.max(sequence.outputsFrom, end);
    sequence.servedStep = state.step;
    charge(state, sequence, end);
    publish(state.prefixes, sequence);
    grow(state.prefixes, sequence);
  }
}

/** Takes a sequence out, wherever it is, and gives its pages back. */
export function remove(state: SchedulerState, sequence: Sequence): void {
  for (const list of [state.running, state.waiting]) {
    const index = list.indexOf(sequence);
    if (index < 0) continue;
    list.splice(index, 1);
    farewell(state, sequence);
  }
  giveBack(state, sequence);
}

// In turn and without passing anyone over, so that long prompts get their place, too.
function admit(state: SchedulerState, { preempting = false } = {}): void {
  for (;;) {
    const sequence = nextWaiting(state);
    if (sequence === undefined) return;
    const path = findPrefix(state.prefixes, sequence);
    if (state.running.length < state.maxRunning && hasRoom(state, sequence, path)) {
      start(state, sequence, path);
      continue;
    }
    const victim = preempting ? findVictim(state, sequence) : undefined;
    if (victim === undefined || rankOf(victim) === rankOf(sequence)) return;
    preempt(state, victim);
  }
}

function start(state: SchedulerState, sequence: Sequence, path: readonly PrefixNode[]): void {
  state.waiting.splice(state.waiting.indexOf(sequence), 1);
  occupy(state, sequence, path);
  // What others computed of it costs its tenant nothing.
  sequence.charged = Math.max(sequence.charged, path.length * state.pageSize);
  charge(state, sequence, sequence.tokens.length);
  grow(state.prefixes, sequence);
  state.running.push(sequence);
}

// Who can compute, in the order of prompts. Where one waits for a page that another computes, the other
// works in its place: what many wait for, or one who matters more, does not come last.
function findWorkers(state: SchedulerState): Sequence[] {
  const workers = new Set<Sequence>();
  for (const sequence of orderPrompts(state)) {
    let worker = sequence;
    for (let next = blockerOf(state.prefixes, worker); next !== undefined; ) {
      worker = next;
      next = blockerOf(state.prefixes, worker);
    }
    // Its pages come from elsewhere.
    if (state.restoring.has(worker)) continue;
    if (computableEnd(state.prefixes, worker) > worker.computed) workers.add(worker);
  }
  return [...workers];
}

const noGuesses = { drafts: noDrafts, rows: 0 } as const;

// A row for each answer, and rows for guesses as far as there are rows and pages.
function draftAnswers(
  state: SchedulerState,
  answers: readonly Sequence[],
  { drafts, rows }: { readonly drafts: Drafts; readonly rows: number },
): Chunk[] {
  let left = rows;
  return answers.map((sequence) => {
    const guesses = drafts.get(sequence)?.slice(0, left) ?? [];
    const draft = guesses.slice(0, supplyDraft(state, sequence, guesses.length));
    left -= draft.length;
    return { sequence, start: sequence.computed, count: 1, draft };
  });
}

// Each gets half of what is left, so that short prompts come through beside long ones; then what they
// leave over goes to the first.
function share(state: SchedulerState, prompts: readonly Sequence[], rows: number): Chunk[] {
  const counts = new Map<Sequence, number>();
  let left = rows;
  const give = (sequence: Sequence, most: number): void => {
    const had = counts.get(sequence) ?? 0;
    const missing = computableEnd(state.prefixes, sequence) - sequence.computed - had;
    const count = Math.min(missing, most);
    counts.set(sequence, had + count);
    left -= count;
  };
  for (const sequence of prompts) give(sequence, Math.ceil(left / 2));
  for (const sequence of prompts) give(sequence, left);
  return [...counts]
    .filter(([, count]) => count > 0)
    .map(([sequence, count]) => ({ sequence, start: sequence.computed, count, draft: [] }));
}
