import { describe, expect, it } from 'vitest';
import { learningRateAt, type Schedule } from './schedule.ts';

const schedule: Schedule = { kind: 'cosine', peak: 8, minimum: 0.25, warmup: 4, steps: 12 };

describe('learningRateAt', () => {
  it('rises in a line and reaches the peak in the last step of warm-up', () => {
    expect([0, 1, 2, 3].map((step) => learningRateAt(step, schedule))).toEqual([2, 4, 6, 8]);
  });

  it('falls along half a cosine to the minimum, and stays there', () => {
    // peak · (1 + 3 · (1 + cos θ) / 2) / 4 at θ = 0, π/4, π/2, π
    const expected = [8, 2 + 3 * (1 + Math.SQRT1_2), 5, 2, 2];
    for (const [index, step] of [4, 6, 8, 12, 40].entries()) {
      expect(learningRateAt(step, schedule)).toBeCloseTo(expected[index] as number, 12);
    }
  });

  it('falls in a line, or stays at the peak', () => {
    const linear = { ...schedule, kind: 'linear' } as const;
    expect([4, 8, 12].map((step) => learningRateAt(step, linear))).toEqual([8, 5, 2]);
    expect(learningRateAt(11, { ...schedule, kind: 'constant' })).toBe(8);
  });

  it('needs no warm-up, and no steps after it', () => {
    expect(learningRateAt(0, { ...schedule, warmup: 0 })).toBe(8);
    expect(learningRateAt(12, { ...schedule, warmup: 12 })).toBe(8);
  });
});
