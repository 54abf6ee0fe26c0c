import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { apply, createScheduler, enqueue, plan, remove, slotOf } from './scheduler.ts';
import { createSequence, type Sequence } from './sequence.ts';

function sequence(id: number, prompt: number, reserve: number): Sequence {
  const tokens = Array.from({ length: prompt }, (_, i) => i);
  return createSequence({ id, tokens, reserve, outputsFrom: prompt - 1, namespace: undefined });
}

describe('scheduler', () => {
  it('gives every running answer its row before prompts share the rest', () => {
    const state = createScheduler(64, 4);
    const [answer, first, second] = [sequence(0, 1, 8), sequence(1, 40, 41), sequence(2, 40, 41)];
    for (const each of [answer, first, second]) enqueue(state, each);
    const counts = plan(state, 21).map(({ sequence: { id }, count }) => [id, count]);
    expect(new Map(counts as [number, number][])).toEqual(
      new Map([
        [0, 1],
        [1, 10],
        [2, 10],
      ]),
    );
  });

  it('finishes random traffic within its budget, never shares a slot, and leaks no page', () => {
    const request = fc.record({
      prompt: fc.integer({ min: 1, max: 30 }),
      answer: fc.nat(10),
      leaves: fc.boolean(),
    });
    fc.assert(
      fc.property(
        fc.array(request, { minLength: 1, maxLength: 12 }),
        fc.integer({ min: 1, max: 16 }),
        (requests, budget) => {
          const state = createScheduler(12, 4);
          const sequences = requests.map(({ prompt, answer }, id) =>
            sequence(id, prompt, prompt + answer + 1),
          );
          for (const each of sequences) enqueue(state, each);
          const open = new Set(sequences);
          for (let step = 0; open.size > 0; step++) {
            expect(step).toBeLessThan(1000);
            const chunks = plan(state, budget);
            expect(chunks.length).toBeGreaterThan(0);
            expect(chunks.reduce((rows, { count }) => rows + count, 0)).toBeLessThanOrEqual(budget);
            const slots = state.running.flatMap((each) =>
              each.tokens.map((_, position) => slotOf(state, each, position)),
            );
            expect(new Set(slots).size).toBe(slots.length);
            apply(state, chunks);
            for (const { sequence: each } of chunks) {
              if (each.computed < each.tokens.length) continue;
              const leaves = requests[each.id]?.leaves === true && each.computed > 2;
              if (each.tokens.length === each.reserve || leaves) {
                remove(state, each);
                open.delete(each);
              } else {
                each.tokens.push(0);
              }
            }
          }
          expect([...state.freePages].sort((a, b) => a - b)).toEqual(
            Array.from({ length: 12 }, (_, page) => page),
          );
        },
      ),
    );
  });

  it('starves neither prompts nor answers when there are more answers than rows', () => {
    const state = createScheduler(200, 4);
    for (let id = 0; id < 40; id++) enqueue(state, sequence(id, 1, 16));
    apply(state, plan(state, 64));
    for (const each of state.running) each.tokens.push(0);
    const prompt = sequence(40, 30, 31);
    enqueue(state, prompt);
    const served = new Map<number, number>();
    for (let step = 0; step < 6; step++) {
      const chunks = plan(state, 16);
      expect(chunks.some((chunk) => chunk.sequence === prompt)).toBe(prompt.computed < 30);
      apply(state, chunks);
      for (const { sequence: each } of chunks) {
        served.set(each.id, (served.get(each.id) ?? 0) + 1);
        if (each !== prompt) each.tokens.push(0);
      }
    }
    for (let id = 0; id < 40; id++) expect(served.get(id)).toBeGreaterThanOrEqual(2);
  });
});
