// How fast training is on this machine, beside what its f32 units can do: the three products and a
// whole step. Everything is measured in rounds, each beside a peak of its own, so that other work on
// the machine slows both sides of a ratio; medians over the rounds are reported.
import { present } from '../base/invariant.ts';
import type { OnProgress } from '../base/progress.ts';
import { createCpuDevice } from '../device/cpu.ts';
import type { Device, DeviceBuffer } from '../device/device.ts';
import { openLimitMeter } from '../device/measure-limits.ts';
import type { LlamaConfig } from '../formats/llama-config.ts';
import { append, type OpName } from '../tensor/ops.ts';
import { ProgramBuilder } from '../tensor/program.ts';
import type { Batch } from './batch.ts';
import { BatchEncoder, recordLanguageModel } from './language-model.ts';
import { allParameters, countValues, type Parameter } from './parameters.ts';
import { Trainer } from './trainer.ts';

/** How fast something is. */
export interface Speed {
  /** f32 operations per second, two for each multiply-add. */
  readonly operationsPerSecond: number;
  /** Of what the f32 units did in the same rounds. */
  readonly shareOfPeak: number;
}

/** What was measured. */
export interface TrainingSpeed {
  readonly isa: string;
  readonly threads: number;
  readonly rounds: number;
  /** Operations per second of multiply-adds on registers alone. */
  readonly peak: number;
  /** matmul, matmul_transposed and outer_sum of square matrices. */
  readonly products: readonly (Speed & { readonly op: OpName; readonly size: number })[];
  /** A pass forward and backward with one update; 6 operations for each parameter and token. */
  readonly step: Speed & {
    readonly dim: number;
    readonly layers: number;
    readonly parameters: number;
    readonly tokens: number;
    readonly tokensPerSecond: number;
  };
}

/** What to measure. */
export interface MeasureOptions {
  /** Width of the model of the step, a multiple of 64. */
  readonly dim: number;
  readonly rounds: number;
  readonly threads?: number;
  readonly onProgress?: OnProgress;
  readonly signal?: AbortSignal;
}

const productSize = 1024;
const products = ['matmul', 'matmul_transposed', 'outer_sum'] as const;
const peakSeconds = 0.05;
const rows = 1024;
const sequence = 256;
const noSizes = { rows: 0, outputs: 0, sequences: 0, pages: 0, adjustments: 0 };

/** Something to time. */
interface Work {
  readonly operations: number;
  run(): Promise<unknown>;
}

/**
 * Measures on the cpu device. Throws ADDON_UNAVAILABLE, OUT_OF_MEMORY or ABORTED.
 * @example const { step } = await measureTraining({ dim: 512, rounds: 5 });
 */
export async function measureTraining(options: MeasureOptions): Promise<TrainingSpeed> {
  const { dim, threads, onProgress, signal } = options;
  const device = createCpuDevice(threads === undefined ? {} : { threads });
  const meter = openLimitMeter(device.info);
  try {
    const { work: step, parameters, config } = await prepareStep(device, dim);
    const works = [...(await prepareProducts(device)), step];
    for (const { run } of works) await run(); // takes memory and plans once
    const peaks: number[] = [];
    const speeds = works.map((): number[] => []);
    for (let round = 0; round < options.rounds; round++) {
      signal?.throwIfAborted();
      onProgress?.({ task: 'Measuring', done: round, total: options.rounds, unit: 'rounds' });
      peaks.push(await meter.measureF32(peakSeconds));
      for (const [index, work] of works.entries()) {
        const start = performance.now();
        await work.run();
        const seconds = (performance.now() - start) / 1000;
        present(speeds[index], 'speeds').push(work.operations / seconds);
      }
    }
    const speedOf = (index: number): Speed => {
      const each = present(speeds[index], 'speeds');
      return {
        operationsPerSecond: median(each),
        shareOfPeak: median(each.map((speed, round) => speed / present(peaks[round], 'peak'))),
      };
    };
    const whole = speedOf(products.length);
    return {
      isa: device.info.isa,
      threads: device.info.threads,
      rounds: options.rounds,
      peak: median(peaks),
      products: products.map((op, index) => ({ op, size: productSize, ...speedOf(index) })),
      step: {
        ...whole,
        dim,
        layers: config.layers,
        parameters,
        tokens: rows,
        tokensPerSecond: whole.operationsPerSecond / (6 * parameters),
      },
    };
  } finally {
    await meter.close();
    await device.close();
  }
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return present(sorted[Math.floor(sorted.length / 2)], 'a value');
}

// Operands lie in buffers, so that nothing is copied in.
async function prepareProducts(device: Device): Promise<Work[]> {
  const shape = [productSize, productSize];
  const buffers = { left: await filled(device, shape), right: await filled(device, shape) };
  return products.map((op) => {
    const builder = new ProgramBuilder(op);
    const operands = [builder.weight('left', shape), builder.weight('right', shape)];
    builder.output('product', append(builder, op, operands));
    const executable = device.compile(builder.build(), buffers);
    return {
      operations: 2 * productSize ** 3,
      run: () => device.run(executable, { inputs: {}, sizes: noSizes, fetch: [] }),
    };
  });
}

function configOf(dim: number): LlamaConfig {
  const heads = dim / 64;
  return {
    vocab: 4096,
    dim,
    layers: 4,
    heads,
    kvHeads: heads,
    headDim: 64,
    // 8/3 of the width, as the Llama has it, in whole blocks.
    feedForward: Math.ceil((dim * 8) / 3 / 64) * 64,
    normEps: 1e-5,
    ropeTheta: 10_000,
    ropeScaling: { kind: 'none' },
    context: sequence,
    tiedEmbeddings: true,
  };
}

async function prepareStep(
  device: Device,
  dim: number,
): Promise<{ work: Work; parameters: number; config: LlamaConfig }> {
  const config = configOf(dim);
  const parameters = allParameters(config, { matrices: 0.1, embedding: 0.1, vectors: 0 });
  const weights: Record<string, DeviceBuffer> = {};
  for (const { name, shape } of parameters) weights[name] = await filled(device, shape);
  const { program } = recordLanguageModel(config);
  const optimizer = { beta1: 0.9, beta2: 0.95, eps: 1e-8, states: 'f32' } as const;
  const trainer = await Trainer.create({ device, program, parameters, weights, optimizer });
  const pass = new BatchEncoder(config, sequence).encode(batchOf(config), { lossWeight: 1 / rows });
  const step = { learningRate: 1e-4, clip: 1, fetch: [] };
  const count = countValues(parameters);
  const work = { operations: 6 * count * rows, run: () => trainer.step([pass], step) };
  return { work, parameters: count, config };
}

function batchOf({ vocab }: LlamaConfig): Batch {
  const each = (value: (row: number) => number): Int32Array =>
    Int32Array.from({ length: rows }, (_, row) => value(row));
  return {
    tokens: each((row) => (row * 7919) % vocab),
    positions: each((row) => row % sequence),
    starts: each((row) => row - (row % sequence)),
    outputs: each((row) => row),
    targets: each((row) => ((row + 1) * 7919) % vocab),
  };
}

// Speed does not depend on the numbers, as long as they are ordinary: norms of 1, small matrices.
async function filled(device: Device, shape: Parameter['shape']): Promise<DeviceBuffer> {
  const buffer = await device.allocate('f32', shape);
  const values = new Float32Array(buffer.bytes / 4);
  for (let i = 0; i < values.length; i++) {
    values[i] = shape.length === 1 ? 1 : (((i * 7919) % 1009) / 504 - 1) * 0.03;
  }
  await device.write(buffer, 0, new Uint8Array(values.buffer));
  return buffer;
}
