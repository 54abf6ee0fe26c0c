import { describe, expect, it } from 'vitest';
import { type GuessSource, Speculator } from './speculator.ts';

/** Guesses 1, 2, 3, … and expects half of them to be right. */
const counting: GuessSource = {
  isFree: true,
  expectedRates: [0.5],
  look: () => ({ strength: 0 }),
  guess: (count) => Array.from({ length: count }, (_, i) => i + 1),
};

describe('what a speculator expects', () => {
  it('rises with each right guess and falls with the first wrong one; those after it do not count', async () => {
    const speculator = new Speculator(counting);
    expect(speculator.look([])?.rate).toBe(0.5);
    await speculator.guess(4);
    // Right, right, wrong: 1 of 2, then 0.9 · 1 + 1 of 0.9 · 2 + 1, and so on.
    const [hits, trials] = [0.9 * (0.9 * (0.9 * 1 + 1) + 1), 0.9 * (0.9 * (0.9 * 2 + 1) + 1) + 1];
    expect(speculator.look([1, 2, 9])?.rate).toBeCloseTo(hits / trials, 12);
  });

  it('learns from guesses of a free source that were not tried', async () => {
    const speculator = new Speculator(counting);
    speculator.look([]);
    expect(await speculator.guess(0)).toEqual([]);
    expect(speculator.look([1])?.rate).toBeCloseTo(1.9 / 2.8, 12);
  });

  it('never asks a source that is not free for guesses nobody wants', async () => {
    const guess = (): never => {
      throw new Error('asked');
    };
    const speculator = new Speculator({ ...counting, isFree: false, guess });
    speculator.look([]);
    expect(await speculator.guess(0)).toEqual([]);
  });

  it('tries a few guesses after 16 steps without, then after 32, and after 16 again once they pay', () => {
    const speculator = new Speculator(counting);
    const trials = (steps: number): number[] =>
      Array.from({ length: steps }, (_, step) =>
        speculator.temper(0, 15) > 0 ? step + 1 : 0,
      ).filter((step) => step > 0);
    expect(trials(48)).toEqual([16, 48]);
    expect(speculator.temper(7, 15)).toBe(7);
    expect(trials(16)).toEqual([16]);
    expect(speculator.temper(7, 15)).toBe(7);
    expect(Array.from({ length: 16 }, () => speculator.temper(0, 2)).at(-1)).toBe(2);
  });
});
