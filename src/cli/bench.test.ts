// bench with fakes that measure: what it asks for, what it prints, what it refuses.
import { describe, expect, it, vi } from 'vitest';
import { runCorral } from '../../test/command-line.ts';
import type { InferenceOptions, InferenceSpeed } from '../library/measure-inference.ts';
import { makeRandomModel } from '../library/random-model.ts';
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

const inference: InferenceSpeed = {
  machine: { readBandwidth: 24e9, int8Peak: 230e9, f32Peak: 100e9, isa: 'avx2', threads: 2 },
  model: 'random-tiny-q4_0',
  load: { coldSeconds: 1.5, warmSeconds: 0.25 },
  prefill: [{ rows: 32, tokensPerSecond: 123.45, shareOfPeak: 0.5 }],
  decode: [{ batch: 8, context: 128, tokensPerSecond: 45.67, shareOfBandwidth: 0.75 }],
};

function fakeInference(asked: InferenceOptions[] = []): Pick<Library, 'inference'> {
  return {
    inference: async () => ({
      makeRandomModel,
      measureInference: async (options) => {
        asked.push(options);
        return inference;
      },
    }),
  };
}

const tiny = ['bench', '--shape', 'tiny'];

describe('corral bench', () => {
  it('prints rates, and shares of what the machine can do', async () => {
    const { status, stdout, stderr } = await runCorral(tiny, { library: fakeInference() });
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^random-tiny-q4_0: avx2, 2 threads, load [\d.]+; medians\n/);
    expect(stdout).toMatch(/reading memory +24\.0 +GB\/s$/m);
    expect(stdout).toMatch(/int8 multiply-adds +230\.0 +G\/s$/m);
    expect(stdout).toMatch(/prefill, 32 tokens +123 +0\.50 +of multiply-adds$/m);
    expect(stdout).toMatch(/decode, batch 8, context 128 +45\.7 +0\.75 +of reading$/m);
    expect(stdout).toContain('first token: 1.50 s; with packed weights from disk 0.25 s\n');
  });

  it("gives a model's figures as JSON, and nothing else", async () => {
    const { stdout } = await runCorral([...tiny, '--json'], { library: fakeInference() });
    expect(JSON.parse(stdout)).toEqual(inference);
  });

  it('makes random weights of a shape and type, and measures less when in haste', async () => {
    const asked: InferenceOptions[] = [];
    const library = fakeInference(asked);
    await runCorral([...tiny, '--type', 'q8_0', '--threads', '1'], { library });
    await runCorral([...tiny, '--quick', '--rounds', '2'], { library });
    const [whole, quick] = asked;
    const checkpoint = await whole?.open();
    expect(checkpoint?.name).toBe('random-tiny-q8_0');
    expect(whole?.load.threads).toBe(1);
    expect(whole?.plan).toMatchObject({ prefill: [32, 128, 512], batches: [1, 2, 4, 8, 16] });
    expect(whole?.plan).toMatchObject({ batchContext: 128, contexts: [1024, 4096], rounds: 3 });
    expect(quick?.plan).toMatchObject({ contexts: [], rounds: 2 });
  });

  it('says what it leaves out where the context is too short for it', async () => {
    const { stderr } = await runCorral([...tiny, '--context', '500', '--json'], {
      library: fakeInference(),
    });
    expect(stderr).toBe(
      'corral: left out, since the context is 500: prefill 512, decode at context 1024, decode at context 4096\n',
    );
  });

  it('refuses weights that have no room in memory, before it makes them', async () => {
    const available = vi.spyOn(process, 'availableMemory').mockReturnValue(1e6);
    const { status, stderr } = await runCorral(['bench'], { library: fakeInference() });
    available.mockRestore();
    expect(status).toBe(1);
    expect(stderr).toMatch(/random-1b-q4_0 in memory, of which 1\.00 MB are available/);
  });

  it('refuses options that contradict each other', async () => {
    for (const [args, reason] of [
      [['--train', '--quick'], '--quick means nothing with --train'],
      [['--train', 'model.gguf'], 'leave MODEL away'],
      [['--dim', '128'], '--dim belongs to --train'],
      [['model.gguf', '--shape', '7b'], '--shape is for random weights'],
      [['--shape', '70b'], 'tiny, 1b, 7b, 13b'],
      [['--type', 'q3'], 'q4_k_m'],
    ] as const) {
      const { status, stderr } = await runCorral(['bench', ...args]);
      expect([args, status]).toEqual([args, 2]);
      expect(stderr).toContain(reason);
    }
  });
});

describe('corral bench --train', () => {
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

  it('refuses a width without whole heads', async () => {
    const wide = await runCorral(['bench', '--train', '--dim', '100'], { library: fake() });
    expect(wide.status).toBe(2);
    expect(wide.stderr).toContain('a multiple of 64 from 64 to 8192');
  });
});
