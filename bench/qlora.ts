// QLoRA on one machine: a random model in TinyLlama's shape (1.1B, q4_0) learns one fixed batch of 8 × 64
// tokens. Says how the loss falls, tokens per second, and the most memory it took.
// usage: npm --prefix bench run qlora -- [--steps 30] [--layers 22] [--rank 8] [--rate 2e-3] [--model FILE.gguf]

import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { random } from '../src/base/random.ts';
import { openDevice } from '../src/device/open.ts';
import type { FileSink } from '../src/formats/files.ts';
import { ggufMetadata } from '../src/formats/gguf-model.ts';
import { writeGguf } from '../src/formats/gguf-write.ts';
import { openCheckpoint, tensorNames } from '../src/formats/index.ts';
import type { LlamaConfig } from '../src/formats/llama-config.ts';
import { tensorShapes } from '../src/formats/tensor-shapes.ts';
import { f32ToF16 } from '../src/tensor/codecs/half.ts';
import { tensorBytes } from '../src/tensor/dtype.ts';
import type { Batch } from '../src/train/batch.ts';
import { sumOf } from '../src/train/evaluator.ts';
import { BatchEncoder } from '../src/train/language-model.ts';
import type { MethodRecipe } from '../src/train/recipe/recipe.ts';
import { loadBase } from '../src/train/run/load-model.ts';
import { trainAdapter } from '../src/train/run/trainee.ts';
import { Trainer } from '../src/train/trainer.ts';

const { values } = parseArgs({
  options: {
    steps: { type: 'string', default: '30' },
    layers: { type: 'string', default: '22' },
    rank: { type: 'string', default: '8' },
    rate: { type: 'string', default: '2e-3' },
    model: { type: 'string' },
  },
});
const layers = Number(values.layers);
const config: LlamaConfig = {
  vocab: 32000,
  dim: 2048,
  layers,
  heads: 32,
  kvHeads: 4,
  headDim: 64,
  feedForward: 5632,
  normEps: 1e-5,
  ropeTheta: 10000,
  ropeScaling: { kind: 'none' },
  context: 2048,
  tiedEmbeddings: false,
};

// A block of q4_0 holds (q − 8) · d: with random q the deviation is 4.6 · d.
const q4Deviation = Math.sqrt((16 ** 2 - 1) / 12);

async function writeRandomModel(path: string): Promise<void> {
  const tensors = Array.from(tensorShapes(config), ([name, shape]) => {
    const dtype = shape.length === 1 ? ('f32' as const) : ('q4_0' as const);
    // The head's logits begin near 0, so that the loss begins near ln(vocab).
    const deviation = name === tensorNames.output ? 0.005 : (shape[1] ?? 1) ** -0.5;
    const write = (sink: FileSink): Promise<void> =>
      dtype === 'f32'
        ? sink.write(new Uint8Array(new Float32Array(shape[0] ?? 0).fill(1).buffer))
        : writeBlocks(sink, tensorBytes(dtype, shape), deviation);
    return { name, dtype, shape, write };
  });
  await writeGguf(path, {
    metadata: ggufMetadata({ config, name: 'random', fileType: 2 }),
    tensors,
  });
}

async function writeBlocks(sink: FileSink, bytes: number, deviation: number): Promise<void> {
  const scale = f32ToF16(deviation / q4Deviation);
  const piece = new Uint8Array(18 * 2 ** 14);
  let state = 0x9e3779b9;
  for (let done = 0; done < bytes; done += piece.length) {
    for (let block = 0; block < piece.length; block += 18) {
      piece[block] = scale & 0xff;
      piece[block + 1] = scale >> 8;
      for (let i = 2; i < 18; i++) {
        // xorshift32 (Marsaglia 2003)
        state ^= state << 13;
        state ^= state >>> 17;
        state ^= state << 5;
        piece[block + i] = state >>> 24;
      }
    }
    await sink.write(piece.subarray(0, Math.min(piece.length, bytes - done)));
  }
}

function fixedBatch(sequences: number, length: number): Batch {
  const rows = sequences * length;
  const token = (row: number): number => Math.floor(random(7, 0, row) * config.vocab);
  const places = Array.from({ length: rows }, (_, row) => row);
  const learned = places.filter((row) => row % length < length - 1);
  return {
    tokens: Int32Array.from(places, token),
    positions: Int32Array.from(places, (row) => row % length),
    starts: Int32Array.from(places, (row) => row - (row % length)),
    outputs: Int32Array.from(learned),
    targets: Int32Array.from(learned, (row) => token(row + 1)),
  };
}

const path = values.model ?? join(tmpdir(), `corral-random-${layers}-layers-q4_0.gguf`);
if (!existsSync(path)) await writeRandomModel(path);
const device = openDevice('cpu');
const checkpoint = await openCheckpoint(path);
const weights = await loadBase(checkpoint, device, { as: 'as-is' });
const method: MethodRecipe = {
  kind: 'qlora',
  rank: Number(values.rank),
  alpha: 2 * Number(values.rank),
  dropout: 0,
  targets: 'all',
};
const facts = {
  name: 'random',
  config,
  chatTemplate: undefined,
  generation: { endTokens: [] },
  licence: undefined,
  files: [],
  tokenizer: async () => undefined,
};
const trainee = await trainAdapter(
  { device, facts, weights, base: path },
  { method, decay: { matrices: 0, embedding: 0, vectors: 0 }, seed: 1 },
);
const trainer = await Trainer.create({
  device,
  program: trainee.loss.program,
  parameters: trainee.parameters,
  weights: trainee.weights,
  optimizer: { beta1: 0.9, beta2: 0.95, eps: 1e-8, states: 'f32' },
});
const batch = fixedBatch(8, 64);
const encoder = new BatchEncoder(config, 64);
const pass = encoder.encode(batch, { lossWeight: 1 / batch.targets.length });
const losses: number[] = [];
const begun = performance.now();
for (let step = 0; step < Number(values.steps); step++) {
  const learningRate = Number(values.rate) * Math.min(1, (step + 1) / 3);
  const { outputs } = await trainer.step([pass], { learningRate, clip: 1, fetch: ['nll'] });
  const nll = outputs[0]?.['nll'] ?? new Float32Array();
  losses.push(sumOf(nll) / batch.targets.length);
  console.error(`step ${step + 1}: loss ${losses.at(-1)?.toFixed(3)}`);
}
const seconds = (performance.now() - begun) / 1000;
const [first = 0, last = 0] = [losses[0], losses.at(-1)];
const peakBytes = process.resourceUsage().maxRSS * 1024;
const tokensPerSecond = (batch.tokens.length * losses.length) / seconds;
console.log(JSON.stringify({ path, first, last, tokensPerSecond, peakBytes }));
await device.close();
await checkpoint.close();
process.exitCode = last < 8 && peakBytes < 3e9 ? 0 : 1;
