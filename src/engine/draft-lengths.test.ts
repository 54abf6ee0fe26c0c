import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chooseDraftLengths, type DraftSetting } from './draft-lengths.ts';

// A machine on which four rows cost as much as one, and each further row a fifth of that.
const wall = (rows: number): number => 1 + Math.max(0, rows - 4) / 5;
const setting: DraftSetting = {
  answers: 1,
  rows: 100,
  stepSeconds: wall,
  guessSeconds: () => 0,
};
const longest = 15;

describe('lengths of drafts', () => {
  it('fill the rows that cost nothing, and more where guesses are nearly sure', () => {
    // Beyond three guesses a row costs 0.2 s: with 0.5 the fourth gains 0.0625 tokens on 1.875 per second.
    expect(chooseDraftLengths([{ rate: 0.5, longest }], setting)).toEqual([3]);
    // With 0.95, n guesses make (1 - 0.95^(n + 1)) / 0.05 tokens: from n = 3 on 3.71, 3.77, 3.78 and 3.77 per second.
    expect(chooseDraftLengths([{ rate: 0.95, longest }], setting)).toEqual([5]);
    const cheap = { ...setting, stepSeconds: (rows: number) => 1 + rows / 50 };
    // (n + 1) / (1 + (n + 1) / 50) grows for ever when every guess is right.
    expect(chooseDraftLengths([{ rate: 1, longest }], cheap)).toEqual([15]);
  });

  it('are none where a second row costs as much as a second step', () => {
    const stepSeconds = (rows: number): number => rows;
    expect(chooseDraftLengths([{ rate: 0.9, longest }], { ...setting, stepSeconds })).toEqual([0]);
  });

  it('count what guessing takes', () => {
    // One guess of 0.25 s: 1.5 tokens in 1.25 s; two: 1.75 in 1.5 s.
    const guessSeconds = (length: number): number => 0.25 * length;
    const half = [{ rate: 0.5, longest }];
    expect(chooseDraftLengths(half, { ...setting, guessSeconds })).toEqual([1]);
    expect(
      chooseDraftLengths(half, { ...setting, guessSeconds: (length) => 0.6 * length }),
    ).toEqual([0]);
  });

  it('give rows to the likeliest guesses of all answers', () => {
    const both = [
      { rate: 0.9, longest },
      { rate: 0.3, longest },
    ];
    // Five rows for guesses: 0.9, 0.81, 0.729, 0.6561 and 0.59 come before 0.3.
    const answers = { ...setting, answers: 2, rows: 5, stepSeconds: () => 1 };
    expect(chooseDraftLengths(both, answers)).toEqual([5, 0]);
  });

  it('keep the pace of answers that nothing is guessed for', () => {
    // One row more makes the step 1.2 times as long: fine for who guesses, not for the other.
    const stepSeconds = (rows: number): number => 1 + 0.2 * (rows - 2);
    const sure = [{ rate: 1, longest }];
    expect(chooseDraftLengths(sure, { ...setting, answers: 2, stepSeconds })).toEqual([0]);
    expect(
      chooseDraftLengths([...sure, ...sure], { ...setting, answers: 2, stepSeconds }),
    ).not.toContain(0);
  });

  it('are none while a step without guesses is unknown, and stop where costs are unknown', () => {
    const sure = [{ rate: 1, longest }];
    const unknown = { ...setting, stepSeconds: (): undefined => undefined };
    expect(chooseDraftLengths(sure, unknown)).toEqual([0]);
    const stepSeconds = (rows: number): number | undefined => (rows <= 2 ? 1 : undefined);
    expect(chooseDraftLengths(sure, { ...setting, stepSeconds })).toEqual([1]);
  });

  it('never take more rows than there are, nor more than an answer allows', () => {
    const draftable = fc.record({
      rate: fc.double({ min: 0, max: 1, noNaN: true }),
      longest: fc.nat(15),
    });
    fc.assert(
      fc.property(
        fc.array(draftable, { maxLength: 6 }),
        fc.nat(20),
        fc.nat(3),
        (all, rows, more) => {
          const answers = Math.max(1, all.length + more);
          const lengths = chooseDraftLengths(all, { ...setting, answers, rows });
          expect(lengths.reduce((sum, each) => sum + each, 0)).toBeLessThanOrEqual(rows);
          for (const [index, each] of lengths.entries()) {
            expect(each).toBeLessThanOrEqual(all[index]?.longest ?? 0);
          }
        },
      ),
    );
  });
});
