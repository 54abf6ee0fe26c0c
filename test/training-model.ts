// The small Llamas of test/golden/training/llama.py in Corral's programs: the same hashed weights and
// tokens, the loss over packed rows, LoRA and DoRA by plain ops, and the two programs of a training step.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { present } from '../src/base/invariant.ts';
import { tensorNames } from '../src/formats/checkpoint.ts';
import type { LlamaConfig } from '../src/formats/llama-config.ts';
import { tensorShapes } from '../src/formats/tensor-shapes.ts';
import { forward, logitsHead, type RecordLinear, type Tap } from '../src/model/llama.ts';
import { ropeFrequencies } from '../src/model/rope.ts';
import { gradientName } from '../src/tensor/gradient.ts';
import { append, appendAll } from '../src/tensor/ops.ts';
import { type DimSizes, type Program, ProgramBuilder, type Value } from '../src/tensor/program.ts';
import { dimSizes } from './evaluate-float64.ts';
import { tinyConfig } from './tiny-llama.ts';

/** One model of the golden file. */
export interface GoldenModel {
  readonly config: Pick<
    LlamaConfig,
    'vocab' | 'dim' | 'layers' | 'heads' | 'kvHeads' | 'headDim' | 'feedForward' | 'tiedEmbeddings'
  > & {
    readonly slidingWindow: number;
    readonly quantized: boolean;
    readonly lengths: readonly number[];
    readonly outputs: readonly number[];
    readonly lossWeights: readonly number[];
  };
  /** Before each step, and after the last. */
  readonly losses: readonly number[];
  readonly norms: readonly number[];
  /** Of the first step, by parameter. */
  readonly gradients: Readonly<Record<string, readonly number[]>>;
  /** Size of each parameter after the steps, and its product with a hashed direction. */
  readonly final: Readonly<Record<string, readonly [size: number, along: number]>>;
}

interface Golden {
  readonly settings: Readonly<
    Record<'rate' | 'beta1' | 'beta2' | 'eps' | 'decay' | 'maxNorm', number>
  >;
  readonly models: Readonly<Record<string, GoldenModel>>;
}

/** What PyTorch found. */
export const golden: Golden = JSON.parse(
  readFileSync(join(import.meta.dirname, 'golden', 'training', 'llama.json'), 'utf8'),
);

/** The golden model of a name. */
export function goldenModel(name: string): GoldenModel {
  return present(golden.models[name], name);
}

/** 32-bit words: the finaliser of MurmurHash3 over index and seed. */
export function hashes(count: number, seed: number): Uint32Array {
  return Uint32Array.from({ length: count }, (_, index) => {
    let x = (Math.imul(index, 2654435761) + seed * 40503 + 1) >>> 0;
    x = Math.imul(x ^ (x >>> 16), 0x85ebca6b) >>> 0;
    x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35) >>> 0;
    return x ^ (x >>> 16);
  });
}

/** In offset + scale · (−1, 1), exact in single precision. */
export function hashedNumbers(
  count: number,
  seed: number,
  scale: number,
  offset = 0,
): Float64Array {
  return Float64Array.from(hashes(count, seed), (x) => ((x >>> 12) / 2 ** 19 - 1) * scale + offset);
}

/** A tensor of the model, before any rounding. */
export interface ModelTensor {
  readonly shape: readonly number[];
  readonly values: Float64Array;
}

function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, each) => product * each, 1);
}

/** A golden model made ready: config, weights, inputs, and the names that are trained. */
export class TrainingModel {
  readonly config: LlamaConfig;
  /** By name; those of a golden model that is quantised are still to be rounded. */
  readonly weights: ReadonlyMap<string, ModelTensor>;
  readonly adapters: ReadonlyMap<string, ModelTensor>;
  /** Names of what is trained: adapters where there are some, else all weights. */
  readonly parameters: readonly string[];
  readonly inputs: Readonly<Record<string, Int32Array | Float64Array>>;
  readonly sizes: DimSizes;

  constructor({ config: given }: GoldenModel) {
    const { slidingWindow, quantized, lengths, outputs, lossWeights, ...shape } = given;
    this.config = tinyConfig({ ...shape, ...(slidingWindow > 0 ? { slidingWindow } : {}) });
    const weights = [...tensorShapes(this.config)].map(([name, dims], index) => {
      const [scale, offset] = dims.length === 1 ? [0.25, 1] : [0.5, 0];
      const values = hashedNumbers(sizeOf(dims), 100 + index, scale, offset);
      return [name, { shape: dims, values }] as const;
    });
    this.weights = new Map(weights);
    this.adapters = new Map(quantized ? makeAdapters(this.config) : []);
    this.parameters = [...(quantized ? this.adapters : this.weights).keys()];

    const rows = lengths.reduce((sum, length) => sum + length, 0);
    const firsts = lengths.map((_, i) => lengths.slice(0, i).reduce((sum, each) => sum + each, 0));
    const starts = lengths.flatMap((length, i) => Array<number>(length).fill(firsts[i] ?? 0));
    const targets = hashes(rows, 2).map((x) => x % given.vocab);
    this.sizes = dimSizes({ rows, outputs: outputs.length });
    this.inputs = {
      tokens: Int32Array.from(hashes(rows, 1), (x) => x % given.vocab),
      positions: Int32Array.from(starts, (start, row) => row - start),
      sequence: new Int32Array(rows),
      frequencies: Float64Array.from(ropeFrequencies(this.config, rows)),
      starts: Int32Array.from(starts),
      outputs: Int32Array.from(outputs),
      targets: Int32Array.from(outputs, (row) => targets[row] ?? 0),
      lossWeights: Float64Array.from(lossWeights),
    };
  }

  /** The loss as a program with an output `loss`; `taps` by name. */
  lossProgram(taps: ReadonlyMap<string, Tap> = new Map()): Program {
    const { config } = this;
    const builder = new ProgramBuilder('loss');
    const i32 = (name: string): Value => builder.input(name, 'i32', ['rows']);
    const hidden = forward(
      builder,
      config,
      {
        tokens: i32('tokens'),
        positions: i32('positions'),
        sequence: i32('sequence'),
        frequencies: builder.input('frequencies', 'f32', ['sequences', config.headDim / 2]),
        starts: i32('starts'),
      },
      { taps, linear: this.#linear },
    ); // [rows, dim]
    const index = builder.input('outputs', 'i32', ['outputs']);
    const logits = logitsHead(builder, config, append(builder, 'take_rows', [hidden, index]));
    const targets = builder.input('targets', 'i32', ['outputs']);
    const nll = append(builder, 'cross_entropy', [logits, targets]); // [outputs]
    const lossWeights = builder.input('lossWeights', 'f32', ['outputs']);
    builder.output('loss', append(builder, 'dot', [nll, lossWeights]));
    return builder.build();
  }

  readonly #linear: RecordLinear = (builder, x, name, n, k, plain) => {
    const adapter = (suffix: string): Value | undefined => {
      const tensor = this.adapters.get(`${name}.${suffix}`);
      return tensor && builder.weight(`${name}.${suffix}`, tensor.shape);
    };
    const [a, b, magnitude] = [adapter('lora_a'), adapter('lora_b'), adapter('magnitude')];
    if (a === undefined || b === undefined) return plain();
    const low = append(builder, 'matmul', [append(builder, 'matmul', [x, a]), b]);
    const y = append(builder, 'add', [plain(), append(builder, 'scale', [low], { factor: 2 })]);
    if (magnitude === undefined) return y;
    const weight = builder.weight(name, [n, k]);
    const norm = append(builder, 'lora_row_norm', [weight, b, a], { scale: 2 });
    const ratio = append(builder, 'mul', [magnitude, append(builder, 'reciprocal', [norm])]);
    return append(builder, 'mul', [y, ratio]);
  };

  /** The square of the gradients' norm, [1], from their states. */
  normProgram(): Program {
    const builder = new ProgramBuilder('norm');
    const squares = this.parameters.map((name) =>
      append(builder, 'sum_squares', [builder.state(gradientName(name), this.shapeOf(name))]),
    );
    builder.output(
      'squares',
      squares.reduce((a, b) => append(builder, 'add', [a, b])),
    );
    return builder.build();
  }

  /** One step of AdamW for every parameter: vectors do not decay. Zeroes the gradients. */
  updateProgram(): Program {
    const builder = new ProgramBuilder('update');
    const control = builder.input('control', 'f32', [6]);
    for (const name of this.parameters) {
      const shape = this.shapeOf(name);
      const states = [name, `m.${name}`, `v.${name}`, gradientName(name)].map((each) =>
        builder.state(each, shape),
      );
      const { beta1, beta2, eps, decay } = golden.settings;
      appendAll(builder, 'adamw', [...states, control], {
        beta1,
        beta2,
        eps,
        decay: shape.length === 1 ? 0 : decay,
      });
      appendAll(builder, 'zero', [states[3] as Value]);
    }
    return builder.build();
  }

  tensor(name: string): ModelTensor {
    return present(this.weights.get(name) ?? this.adapters.get(name), name);
  }

  shapeOf(name: string): readonly number[] {
    return this.tensor(name).shape;
  }
}

function makeAdapters(config: LlamaConfig): [string, ModelTensor][] {
  const shapes = tensorShapes(config);
  return Array.from({ length: config.layers }, (_, layer) => layer).flatMap((layer) =>
    [tensorNames.q, tensorNames.v, tensorNames.up, tensorNames.down].flatMap((nameOf, j) => {
      const [n = 0, k = 0] = shapes.get(nameOf(layer)) ?? [];
      const seed = 10 * layer + j;
      const make = (suffix: string, shape: number[], at: number, offset = 0) =>
        [
          `${nameOf(layer)}.${suffix}`,
          { shape, values: hashedNumbers(sizeOf(shape), at + seed, 0.25, offset) },
        ] satisfies [string, ModelTensor];
      const pair = [make('lora_a', [2, k], 500), make('lora_b', [n, 2], 600)];
      return j < 2 ? pair : [...pair, make('magnitude', [n], 700, 1)];
    }),
  );
}

/** AdamW's control input for step t, counted from 1, at a gradient norm. */
export function adamwControl(t: number, norm: number): number[] {
  const { rate, beta1, beta2, maxNorm } = golden.settings;
  // As torch.nn.utils.clip_grad_norm_ does.
  const scale = Math.min(1, maxNorm / (norm + 1e-6));
  return [rate, scale, 1 - beta1 ** t, 1 - beta2 ** t, 0, 0];
}
