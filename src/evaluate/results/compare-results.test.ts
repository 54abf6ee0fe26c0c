// Comparing two results item by item.
import { expect, it } from 'vitest';
import { type MakeEvaluationOptions, makeEvaluation } from '../../../test/make-evaluation.ts';
import { compareResults } from './compare-results.ts';
import { describeResult } from './read-results.ts';
import type { StoredResult } from './stored-result.ts';

const make = (options: MakeEvaluationOptions): StoredResult =>
  describeResult(makeEvaluation({ items: 100, ...options }));
const fast = { iterations: 500 };

it('finds no difference between a result and itself', async () => {
  const { comparisons } = await compareResults(make({}), make({}), fast);
  expect(comparisons.map(({ name, metric, filter }) => `${name} ${metric},${filter}`)).toEqual([
    'mmlu acc,none',
    'mmlu_astronomy acc,none',
    'mmlu_virology acc,none',
    'gsm8k exact_match,strict-match',
    'gsm8k exact_match,flexible-extract',
    'wikitext word_perplexity,none',
    'wikitext bits_per_byte,none',
  ]);
  for (const { difference, low, high, mcNemar } of comparisons) {
    expect({ difference, low, high }).toEqual({ difference: 0, low: 0, high: 0 });
    if (mcNemar !== null) expect(mcNemar).toEqual({ onlyFirst: 0, onlySecond: 0, pValue: 1 });
  }
});

it('pools the items of a group, and shows who won what', async () => {
  // Items are right where a number drawn per item lies below the skill: the better model wins all that differ.
  const [weak, strong] = [
    make({ skill: 0.4, model: 'weak' }),
    make({ skill: 0.7, model: 'strong' }),
  ];
  const { comparisons } = await compareResults(weak, strong, fast);
  const [group, one, other] = comparisons;
  expect(group).toMatchObject({ name: 'mmlu', items: 200, depth: 0 });
  expect(group?.first).toBeCloseTo(weak.groups[0]?.metrics['acc,none']?.value ?? 0, 12);
  expect(group?.second).toBeCloseTo(strong.groups[0]?.metrics['acc,none']?.value ?? 0, 12);
  expect(group?.mcNemar?.onlyFirst).toBe(0);
  expect(group?.mcNemar?.onlySecond).toBe(
    (one?.mcNemar?.onlySecond ?? 0) + (other?.mcNemar?.onlySecond ?? 0),
  );
  const allOneWay = 2 * 0.5 ** (group?.mcNemar?.onlySecond ?? 0);
  expect((group?.mcNemar?.pValue ?? 0) / allOneWay).toBeCloseTo(1, 10);
  expect(group?.low).toBeGreaterThan(0);
  const perplexity = comparisons.find(({ metric }) => metric === 'word_perplexity');
  expect(perplexity?.second).toBeCloseTo(
    strong.tasks[3]?.metrics['word_perplexity,none']?.value ?? 0,
    10,
  );
  expect(perplexity).toMatchObject({ higherIsBetter: false, mcNemar: null });
  expect(perplexity?.high).toBeLessThan(0);
});

it('gives the same interval for the same seed', async () => {
  const [a, b] = [make({ skill: 0.4 }), make({ skill: 0.5 })];
  const once = (await compareResults(a, b, { ...fast, seed: 7 })).comparisons;
  expect((await compareResults(a, b, { ...fast, seed: 7 })).comparisons).toEqual(once);
  expect((await compareResults(a, b, { ...fast, seed: 8 })).comparisons).not.toEqual(once);
});

it.each([
  ['fewer items', { items: 50 }, /mmlu_astronomy: 100 items against 50/],
  [
    'other prompts',
    { shots: 3 },
    /mmlu_astronomy: item 0 was asked by another prompt \(1 against 3/,
  ],
  ['other documents', { seed: 9 }, /mmlu_astronomy: item 0 is another document/],
])('refuses %s', async (_, options, message) => {
  await expect(compareResults(make({}), make(options), fast)).rejects.toThrow(message);
});

it('compares other prompts when that is asked for', async () => {
  const options = { ...fast, differentPrompts: true };
  const { comparisons } = await compareResults(make({}), make({ shots: 3 }), options);
  expect(comparisons[0]?.difference).toBe(0);
});

it('names tasks that only one has, and refuses when none is in both', async () => {
  const all = make({});
  const some = { ...all, tasks: all.tasks.slice(1) };
  const { onlyFirst, onlySecond, comparisons } = await compareResults(all, some, fast);
  expect({ onlyFirst, onlySecond }).toEqual({ onlyFirst: ['mmlu_astronomy'], onlySecond: [] });
  expect(comparisons.map(({ name }) => name)).not.toContain('mmlu');
  const none = { ...all, tasks: [] };
  await expect(compareResults(all, none, fast)).rejects.toMatchObject({
    code: 'CORRAL_RESULTS_UNPAIRED',
  });
});

it('says when samples were not kept', async () => {
  const all = make({});
  const bare = {
    ...all,
    path: 'out/results_x.json',
    tasks: all.tasks.map((task) => ({ ...task, readItems: async () => undefined })),
  };
  await expect(compareResults(all, bare, fast)).rejects.toThrow(/no samples file beside out/);
});
