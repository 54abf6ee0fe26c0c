// bench with a fake library: what it asks for, what it prints, what it refuses.
import { describe, expect, it } from 'vitest';
import { runCorral } from '../../test/command-line.ts';
import type { MeasureOptions, TrainingSpeed } from '../train/index.ts';
import type { Library } from './library.ts';

const speed: TrainingSpeed = {
  isa: 'avx2',
  threads: 2,
  rounds: 3,
  peak: 200e9,
  products: [
    { op: 'matmul', size: 1024, operationsPerSecond: 160e9, shareOfPeak: 0.8 },
    { op: 'outer_sum', size: 1024, operationsPerSecond: 170e9, shareOfPeak: 0.85 },
  ],
  step: {
    dim: 512,
    layers: 4,
    parameters: 15_000_000,
    tokens: 1024,
    operationsPerSecond: 117e9,
    shareOfPeak: 0.585,
    tokensPerSecond: 1300,
  },
};

function fake(asked: MeasureOptions[] = []): Pick<Library, 'training'> {
  const measureTraining = async (options: MeasureOptions): Promise<TrainingSpeed> => {
    asked.push(options);
    return speed;
  };
  const training = { measureTraining } as Awaited<ReturnType<Library['training']>>;
  return { training: async () => training };
}

describe('corral bench', () => {
  it('prints operations per second and shares of the peak', async () => {
    const { status, stdout } = await runCorral(['bench', '--train'], { library: fake() });
    expect(status).toBe(0);
    expect(stdout).toMatch(/^avx2, 2 threads, load [\d.]+; medians of 3 rounds\n/);
    expect(stdout).toMatch(/f32 multiply-adds +200\.0$/m);
    expect(stdout).toMatch(/matmul 1024³ +160\.0 +0\.80$/m);
    expect(stdout).toMatch(/15\.0 M parameters, dim 512, 1024 tokens +117\.0 +0\.58$/m);
    expect(stdout).toContain('1300 tokens/s\n');
  });

  it('gives the figures as JSON', async () => {
    const { stdout } = await runCorral(['bench', '--train', '--json'], { library: fake() });
    expect(JSON.parse(stdout)).toEqual({ ...speed, loadAverage: expect.any(Number) });
  });

  it('measures what it is asked for', async () => {
    const asked: MeasureOptions[] = [];
    const args = ['bench', '--train', '--dim', '768', '--rounds', '9', '--threads', '1'];
    await runCorral(args, { library: fake(asked) });
    expect(asked).toEqual([expect.objectContaining({ dim: 768, rounds: 9, threads: 1 })]);
  });

  it('refuses a width without whole heads, and to measure nothing', async () => {
    const wide = await runCorral(['bench', '--train', '--dim', '100'], { library: fake() });
    expect(wide.status).toBe(2);
    expect(wide.stderr).toContain('a multiple of 64 from 64 to 8192');
    const nothing = await runCorral(['bench'], { library: fake() });
    expect(nothing.status).toBe(2);
    expect(nothing.stderr).toContain('--train');
  });
});
