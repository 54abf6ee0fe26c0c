import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tinyCheckpoint, tinyConfig } from '../../test/tiny-llama.ts';
import { type Device, deviceNames } from '../device/device.ts';
import { openDevice } from '../device/open.ts';
import { loadWeights } from '../model/weights.ts';
import { Engine } from './engine.ts';
import type { EngineOptions } from './engine-options.ts';
import type { GenerateRequest } from './generate-request.ts';
import { findPrefix, type PrefixNode } from './prefix-tree.ts';
import { beginRestoring, endRestoring, noteRestored } from './restoring.ts';
import { apply, enqueue, plan, remove } from './scheduler.ts';
import { type Chunk, createScheduler, type SchedulerState, slotOf } from './scheduler-state.ts';
import { createSequence, type Sequence } from './sequence.ts';

function scoring(
  id: number,
  tokens: number[],
  changes: Partial<Parameters<typeof createSequence>[0]> = {},
): Sequence {
  const { length } = tokens;
  return createSequence({
    id,
    tokens,
    outputsFrom: length - 1,
    namespace: 'one',
    ...changes,
  });
}

function nodesOf(state: SchedulerState): PrefixNode[] {
  const all: PrefixNode[] = [];
  const visit = (children: ReadonlyMap<string, PrefixNode>): void => {
    for (const node of children.values()) {
      all.push(node);
      visit(node.children);
    }
  };
  for (const root of state.prefixes.roots.values()) visit(root.children);
  return all;
}

function textOf(sequence: Sequence, position: number): string {
  return `${sequence.namespace ?? sequence.id}: ${sequence.tokens.slice(0, position + 1)}`;
}

/** What a device would hold: by slot, the text that its keys and values stand for. */
class Contents {
  readonly #slots = new Map<number, string>();

  /** Writes rows. */
  fill(state: SchedulerState, { sequence, start, count }: Chunk): void {
    for (let at = start; at < start + count; at++) {
      this.#slots.set(slotOf(state, sequence, at), textOf(sequence, at));
    }
  }

  /** Writes the step's rows, then looks at all that each of them attends to. */
  run(state: SchedulerState, chunks: readonly Chunk[]): void {
    for (const chunk of chunks) this.fill(state, chunk);
    for (const { sequence, start, count } of chunks) {
      for (let at = 0; at < start + count; at++) {
        const held = this.#slots.get(slotOf(state, sequence, at));
        if (held !== textOf(sequence, at)) expect(held).toBe(textOf(sequence, at));
      }
    }
  }
}

/** Stands for a page file that is read: the next page of a sequence that is restored, at times the last one. */
function restoreOn(state: SchedulerState, contents: Contents, step: number): void {
  for (const each of state.restoring) {
    const { pageSize } = state;
    contents.fill(state, { sequence: each, start: each.computed, count: pageSize, draft: [] });
    noteRestored(state, each, 1);
    const isDone = each.computed === each.tokens.length;
    if (isDone || (step + each.id) % 3 === 0) endRestoring(state, each);
  }
}

function checkPages(state: SchedulerState, pages: number): void {
  const nodes = nodesOf(state);
  const holders = [...state.running, ...state.restoring];
  const own = holders.flatMap(({ pages: held, path }) => held.slice(path.length));
  const all = [...state.freePages, ...nodes.map(({ page }) => page), ...own];
  expect(all.sort((a, b) => a - b)).toEqual(Array.from({ length: pages }, (_, page) => page));
  for (const each of state.waiting) expect([each.pages, each.path]).toEqual([[], []]);
  for (const node of nodes) {
    const users = holders.filter(({ path }) => path.includes(node));
    expect(node.users).toEqual(new Set(users));
    expect(state.prefixes.unused.has(node)).toBe(users.length === 0);
    if (node.writer !== undefined) expect(node.users).toContain(node.writer);
  }
}

describe('prefix sharing in the scheduler', () => {
  it('holds right keys under random traffic, leaks no page, and lets every request end', () => {
    // Few different tokens and small pages: beginnings are equal, and pages scarce, all the time.
    const request = fc.record({
      prompt: fc.array(fc.nat(1), { minLength: 1, maxLength: 14 }),
      answer: fc.array(fc.nat(1), { maxLength: 6 }),
      outputsBefore: fc.nat(6),
      namespace: fc.constantFrom('one', 'one', 'one', 'two', undefined),
      tenant: fc.constantFrom('first', 'second', 'third'),
      priority: fc.constantFrom('interactive', 'interactive', 'batch'),
      arrives: fc.nat(12),
      leavesAfter: fc.option(fc.nat(6)),
      restoredPages: fc.nat(4),
    });
    const pages = 11;
    let [preemptions, restores] = [0, 0];
    fc.assert(
      fc.property(
        fc.array(request, { minLength: 2, maxLength: 14 }),
        fc.record({ rows: fc.integer({ min: 2, max: 12 }), promptRows: fc.nat(12) }),
        (requests, budget) => {
          const state = createScheduler({ pages, pageSize: 2 });
          const contents = new Contents();
          const sequences = requests.map(({ prompt, outputsBefore, ...scope }, id) =>
            createSequence({
              id,
              tokens: [...prompt],
              outputsFrom: Math.max(0, prompt.length - 1 - outputsBefore),
              ...scope,
            }),
          );
          const open = new Set(sequences);
          const outputs = new Map(sequences.map((each) => [each, [] as number[]]));
          const wanted = sequences.map((each) => each.outputsFrom);
          const steps = new Map<Sequence, number>();
          for (let step = 0; open.size + state.restoring.size > 0; step++) {
            // At most 14 requests of 20 tokens, each step one row at least; the rest is what preemption costs.
            expect(step).toBeLessThan(500);
            for (const each of sequences) {
              if (requests[each.id]?.arrives !== step) continue;
              const pagesKept = Math.min(
                requests[each.id]?.restoredPages ?? 0,
                each.outputsFrom >> 1,
              );
              const { id, namespace, tenant } = each;
              const tokens = each.tokens.slice(0, 2 * pagesKept);
              const kept = createSequence({
                id,
                tokens,
                outputsFrom: tokens.length,
                namespace,
                tenant,
              });
              const isNew = findPrefix(state.prefixes, kept).length < pagesKept;
              if (namespace !== undefined && isNew && beginRestoring(state, kept)) restores++;
              enqueue(state, each);
            }
            const chunks = plan(state, budget);
            checkPages(state, pages);
            const canWork = state.running.length > 0 && state.restoring.size === 0;
            expect(canWork && chunks.length === 0).toBe(false);
            preemptions += state.waiting.filter(({ reached }) => reached > 0).length;
            for (const { sequence, start, count } of chunks) {
              for (let at = Math.max(start, sequence.outputsFrom); at < start + count; at++) {
                outputs.get(sequence)?.push(at);
              }
            }
            contents.run(state, chunks);
            // Some leave while their rows are being computed.
            for (const { sequence } of chunks) {
              const count = (steps.get(sequence) ?? 0) + 1;
              steps.set(sequence, count);
              if (count === requests[sequence.id]?.leavesAfter) {
                remove(state, sequence);
                open.delete(sequence);
              }
            }
            apply(state, chunks);
            restoreOn(state, contents, step);
            for (const { sequence: each } of chunks) {
              if (!open.has(each)) continue;
              if (each.computed < each.tokens.length) continue;
              const { answer = [], prompt = [] } = requests[each.id] ?? {};
              const next = answer[each.tokens.length - prompt.length];
              if (next === undefined) {
                // Each output once and in order, also of those who had to stop and go on later.
                const from = wanted[each.id] ?? 0;
                expect(outputs.get(each)).toEqual(
                  Array.from({ length: each.tokens.length - from }, (_, at) => from + at),
                );
                remove(state, each);
                open.delete(each);
              } else {
                each.tokens.push(next);
              }
            }
            checkPages(state, pages);
          }
          expect(state.freePages.length + state.prefixes.unused.size).toBe(pages);
        },
      ),
      { numRuns: 150 },
    );
    expect(preemptions).toBeGreaterThan(100);
    expect(restores).toBeGreaterThan(100);
  });

  it('computes a beginning once: others wait for it, and find it later', () => {
    const state = createScheduler({ pages: 32, pageSize: 4 });
    const preamble = Array.from({ length: 10 }, (_, i) => i);
    const [first, second] = [scoring(0, [...preamble, 50, 51]), scoring(1, [...preamble, 60])];
    enqueue(state, first);
    enqueue(state, second);
    const rows = (chunks: readonly Chunk[]): [number, number, number][] =>
      chunks.map(({ sequence, start, count }) => [sequence.id, start, count]);
    const one = plan(state, { rows: 100, promptRows: 100 });
    expect(rows(one)).toEqual([[0, 0, 12]]);
    apply(state, one);
    const two = plan(state, { rows: 100, promptRows: 100 });
    // Two full pages of four are equal; the third holds different tokens.
    expect(rows(two)).toEqual([[1, 8, 3]]);
    expect(second.reused).toBe(8);
    apply(state, two);
    for (const each of [first, second]) remove(state, each);
    const third = scoring(2, [...preamble, 50, 70]);
    enqueue(state, third);
    expect(rows(plan(state, { rows: 100, promptRows: 100 }))).toEqual([[2, 8, 4]]);
  });

  it('hands an unfinished beginning to one who waits when its writer leaves', () => {
    const state = createScheduler({ pages: 32, pageSize: 4 });
    const tokens = Array.from({ length: 13 }, (_, i) => i);
    const [writer, heir] = [scoring(0, tokens), scoring(1, tokens)];
    for (const each of [writer, heir]) enqueue(state, each);
    apply(state, plan(state, { rows: 6, promptRows: 6 }));
    expect(heir.computed).toBe(0);
    remove(state, writer);
    const next = plan(state, { rows: 100, promptRows: 100 });
    // The first page was done, half of the second was not worth keeping.
    expect(next).toEqual([{ sequence: heir, start: 4, count: 9, draft: [] }]);
    expect(heir.reused).toBe(4);
  });

  it('gives up the pages that were not used for longest, the ends of beginnings first', () => {
    const state = createScheduler({ pages: 6, pageSize: 2 });
    const use = (id: number, tokens: number[]): number => {
      const sequence = scoring(id, tokens);
      enqueue(state, sequence);
      const chunks = plan(state, { rows: 100, promptRows: 100 });
      apply(state, chunks);
      remove(state, sequence);
      return sequence.reused;
    };
    use(0, [1, 1, 2, 2, 0]);
    use(1, [3, 3, 4, 4, 0]);
    expect(use(2, [1, 1, 2, 2, 0])).toBe(4);
    // Needs all but two pages: the second text goes, of the first its end stays away from its beginning.
    use(3, [5, 5, 6, 6, 7, 7, 0]);
    expect(use(4, [3, 3, 9])).toBe(0);
    const kept = nodesOf(state).map(({ tokens }) => tokens);
    expect(kept).toContain('3 3');
    expect(kept).not.toContain('4 4');
  });

  it('shares nothing between namespaces, nor where outputs are wanted', () => {
    const state = createScheduler({ pages: 32, pageSize: 2 });
    const tokens = [1, 2, 3, 4, 5, 6, 7];
    const run = (sequence: Sequence): number => {
      enqueue(state, sequence);
      apply(state, plan(state, { rows: 100, promptRows: 100 }));
      remove(state, sequence);
      return sequence.reused;
    };
    run(scoring(0, tokens));
    expect(run(scoring(1, tokens, { namespace: 'two' }))).toBe(0);
    expect(run(scoring(2, tokens, { namespace: undefined }))).toBe(0);
    expect(run(scoring(3, tokens, { outputsFrom: 3 }))).toBe(2);
    expect(run(scoring(4, tokens))).toBe(6);
  });
});

describe.each(deviceNames)('prefix sharing on %s', (deviceName) => {
  let device: Device;
  const checkpoint = tinyCheckpoint();
  const preamble = Array.from({ length: 70 }, (_, i) => 3 + ((i * 29) % 270));
  const open = async (changes: Partial<EngineOptions> = {}): Promise<Engine> =>
    Engine.open({
      config: checkpoint.config,
      device,
      weights: await loadWeights(checkpoint, device),
      cache: 'f16',
      sequences: 3,
      ...changes,
    });
  beforeAll(() => {
    device = openDevice(deviceName);
  });
  afterAll(() => device.close());

  interface Outcome {
    readonly events: unknown;
    readonly cachedTokens: number;
  }
  // Scores, choices and answers after common beginnings, all at once.
  const ask = async (engine: Engine): Promise<Outcome[]> => {
    const collect = async (request: GenerateRequest): Promise<Outcome> => {
      const events: unknown[] = [];
      let cached = 0;
      for await (const event of engine.generate(request)) {
        if (event.type === 'token-delta') events.push(event);
        else cached = event.cachedTokens;
      }
      return { events, cachedTokens: cached };
    };
    const scored = async (score: ReturnType<Engine['score']>): Promise<Outcome> => {
      const { cachedTokens, ...events } = await score;
      return { events, cachedTokens };
    };
    return Promise.all(
      Array.from({ length: 18 }, (_, i) => {
        const prompt = [...preamble.slice(0, 70 - (i % 3) * 20), 5 + i, 6, 7];
        if (i % 3 === 0) return scored(engine.score([...prompt, 9, 10], { from: prompt.length }));
        if (i % 3 === 1) return scored(engine.scoreChoices(prompt, [8, 9, 10, 11]));
        const temperature = i % 2;
        return collect({ prompt, maxTokens: 12, temperature, seed: i, logprobs: 2, endTokens: [] });
      }),
    );
  };

  it('gives the same tokens and bit-identical log-probabilities as computing all', async () => {
    const [shared, plain] = [await open(), await open({ sharePrefixes: false })];
    const expected = await ask(plain);
    for (let round = 0; round < 2; round++) {
      const found = await ask(shared);
      expect(found.map(({ events }) => events)).toEqual(expected.map(({ events }) => events));
      const cached = found.reduce((sum, { cachedTokens }) => sum + cachedTokens, 0);
      expect(cached).toBeGreaterThan(18 * 32 - 3 * 64);
    }
    expect(expected.every(({ cachedTokens }) => cachedTokens === 0)).toBe(true);
    const { computedTokens, reusedTokens } = shared.stats();
    expect(computedTokens + reusedTokens).toBe(2 * plain.stats().computedTokens);
    await shared.close();
    await plain.close();
  });

  it('finds an answer again as the beginning of the next turn', async () => {
    const engine = await open();
    const answer: number[] = [];
    const request = { prompt: preamble.slice(0, 40), maxTokens: 40, temperature: 0, endTokens: [] };
    for await (const event of engine.generate(request)) {
      if (event.type === 'token-delta') answer.push(event.id);
    }
    const turn = [...request.prompt, ...answer, 17, 18, 19];
    const { cachedTokens } = await engine.scoreChoices(turn, [1]);
    // 79 of the 80 tokens were computed: nine pages of 8 are full.
    expect(cachedTokens).toBe(72);
    await engine.close();
  });

  it('finds nothing under another salt, after weights changed, or at another length of dynamic NTK', async () => {
    const engine = await open();
    const prompt = [...preamble, 1];
    await engine.scoreChoices(prompt, [1]);
    expect((await engine.scoreChoices(prompt, [1])).cachedTokens).toBe(64);
    expect((await engine.scoreChoices(prompt, [1], { cacheSalt: 'a' })).cachedTokens).toBe(0);
    expect((await engine.scoreChoices(prompt, [1], { cacheSalt: 'a' })).cachedTokens).toBe(64);
    engine.noteChangedWeights();
    expect((await engine.scoreChoices(prompt, [1])).cachedTokens).toBe(0);
    await engine.close();
    const ropeScaling = { kind: 'dynamic', factor: 2, originalContext: 50 } as const;
    const dynamic = await open({ config: tinyConfig({ ropeScaling }) });
    await dynamic.scoreChoices(prompt, [1]);
    expect((await dynamic.scoreChoices([...prompt, 2], [1])).cachedTokens).toBe(0);
    expect((await dynamic.scoreChoices(prompt, [1])).cachedTokens).toBe(64);
    await dynamic.close();
  });
});
