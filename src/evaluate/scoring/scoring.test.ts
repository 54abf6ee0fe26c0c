// Filters, comparisons and error bars against the harness's own functions (golden/make-text.py) and by
// hand.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { FilterEntry } from '../definition/task-config.ts';
import { findAnswer } from '../hooks/agieval.ts';
import { cleanText } from '../hooks/hellaswag.ts';
import { findFinalAnswer } from '../hooks/math.ts';
import type { MetricValue } from '../task.ts';
import { aggregationOf, standardErrorOf } from './aggregate.ts';
import { argmax } from './argmax.ts';
import { exactMatch, exactMatchOptions } from './exact-match.ts';
import { makeFilters } from './filters.ts';
import { aggregateGroups, pooledError, unweightedError } from './group.ts';
import { lastBoxed, normaliseMathText, sameMathText } from './math-text.ts';
import { normaliseFinalAnswer } from './minerva-text.ts';

type Options = Readonly<Record<string, unknown>>;

interface Golden {
  readonly choices: readonly string[];
  readonly filtered: readonly [[string, Options][], string[], unknown][];
  readonly matches: readonly [string, string, Options, number][];
  readonly normalised: readonly [string, string | null, string | null, string][];
  readonly equal: readonly [string, string, boolean, boolean | null][];
  readonly boxed: readonly [string, string | null][];
  readonly answers: readonly [string, string | null][];
  readonly finals: readonly [string, string][];
  readonly cleaned: readonly [string, string][];
  readonly pooled: readonly [number[], number[], number, number];
  readonly bootstrap: {
    readonly numbers: readonly number[];
    readonly median: number;
    readonly perplexity: number;
    readonly few: number;
  };
}

const file = join(import.meta.dirname, '..', 'golden', 'text.json');
const golden = JSON.parse(readFileSync(file, 'utf8')) as Golden;

describe('filters', () => {
  it.each(golden.filtered)('%j makes of %j what the harness does', (chain, answers, expected) => {
    const filter = chain.map(([name, options]): FilterEntry => ({ function: name, ...options }));
    const [only] = makeFilters([{ name: 'f', filter }]);
    expect(only?.apply(answers, { choices: golden.choices })).toEqual(expected);
  });

  it('refuses a filter it does not know, with those it does', () => {
    const unknown = [{ name: 'f', filter: [{ function: 'format_span' }] }];
    expect(() => makeFilters(unknown)).toThrow(/format_span.*take_first/);
  });
});

it.each(golden.matches)(
  'compares %j with %j under %j',
  (prediction, reference, entry, expected) => {
    const options = exactMatchOptions(entry);
    expect(exactMatch(prediction, [reference], options)).toBe(expected);
    expect(exactMatch(prediction, ['no such answer', reference], options)).toBe(expected);
  },
);

describe('answers in LaTeX', () => {
  it.each(golden.normalised)('normalises %j', (text, hendrycks, agieval, minerva) => {
    expect(normaliseMathText(text, { slash: 'numbers-only' }) ?? null).toBe(hendrycks);
    expect(normaliseMathText(text, { slash: 'any' }) ?? null).toBe(agieval);
    expect(normaliseFinalAnswer(text)).toBe(minerva);
  });

  it('finds the same answers equal as the original', () => {
    for (const [a, b, expected] of golden.equal) {
      expect([a, b, sameMathText(a, b, { slash: 'numbers-only' })]).toEqual([a, b, expected]);
    }
  });

  it("finds AGIEval's and Minerva's answers in free text", () => {
    for (const [text, expected] of golden.answers) expect(findAnswer(text) ?? null).toBe(expected);
    for (const [text, expected] of golden.finals) expect(findFinalAnswer(text)).toBe(expected);
  });

  it('finds the last box', () => {
    for (const [text, expected] of golden.boxed) {
      expect(lastBoxed(text, { spaced: true }) ?? null).toBe(expected);
    }
  });
});

it('cleans HellaSwag as the harness does', () => {
  for (const [text, expected] of golden.cleaned) expect(cleanText(text)).toBe(expected);
});

it('takes the first of equal values, as numpy does', () => {
  expect([argmax([1, 3, 3]), argmax([Number.NEGATIVE_INFINITY]), argmax([])]).toEqual([1, 0, -1]);
  expect(argmax([1, Number.NaN, 5])).toBe(1);
});

describe('aggregates', () => {
  const { numbers, median, perplexity, few } = golden.bootstrap;

  it("draws the harness's resamples: the same error bars to the last digits", async () => {
    const error = async (metric: string, iterations: number): Promise<number> => {
      const aggregation = aggregationOf({ metric: 'x', aggregation: metric });
      return (await standardErrorOf(aggregation, numbers, { iterations })) ?? Number.NaN;
    };
    expect(await error('median', 2000)).toBeCloseTo(median, 12);
    expect((await error('perplexity', 2000)) / perplexity).toBeCloseTo(1, 12);
    expect((await error('perplexity', 300)) / few).toBeCloseTo(1, 12);
  });

  it('lets others have the event loop while it resamples, and stops at the signal', async () => {
    const aggregation = aggregationOf({ metric: 'perplexity' });
    const values = Array.from({ length: 5000 }, (_, i) => -(i % 13));
    const stop = new AbortController();
    const found = standardErrorOf(aggregation, values, { iterations: 1e6, signal: stop.signal });
    await setImmediate();
    stop.abort();
    await expect(found).rejects.toMatchObject({ code: 'CORRAL_ABORTED' });
  });

  it.each([
    // accuracy 3 of 4: sample deviation √(3 · 0.25² + 0.75²)/√3, over √4
    ['mean', [1, 1, 0, 1], 0.75, Math.sqrt((3 * 0.0625 + 0.5625) / 3) / 2],
    ['median', [5, 1, 3, 4], 4, undefined],
    ['perplexity', [-1, -2], Math.exp(1.5), undefined],
  ] as const)('takes the %s of %j', async (name, values, expected, stderr) => {
    const aggregation = aggregationOf({ metric: 'x', aggregation: name });
    expect(aggregation.aggregate(values)).toBeCloseTo(expected, 12);
    if (stderr !== undefined) {
      const found = await standardErrorOf(aggregation, values, { iterations: 100 });
      expect(found).toBeCloseTo(stderr, 12);
    }
  });

  it('weighs perplexities by words and bytes, and gives them no error bar', async () => {
    const values: [number, number][] = [
      [-10, 4],
      [-2, 4],
    ];
    const words = aggregationOf({ metric: 'word_perplexity' });
    expect(words.aggregate(values)).toBeCloseTo(Math.exp(12 / 8), 12);
    expect(words.higherIsBetter).toBe(false);
    expect(await standardErrorOf(words, values, { iterations: 1000 })).toBeUndefined();
    const bits = aggregationOf({ metric: 'bits_per_byte' });
    expect(bits.aggregate(values)).toBeCloseTo(12 / 8 / Math.LN2, 12);
  });

  it('gives F1 and Matthews correlation of gold and prediction', () => {
    // two hits, one miss, one false alarm, two rejections
    const pairs: [number, number][] = [
      [1, 1],
      [1, 1],
      [1, 0],
      [0, 1],
      [0, 0],
      [0, 0],
    ];
    expect(aggregationOf({ metric: 'f1' }).aggregate(pairs)).toBeCloseTo(4 / 6, 12);
    // (TP·TN − FP·FN) / √((TP+FP)(TP+FN)(TN+FP)(TN+FN)) = (4 − 1) / √(3·3·3·3)
    expect(aggregationOf({ metric: 'mcc' }).aggregate(pairs)).toBeCloseTo(3 / 9, 12);
  });

  it('has no error bar for one item, and refuses an aggregation it does not know', async () => {
    const one = standardErrorOf(aggregationOf({ metric: 'acc' }), [1], { iterations: 1000 });
    expect(await one).toBeUndefined();
    expect(() => aggregationOf({ metric: 'acc', aggregation: 'mode' })).toThrow(/mode.*median/);
  });
});

describe('groups', () => {
  const group = (name: string, members: string[], weightBySize = true) => ({
    name,
    alias: name,
    members,
    version: 1,
    metrics: [{ metric: 'acc', filters: ['none'], weightBySize }],
  });
  const task = (name: string, size: number, value: number, stderr: number | undefined) => ({
    name,
    size,
    metrics: {
      'acc,none': {
        value,
        higherIsBetter: true,
        ...(stderr !== undefined && { stderr }),
      } satisfies MetricValue,
    },
  });

  it("pools error bars by the harness's formulas", () => {
    const [stderrs, sizes, pooled, unweighted] = golden.pooled;
    expect(pooledError(stderrs, sizes)).toBeCloseTo(pooled, 15);
    expect(unweightedError(stderrs)).toBeCloseTo(unweighted, 15);
  });

  it('weighs tasks by their items, through groups inside groups, each task once', () => {
    const groups = [group('inner', ['a', 'b']), group('outer', ['inner', 'c', 'a'])];
    const tasks = [task('a', 10, 0.5, 0.1), task('b', 30, 0.9, 0.2), task('c', 60, 0.2, 0.05)];
    const [inner, outer] = aggregateGroups(groups, tasks);
    expect(inner?.metrics['acc,none']?.value).toBeCloseTo((5 + 27) / 40, 12);
    expect(outer?.metrics['acc,none']?.value).toBeCloseTo((5 + 27 + 12) / 100, 12);
    const expected = pooledError([0.1, 0.2, 0.05], [10, 30, 60]);
    expect(outer?.metrics['acc,none']?.stderr).toBeCloseTo(expected, 12);
  });

  it('takes the plain mean where sizes do not weigh, and no error bar where a task has none', () => {
    const tasks = [task('a', 10, 0.5, 0.1), task('b', 30, 0.9, undefined)];
    const [plain] = aggregateGroups([group('g', ['a', 'b'], false)], tasks);
    expect(plain?.metrics['acc,none']).toEqual({ value: 0.7, higherIsBetter: true });
    const [empty] = aggregateGroups([group('g', ['z'])], tasks);
    expect(empty?.metrics).toEqual({});
  });
});
