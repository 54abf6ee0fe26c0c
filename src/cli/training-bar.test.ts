import { describe, expect, it } from 'vitest';
import { describeStep, formatTime } from './training-bar.ts';

describe('describeStep', () => {
  const state = { loss: 2.5, rate: 1000, stepSeconds: 2, steps: 100, flops: 6e6, peak: 1e11 };
  const memory = (): number => 2.5e9;

  it('tells loss, speed, share of the peak, memory and time left', () => {
    // 6 MFLOP a token, 1000 tokens a second: 6 GFLOP/s of 100.
    expect(describeStep(state, 40, { memory }).text).toBe(
      'loss 2.5000 · 1000 tokens/s · 6 % of peak · 2.50 GB · 2 min left',
    );
  });

  it('leaves out the share where no peak was measured', () => {
    expect(describeStep({ ...state, peak: 0 }, 40, { memory }).text).not.toContain('peak');
  });
});

describe('formatTime', () => {
  it('shows seconds, minutes, and hours with minutes', () => {
    const shown = [59.4, 61, 3599, 3600, 3725].map(formatTime);
    expect(shown).toEqual(['59 s', '1 min', '1 h 00 min', '1 h 00 min', '1 h 02 min']);
  });
});
