import { describe, expect, it } from 'vitest';
import { addonStatus } from '../base/addon.ts';
import { measureTraining } from './measure-training.ts';

describe.skipIf(!addonStatus().available)('measureTraining (needs the native addon)', () => {
  it('measures the products and a step beside the peak of the same rounds', async () => {
    const rounds: number[] = [];
    const speed = await measureTraining({
      dim: 64,
      rounds: 2,
      threads: 1,
      onProgress: ({ done }) => rounds.push(done),
    });
    expect(rounds).toEqual([0, 1]);
    expect(speed.threads).toBe(1);
    expect(speed.products.map(({ op }) => op)).toEqual([
      'matmul',
      'matmul_transposed',
      'outer_sum',
    ]);
    // Embedding 4096 · 64; four blocks of four 64² matrices, three 64 · 192 ones and two norms; a norm.
    expect(speed.step.parameters).toBe(262_144 + 4 * (16_384 + 36_864 + 128) + 64);
    const { operationsPerSecond, tokensPerSecond, parameters } = speed.step;
    expect(tokensPerSecond).toBeCloseTo(operationsPerSecond / parameters / 6);
    for (const { shareOfPeak } of [...speed.products, speed.step]) {
      expect(shareOfPeak).toBeGreaterThan(0);
    }
  });
});
