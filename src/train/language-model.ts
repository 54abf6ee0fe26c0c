// The loss of a language model as a program, and batches as its inputs: rows of packed sequences, no
// cache, the mean negative log-likelihood of the tokens to be learned. Knows no device.
import { philox } from '../base/random.ts';
import { tensorNames } from '../formats/checkpoint.ts';
import type { LlamaConfig } from '../formats/llama-config.ts';
import { type ForwardOptions, forward, type Tap } from '../model/llama.ts';
import { ropeFrequencies } from '../model/rope.ts';
import { append, appendAll } from '../tensor/ops.ts';
import { type DimSizes, type Program, ProgramBuilder, type Value } from '../tensor/program.ts';
import type { Batch } from './batch.ts';

// Apart from the draws of sampling (0), dropout itself (1) and initial weights (2 and 3).
const dropoutPurpose = 4;

/** Name of the input that decides which elements dropout leaves out, i32 [2]. */
export const dropoutSeed = 'dropoutSeed';

/** One run of a loss program. */
export interface Pass {
  readonly inputs: Readonly<Record<string, Float32Array | Int32Array>>;
  readonly sizes: DimSizes;
}

/** A loss program, and the values between which a backward pass may compute again. */
export interface LossProgram {
  readonly program: Program;
  /** Ids of the residual stream at the start of each block. */
  readonly boundaries: readonly number[];
}

/**
 * Records the loss. Outputs: `nll` [outputs], the negative log-likelihood of each target in nats, and
 * `loss` [1], their sum weighted by the input `lossWeights` [outputs].
 */
export function recordLanguageModel(
  config: LlamaConfig,
  options: Pick<ForwardOptions, 'linear'> = {},
): LossProgram {
  const builder = new ProgramBuilder('language model');
  const boundaries: number[] = [];
  const note: Tap = (_, value) => {
    boundaries.push(value.id);
    return value;
  };
  const taps = new Map(
    Array.from({ length: config.layers }, (_, layer) => [`blocks.${layer}.hook_resid_pre`, note]),
  );
  const hidden = forward(
    builder,
    config,
    {
      tokens: builder.input('tokens', 'i32', ['rows']),
      positions: builder.input('positions', 'i32', ['rows']),
      sequence: builder.input('sequence', 'i32', ['rows']),
      frequencies: builder.input('frequencies', 'f32', ['sequences', config.headDim / 2]),
      starts: builder.input('starts', 'i32', ['rows']),
    },
    { ...options, taps },
  ); // [rows, dim]
  const wanted = append(builder, 'take_rows', [
    hidden,
    builder.input('outputs', 'i32', ['outputs']),
  ]); // [outputs, dim]
  const head = config.tiedEmbeddings ? tensorNames.embedding : tensorNames.output;
  const [nll] = appendAll(builder, 'linear_cross_entropy', [
    wanted,
    builder.weight(head, [config.vocab, config.dim]),
    builder.input('targets', 'i32', ['outputs']),
  ]) as readonly [Value];
  builder.output('nll', nll);
  const weights = builder.input('lossWeights', 'f32', ['outputs']);
  builder.output('loss', append(builder, 'dot', [nll, weights]));
  return { program: builder.build(), boundaries };
}

/** The targets of some batches together. */
export function countTargets(batches: readonly Batch[]): number {
  return batches.reduce((total, { targets }) => total + targets.length, 0);
}

/** The tokens of some batches together. */
export function countRows(batches: readonly Batch[]): number {
  return batches.reduce((total, { tokens }) => total + tokens.length, 0);
}

/** What turns batches into passes of one model's loss program. */
export class BatchEncoder {
  readonly #frequencies: Float32Array;

  constructor(config: LlamaConfig, context: number) {
    this.#frequencies = ropeFrequencies(config, context);
  }

  /** `lossWeight` is what each target counts; 1 / (targets of the whole step) makes `loss` their mean. */
  encode(batch: Batch, options: { readonly lossWeight: number; readonly seed?: Int32Array }): Pass {
    const rows = batch.tokens.length;
    const outputs = batch.targets.length;
    const { tokens, positions, starts, targets } = batch;
    return {
      inputs: {
        tokens,
        positions,
        starts,
        targets,
        outputs: batch.outputs,
        // All sequences of a batch turn by the same angles.
        sequence: new Int32Array(rows),
        frequencies: this.#frequencies,
        lossWeights: new Float32Array(outputs).fill(options.lossWeight),
        ...(options.seed === undefined ? {} : { [dropoutSeed]: options.seed }),
      },
      sizes: { rows, outputs, sequences: 1, pages: 0, adjustments: 0 },
    };
  }
}

/** The dropout seed of one pass: a function of the run's seed, the step and the batch within it. */
export function dropoutSeedOf(seed: number, step: number, batch: number): Int32Array {
  const key = [seed >>> 0, Math.floor(seed / 2 ** 32) >>> 0] as const;
  return Int32Array.from(philox([step, batch, 0, dropoutPurpose], key).slice(0, 2));
}
