// Small training for tests: batches of made-up text, a model of a few thousand weights, a trainer over it.
import type { Device, DeviceBuffer } from '../src/device/device.ts';
import { createReferenceDevice } from '../src/device/reference.ts';
import type { LlamaConfig } from '../src/formats/llama-config.ts';
import type { Batch, BatchSource } from '../src/train/batch.ts';
import { initialWeights } from '../src/train/initial-weights.ts';
import { BatchEncoder, recordLanguageModel } from '../src/train/language-model.ts';
import type { AdamWSettings } from '../src/train/optimizer.ts';
import { allParameters } from '../src/train/parameters.ts';
import { Trainer, type TrainerOptions } from '../src/train/trainer.ts';
import { tinyConfig } from './tiny-llama.ts';

/** Grouped queries, tied embeddings, a few thousand weights. */
export const trainingConfig: LlamaConfig = tinyConfig({
  vocab: 40,
  dim: 32,
  heads: 4,
  kvHeads: 2,
  headDim: 8,
  feedForward: 64,
  context: 32,
  tiedEmbeddings: true,
});

/** What torch.optim.AdamW takes when asked for nothing else. */
export const plainAdamW: AdamWSettings = { beta1: 0.9, beta2: 0.999, eps: 1e-8, states: 'f32' };

/** Sequences of these lengths packed into one batch; every next token is learned. */
export function packedBatch(lengths: readonly number[], seed: number, vocab: number): Batch {
  const [tokens, positions, starts, outputs, targets] = [[], [], [], [], []] as number[][] as [
    number[],
    number[],
    number[],
    number[],
    number[],
  ];
  let state = seed * 7919 + 1;
  for (const length of lengths) {
    const start = tokens.length;
    for (let position = 0; position < length; position++) {
      state = (state * 48271) % 2147483647;
      // Mostly predictable, so that there is something to learn.
      const before = tokens.at(-1) ?? 0;
      const token = state % 4 === 0 ? state % vocab : (before * 3 + 1) % vocab;
      if (position > 0) {
        outputs.push(tokens.length - 1);
        targets.push(token);
      }
      tokens.push(token);
      positions.push(position);
      starts.push(start);
    }
  }
  return {
    tokens: Int32Array.from(tokens),
    positions: Int32Array.from(positions),
    starts: Int32Array.from(starts),
    outputs: Int32Array.from(outputs),
    targets: Int32Array.from(targets),
  };
}

/** Batches by step, `perStep` of them each. */
export function tinySource(perStep = 1, vocab: number = trainingConfig.vocab): BatchSource {
  return {
    context: 32,
    stepsPerEpoch: undefined,
    hash: 'tiny',
    step: (step) =>
      Array.from({ length: perStep }, (_, index) =>
        packedBatch([7, 5 + (step % 3)], step * perStep + index, vocab),
      ),
  };
}

/** A model in training on the reference device. */
export async function tinyTrainer(changes: Partial<TrainerOptions> = {}): Promise<{
  readonly device: Device;
  readonly weights: Record<string, DeviceBuffer>;
  readonly trainer: Trainer;
  readonly encoder: BatchEncoder;
}> {
  const device = changes.device ?? createReferenceDevice();
  const weights: Record<string, DeviceBuffer> = {};
  for (const { name, shape, values } of initialWeights(trainingConfig, 1)) {
    const buffer = await device.allocate('f32', shape);
    await device.write(buffer, 0, new Uint8Array(values.buffer));
    weights[name] = buffer;
  }
  const trainer = await Trainer.create({
    device,
    program: recordLanguageModel(trainingConfig).program,
    parameters: allParameters(trainingConfig, { matrices: 0.1, embedding: 0.1, vectors: 0 }),
    weights,
    optimizer: plainAdamW,
    ...changes,
  });
  return { device, weights, trainer, encoder: new BatchEncoder(trainingConfig, 32) };
}

/** All values of a buffer. */
export async function readBuffer(device: Device, buffer: DeviceBuffer): Promise<Float32Array> {
  const bytes = await device.read(buffer, 0, buffer.bytes);
  return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
}
