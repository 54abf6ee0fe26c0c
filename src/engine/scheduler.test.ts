import { describe, expect, it } from 'vitest';
import { apply, enqueue, plan, remove } from './scheduler.ts';
import { type Chunk, createScheduler, type SchedulerState } from './scheduler-state.ts';
import { createSequence, type Sequence, type SequenceParts } from './sequence.ts';

let nextToken = 0;

/** A sequence of tokens that no other has. */
function sequence(id: number, prompt: number, changes: Partial<SequenceParts> = {}): Sequence {
  const tokens = Array.from({ length: prompt }, () => nextToken++);
  const parts = { id, tokens, outputsFrom: prompt - 1, namespace: 'one', ...changes };
  return createSequence(parts);
}

function rowsOf(chunks: readonly Chunk[]): Record<number, number> {
  return Object.fromEntries(chunks.map(({ sequence: { id }, count }) => [id, count]));
}

/** Runs a step: every sequence that is computed to its end gets one more token. */
function step(state: SchedulerState, rows: number, promptRows = rows): Record<number, number> {
  const chunks = plan(state, { rows, promptRows });
  apply(state, chunks);
  for (const { sequence: each } of chunks) {
    if (each.computed === each.tokens.length) each.tokens.push(nextToken++);
  }
  return rowsOf(chunks);
}

function idsOf(sequences: readonly Sequence[]): number[] {
  return sequences.map(({ id }) => id);
}

describe('rows of a step', () => {
  it('go to every running answer, then by halves to prompts, and none is left over', () => {
    const state = createScheduler({ pages: 64, pageSize: 4 });
    enqueue(state, sequence(0, 1));
    step(state, 21);
    for (const each of [sequence(1, 40), sequence(2, 40), sequence(3, 3)]) enqueue(state, each);
    // 20 rows: 10, 5, 3 of 3, and the 2 that are left go to the first.
    expect(step(state, 21)).toEqual({ 0: 1, 1: 12, 2: 5, 3: 3 });
  });

  it('are as many for prompts as allowed while an interactive answer runs, and all without one', () => {
    const state = createScheduler({ pages: 64, pageSize: 4 });
    const [waiting, batch] = [sequence(0, 1), sequence(1, 1, { priority: 'batch' })];
    for (const each of [waiting, batch]) enqueue(state, each);
    step(state, 64);
    enqueue(state, sequence(2, 100));
    expect(step(state, 64, 8)).toEqual({ 0: 1, 1: 1, 2: 8 });
    expect(step(state, 64, 0)).toEqual({ 0: 1, 1: 1 });
    remove(state, waiting);
    expect(step(state, 64, 8)).toEqual({ 1: 1, 2: 63 });
  });

  it('go to interactive prompts before batch ones, and by turns to tenants', () => {
    const state = createScheduler({ pages: 256, pageSize: 4 });
    enqueue(state, sequence(0, 100, { priority: 'batch' }));
    for (const id of [1, 2, 3]) enqueue(state, sequence(id, 100, { tenant: 'many' }));
    enqueue(state, sequence(4, 100, { tenant: 'one' }));
    // The one tenant's only prompt comes second, though it came last.
    expect(step(state, 16)).toEqual({ 1: 8, 4: 4, 2: 2, 3: 1, 0: 1 });
  });

  it('reach every answer in turn where there are more answers than rows', () => {
    const state = createScheduler({ pages: 200, pageSize: 4 });
    for (let id = 0; id < 40; id++) enqueue(state, sequence(id, 1));
    step(state, 64);
    const prompt = sequence(40, 30);
    enqueue(state, prompt);
    const served = new Map<number, number>();
    for (let at = 0; at < 6; at++) {
      const wants = prompt.computed < 30;
      const rows = step(state, 16);
      expect(40 in rows || !wants).toBe(true);
      for (const id of Object.keys(rows)) served.set(Number(id), (served.get(Number(id)) ?? 0) + 1);
    }
    for (let id = 0; id < 40; id++) expect(served.get(id)).toBeGreaterThanOrEqual(2);
  });

  it('go to whoever computes what a more important one waits for', () => {
    const state = createScheduler({ pages: 64, pageSize: 4 });
    const tokens = Array.from({ length: 17 }, (_, at) => 1000 + at);
    const changes = { priority: 'batch', tokens, outputsFrom: 16 } as const;
    enqueue(state, sequence(0, 1));
    step(state, 10);
    enqueue(state, sequence(1, 17, changes));
    enqueue(state, sequence(2, 40));
    enqueue(state, sequence(3, 17, { ...changes, priority: 'interactive', tenant: 'other' }));
    // The batch request works for the other tenant's interactive one, whose turn comes first.
    expect(step(state, 10, 9)).toEqual({ 0: 1, 1: 7, 2: 2 });
  });
});

describe('whose turn it is', () => {
  // Room for one at a time: each holds two of three pages, and one more is left for whoever runs.
  const crowd = (sequences: readonly Sequence[]): number[] => {
    const state = createScheduler({ pages: 3, pageSize: 4 });
    for (const each of sequences) enqueue(state, each);
    const order: number[] = [];
    for (let at = 0; at < 400 && state.running.length + state.waiting.length > 0; at++) {
      const chunks = plan(state, { rows: 16, promptRows: 16 });
      apply(state, chunks);
      for (const { sequence: each } of chunks) {
        if (each.computed < each.tokens.length) continue;
        order.push(each.id);
        remove(state, each);
      }
    }
    return order;
  };

  it('alternates between tenants, however many requests one of them makes', () => {
    const many = [0, 1, 2, 3].map((id) => sequence(id, 8, { tenant: 'many' }));
    const few = [4, 5].map((id) => sequence(id, 8, { tenant: 'few' }));
    // The few begin level with the 8 tokens of the first; among equals who came first goes first.
    expect(crowd([...many, ...few])).toEqual([0, 1, 4, 2, 5, 3]);
  });

  it('counts tokens, not requests', () => {
    const long = [0, 1, 2].map((id) => sequence(id, 8, { tenant: 'long' }));
    const short = [3, 4, 5, 6].map((id) => sequence(id, 5, { tenant: 'short' }));
    // 16 against 8, 16 against 13, 16 against 18: then the long ones have had less.
    expect(crowd([...long, ...short])).toEqual([0, 1, 3, 4, 2, 5, 6]);
  });

  it('takes interactive requests before batch ones that came earlier', () => {
    const batch = [0, 1, 2].map((id) => sequence(id, 8, { priority: 'batch' }));
    const interactive = [3, 4].map((id) => sequence(id, 8));
    // The first batch request had begun when the others came: nobody else was there.
    expect(crowd([...batch, ...interactive])).toEqual([3, 4, 0, 1, 2]);
  });

  it('serves a batch request in the end, though interactive ones never cease', () => {
    const state = createScheduler({ pages: 3, pageSize: 4 });
    const batch = sequence(0, 8, { priority: 'batch' });
    enqueue(state, sequence(1, 8));
    enqueue(state, batch);
    let id = 2;
    for (let at = 0; batch.computed < 8; at++) {
      expect(at).toBeLessThan(100);
      enqueue(state, sequence(id++, 8));
      const chunks = plan(state, { rows: 16, promptRows: 16 });
      expect(chunks.length).toBeGreaterThan(0);
      apply(state, chunks);
      for (const { sequence: each } of chunks) if (each.id !== 0) remove(state, each);
    }
    expect(batch.promoted).toBe(true);
  });

  it('gives a tenant that comes back no credit for the time it was away', () => {
    const state = createScheduler({ pages: 1000, pageSize: 4 });
    const early = sequence(0, 4, { tenant: 'comes and goes' });
    enqueue(state, early);
    enqueue(state, sequence(1, 400, { tenant: 'stays' }));
    step(state, 500);
    remove(state, early);
    enqueue(state, sequence(2, 4, { tenant: 'comes and goes' }));
    // The other began level with the first 4 tokens and had 400; 4 more are its own.
    expect(state.tenants.get('comes and goes')).toEqual({ served: 408, open: 1 });
  });
});

describe('pages', () => {
  it('are taken as tokens come, not for all that an answer may become', () => {
    const state = createScheduler({ pages: 8, pageSize: 4 });
    const one = sequence(0, 3);
    enqueue(state, one);
    expect(one.pages).toHaveLength(1);
    for (let at = 0; at < 6; at++) step(state, 8);
    expect(one.tokens).toHaveLength(9);
    expect(one.pages).toHaveLength(2);
  });

  it('come from the youngest when there are none, which goes on later where it was', () => {
    const state = createScheduler({ pages: 6, pageSize: 4 });
    const [old, young] = [sequence(0, 7), sequence(1, 7)];
    for (const each of [old, young]) enqueue(state, each);
    while (state.waiting.length === 0) step(state, 16);
    expect(idsOf(state.running)).toEqual([0]);
    expect(young).toMatchObject({ pages: [], path: [], computed: 0 });
    // Both had three pages; the old one needed a fourth for its 13th token, and then had its next.
    expect([old.tokens.length, young.reached]).toEqual([14, 12]);
    const answered = young.tokens.length;
    remove(state, old);
    const [chunk] = plan(state, { rows: 16, promptRows: 16 });
    // Two of its three pages are still there: only what lay in the third is computed again.
    expect(chunk).toMatchObject({ sequence: young, start: 8, count: answered - 8 });
    expect(young.reused).toBe(0);
    expect(young.outputsFrom).toBe(12);
  });

  it('come from batch requests before younger interactive ones', () => {
    const state = createScheduler({ pages: 6, pageSize: 4 });
    const [batch, one] = [sequence(0, 7, { priority: 'batch' }), sequence(1, 7)];
    for (const each of [batch, one]) enqueue(state, each);
    while (state.waiting.length === 0) step(state, 16);
    expect(idsOf(state.waiting)).toEqual([0]);
  });

  it('are freed at once when a request leaves, also one that waits', () => {
    const state = createScheduler({ pages: 4, pageSize: 4 });
    const [first, second] = [sequence(0, 12, { namespace: undefined }), sequence(1, 12)];
    for (const each of [first, second]) enqueue(state, each);
    plan(state, { rows: 16, promptRows: 16 });
    remove(state, second);
    remove(state, first);
    expect(state.freePages).toHaveLength(4);
    expect([...state.tenants.values()].map(({ open }) => open)).toEqual([0]);
  });
});

describe('guesses', () => {
  /** One answer that is about to get its next token. */
  const answering = (pages: number, length: number): [SchedulerState, Sequence] => {
    const state = createScheduler({ pages, pageSize: 4, growthPages: 0 });
    const answer = sequence(0, length - 1);
    enqueue(state, answer);
    step(state, 64);
    return [state, answer];
  };
  const planned = (
    state: SchedulerState,
    answer: Sequence,
    rows: number,
  ): readonly number[] | undefined => {
    const drafts = new Map([[answer, [91, 92, 93, 94, 95]]]);
    const chunks = plan(state, { rows, promptRows: rows }, drafts);
    apply(state, chunks);
    return chunks.find((chunk) => chunk.sequence === answer)?.draft;
  };

  it('get rows that are left', () => {
    const [state, answer] = answering(64, 6);
    expect(planned(state, answer, 64)).toEqual([91, 92, 93, 94, 95]);
    answer.tokens.push(1);
    expect(planned(state, answer, 3)).toEqual([91, 92]);
  });

  it('get none beside a prompt', () => {
    const [state, answer] = answering(64, 6);
    enqueue(state, sequence(1, 3));
    expect(planned(state, answer, 64)).toEqual([]);
  });

  it('get pages that nobody needs, and only for a step', () => {
    const [state, answer] = answering(3, 6);
    // Of two pages two places are left; a third page has room for all.
    expect(planned(state, answer, 64)).toHaveLength(5);
    expect(state.freePages).toHaveLength(0);
    const other = sequence(1, 2);
    enqueue(state, other);
    answer.tokens.push(1);
    const chunks = plan(state, { rows: 64, promptRows: 64 });
    expect(rowsOf(chunks)).toEqual({ 0: 1, 1: 2 });
    apply(state, chunks);
    answer.tokens.push(1);
    other.tokens.push(1);
    const drafts = new Map([[answer, [91, 92]]]);
    // Eight tokens fill two pages, and the other has the third.
    expect(plan(state, { rows: 64, promptRows: 64 }, drafts)[0]?.draft).toEqual([]);
  });

  it('never enter the tree of beginnings: another that goes on so computes it', () => {
    const [state, answer] = answering(64, 4);
    const drafts = new Map([[answer, [91, 92, 93, 94]]]);
    apply(state, plan(state, { rows: 64, promptRows: 64 }, drafts));
    remove(state, answer);
    const same = sequence(1, 9, { tokens: [...answer.tokens, 91, 92, 93, 94, 95] });
    enqueue(state, same);
    expect(rowsOf(plan(state, { rows: 64, promptRows: 64 }))).toEqual({ 1: 5 });
  });
});
