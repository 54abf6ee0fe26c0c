import { describe, expect, it } from 'vitest';
import { StepCosts } from './step-costs.ts';

function costsOf(steps: readonly (readonly [rows: number, seconds: number])[]): StepCosts {
  const costs = new StepCosts();
  for (const [rows, seconds] of steps) costs.note(rows, seconds);
  return costs;
}

describe('what a step costs', () => {
  it('is unknown below what was seen, and beyond twice the largest', () => {
    const costs = costsOf([
      [2, 10],
      [4, 14],
    ]);
    expect([1, 2, 4, 8, 9].map((rows) => costs.estimate(rows))).toEqual([
      undefined,
      10,
      14,
      14,
      undefined,
    ]);
    expect(costsOf([]).estimate(1)).toBeUndefined();
  });

  it('lies on a line between two sizes', () => {
    const costs = costsOf([
      [1, 10],
      [5, 18],
    ]);
    expect(costs.estimate(2)).toBe(12);
  });

  it('is the median of the last five, and never more than that of more rows', () => {
    const costs = costsOf([100, 9, 10, 11, 500, 12].map((seconds) => [1, seconds] as const));
    expect(costs.estimate(1)).toBe(11);
    costs.note(3, 8);
    expect([1, 2, 3].map((rows) => costs.estimate(rows))).toEqual([8, 8, 8]);
  });
});
