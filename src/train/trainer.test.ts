import { describe, expect, it } from 'vitest';
import { packedBatch, readBuffer, tinyTrainer, trainingConfig } from '../../test/tiny-training.ts';
import type { Batch } from './batch.ts';
import { sumOf } from './evaluator.ts';
import { type BatchEncoder, countTargets, recordLanguageModel } from './language-model.ts';
import { clipFactor } from './optimizer.ts';
import type { Trainer } from './trainer.ts';

const options = { learningRate: 0.01, clip: 0, fetch: ['nll'] } as const;
const name = 'blk.0.ffn_down.weight';

function step(
  { trainer, encoder }: { trainer: Trainer; encoder: BatchEncoder },
  batches: readonly Batch[],
  changes: Partial<Parameters<Trainer['step']>[1]> = {},
): ReturnType<Trainer['step']> {
  const lossWeight = 1 / countTargets(batches);
  const passes = batches.map((batch) => encoder.encode(batch, { lossWeight }));
  return trainer.step(passes, { ...options, ...changes });
}

async function weightsAfter(
  batches: readonly Batch[],
  changes: Partial<Parameters<Trainer['step']>[1]> = {},
): Promise<{ readonly weights: Float32Array; readonly gradientNorm: number }> {
  const training = await tinyTrainer();
  const { gradientNorm } = await step(training, batches, changes);
  const buffer = training.weights[name];
  if (buffer === undefined) throw new Error(name);
  return { weights: await readBuffer(training.device, buffer), gradientNorm };
}

function largestDifference(left: Float32Array, right: Float32Array): number {
  return left.reduce((most, value, i) => Math.max(most, Math.abs(value - (right[i] ?? 0))), 0);
}

describe('Trainer', () => {
  it('makes of accumulated batches of different lengths what one large batch makes', async () => {
    // Means of means would weigh the short sequences too much.
    const { vocab } = trainingConfig;
    const parts = [[12], [3], [9]].map((lengths, i) => packedBatch(lengths, i, vocab));
    const whole = joinBatches(parts);
    const [accumulated, large] = [await weightsAfter(parts), await weightsAfter([whole])];
    expect(accumulated.gradientNorm).toBeCloseTo(large.gradientNorm, 6);
    expect(largestDifference(accumulated.weights, large.weights)).toBeLessThan(2e-7);
  });

  it('forgets gradients after a step, so that each step is its own', async () => {
    const training = await tinyTrainer();
    const batch = packedBatch([8], 1, trainingConfig.vocab);
    const first = await step(training, [batch], { learningRate: 0 });
    const second = await step(training, [batch], { learningRate: 0 });
    expect(second.gradientNorm).toBe(first.gradientNorm);
  });

  it('learns', async () => {
    const training = await tinyTrainer();
    const batch = packedBatch([16, 16], 1, trainingConfig.vocab);
    const meanOf = async (): Promise<number> => {
      const [outputs] = (await step(training, [batch])).outputs;
      return sumOf(outputs?.['nll'] ?? new Float32Array()) / 30;
    };
    const before = await meanOf();
    expect(before).toBeCloseTo(Math.log(trainingConfig.vocab), 0);
    for (let i = 0; i < 30; i++) await meanOf();
    expect(await meanOf()).toBeLessThan(before / 3);
  });

  it('clips by the norm of all gradients together', async () => {
    // Adam hardly changes with the size of gradients: the clip shows in its mean of them.
    const batch = packedBatch([12], 4, trainingConfig.vocab);
    const meanAfter = async (clip: number): Promise<{ mean: Float32Array; norm: number }> => {
      const training = await tinyTrainer();
      const { gradientNorm: norm } = await step(training, [batch], { clip });
      const buffer = training.trainer.states.get(`adamw.mean.${name}`);
      if (buffer === undefined) throw new Error(name);
      return { mean: await readBuffer(training.device, buffer), norm };
    };
    const free = await meanAfter(0);
    const clipped = await meanAfter(free.norm / 2);
    expect(clipped.norm).toBe(free.norm);
    const doubled = clipped.mean.map((value) => value * 2);
    expect(largestDifference(doubled, free.mean)).toBeLessThan(1e-7);
    expect(Math.max(...free.mean)).toBeGreaterThan(1e-5);
  });

  it('keeps running means of weights, which are what is evaluated', async () => {
    const training = await tinyTrainer({ ema: 0.75 });
    const buffer = training.weights[name];
    const average = training.trainer.averaged[name];
    if (!buffer || !average) throw new Error(name);
    const before = await readBuffer(training.device, buffer);
    expect(await readBuffer(training.device, average)).toEqual(before);
    await step(training, [packedBatch([8], 1, trainingConfig.vocab)]);
    const after = await readBuffer(training.device, buffer);
    const expected = before.map((value, i) => 0.75 * value + 0.25 * (after[i] as number));
    expect(largestDifference(await readBuffer(training.device, average), expected)).toBeLessThan(
      1e-8,
    );
    expect(after).not.toEqual(before);
  });

  it('gives the same gradients when activations are computed again', async () => {
    const { boundaries } = recordLanguageModel(trainingConfig);
    const batch = packedBatch([9, 6], 2, trainingConfig.vocab);
    const [kept, again] = [await tinyTrainer(), await tinyTrainer({ recompute: boundaries })];
    const norms = [await step(kept, [batch]), await step(again, [batch])];
    expect(boundaries).toHaveLength(trainingConfig.layers);
    expect(norms[1]?.gradientNorm).toBe(norms[0]?.gradientNorm);
  });

  it('refuses a loss that is no number, and changes nothing', async () => {
    const training = await tinyTrainer();
    const norm = training.weights['output_norm.weight'];
    const buffer = training.weights[name];
    if (!norm || !buffer) throw new Error('weights');
    const batch = packedBatch([8], 1, trainingConfig.vocab);
    const { gradientNorm } = await step(training, [batch], { learningRate: 0 });
    const before = await readBuffer(training.device, buffer);
    const good = await training.device.read(norm, 0, norm.bytes);
    const bad = new Float32Array(norm.bytes / 4).fill(Number.NaN);
    await training.device.write(norm, 0, new Uint8Array(bad.buffer));
    await expect(step(training, [batch])).rejects.toThrow('In update 2, the loss is NaN');
    expect(await readBuffer(training.device, buffer)).toEqual(before);
    expect(training.trainer.updates).toBe(1);
    // Nothing of the broken step is left in the gradients either.
    await training.device.write(norm, 0, good);
    const again = await step(training, [batch], { learningRate: 0 });
    expect(again.gradientNorm).toBeCloseTo(gradientNorm, 6);
  });

  it('stops between batches when asked to, and changes nothing', async () => {
    const training = await tinyTrainer();
    const batch = packedBatch([8], 1, trainingConfig.vocab);
    const signal = AbortSignal.abort();
    await expect(step(training, [batch], { signal })).rejects.toThrow('aborted');
    expect(training.trainer.updates).toBe(0);
  });
});

describe('clipFactor', () => {
  it('scales long gradients to the clip, as torch does, and leaves short ones', () => {
    expect(clipFactor(4, 1)).toBeCloseTo(1 / 4.000001, 12);
    expect(clipFactor(0.5, 1)).toBe(1);
    expect(clipFactor(4, 0)).toBe(1);
  });
});

function joinBatches(batches: readonly Batch[]): Batch {
  let rows = 0;
  const shifted = batches.map((batch) => {
    const by = rows;
    rows += batch.tokens.length;
    return {
      ...batch,
      starts: batch.starts.map((start) => start + by),
      outputs: batch.outputs.map((output) => output + by),
    };
  });
  const join = (key: keyof Batch): Int32Array =>
    Int32Array.from(shifted.flatMap((batch) => [...batch[key]]));
  return {
    tokens: join('tokens'),
    positions: join('positions'),
    starts: join('starts'),
    outputs: join('outputs'),
    targets: join('targets'),
  };
}
