// Expected numbers come from scipy: golden/make-golden.py.
import { describe, expect, it } from 'vitest';
import { makeDraws } from './bootstrap-random.ts';
import golden from './golden/golden.json' with { type: 'json' };
import { mcNemar, pairedDifference } from './paired-statistics.ts';

const options = { iterations: 20_000, confidence: 0.95, draw: makeDraws(1) };
const mean = { ...options, isMean: true, finish: (ratio: number): number => ratio };

describe('McNemar’s test', () => {
  it.each(golden.mcNemar as [number, number, number][])(
    'finds for %i against %i what the binomial test finds',
    (onlyFirst, onlySecond, pValue) => {
      const found = mcNemar(onlyFirst, onlySecond).pValue;
      expect(Math.abs(found - pValue) / pValue).toBeLessThan(1e-9);
    },
  );
});

describe('the paired bootstrap', () => {
  it('agrees with scipy on a difference of accuracies', () => {
    const { first, second, difference, stderr, interval } = golden.accuracy;
    const pairs = first.map((value, index) => ({
      first: [value, 1] as const,
      second: [second[index] ?? 0, 1] as const,
    }));
    const found = pairedDifference(pairs, mean);
    expect(found.difference).toBeCloseTo(difference, 12);
    expect(found.stderr).toBeCloseTo(stderr, 12);
    // Two bootstraps of 20,000 draws agree to about 2 % of a standard error at the 2.5 % point.
    expect(Math.abs(found.low - (interval[0] ?? 0))).toBeLessThan(0.1 * stderr);
    expect(Math.abs(found.high - (interval[1] ?? 0))).toBeLessThan(0.1 * stderr);
  });

  it('agrees with numpy on a difference of word perplexities', () => {
    const { first, second, difference, interval } = golden.perplexity;
    const pairs = first.map((value, index) => ({
      first: value as [number, number],
      second: second[index] as [number, number],
    }));
    const finish = (ratio: number): number => Math.exp(-ratio);
    const found = pairedDifference(pairs, { ...options, isMean: false, finish });
    const [low = 0, high = 0, stderr = 0] = interval;
    expect(found.difference).toBeCloseTo(difference, 10);
    expect(Math.abs(found.stderr / stderr - 1)).toBeLessThan(0.03);
    expect(Math.abs(found.low - low)).toBeLessThan(0.1 * stderr);
    expect(Math.abs(found.high - high)).toBeLessThan(0.1 * stderr);
  });

  it('draws the same for the same seed and other numbers for another', () => {
    const draw = (seed: number): number[] => {
      const next = makeDraws(seed);
      return Array.from({ length: 8 }, () => next(1000));
    };
    expect(draw(5)).toEqual(draw(5));
    expect(draw(5)).not.toEqual(draw(6));
  });

  it('draws every index about equally often', () => {
    const counts = new Array<number>(10).fill(0);
    const next = makeDraws(3);
    for (let i = 0; i < 100_000; i++) {
      const index = next(10);
      counts[index] = (counts[index] ?? 0) + 1;
    }
    const chiSquare = counts.reduce((sum, count) => sum + (count - 10_000) ** 2 / 10_000, 0);
    // 9 degrees of freedom: above 33.7 once in ten thousand
    expect(chiSquare).toBeLessThan(33.7);
  });
});
