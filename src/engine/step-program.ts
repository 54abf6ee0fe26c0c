// The program of a step: the model, its cache, and the row ops after the logits. Recorded once; each
// step runs the part of it that its rows ask for.
import type { LlamaConfig } from '../formats/llama-config.ts';
import { type ForwardOptions, forward, logitsHead } from '../model/llama.ts';
import { append, appendAll } from '../tensor/ops.ts';
import { type Program, ProgramBuilder, type Value } from '../tensor/program.ts';

/** Candidates the sampler sees of each row unless it asks for all. */
export const candidateCount = 256;

/** Most alternatives whose log-probabilities can be asked for. */
export const maxTopLogprobs = 32;

/** What of a step can be fetched, by what wants it. */
export const stepOutputs = {
  /** The likeliest token after adjustments. */
  greedy: ['mass', 'best.values', 'best.ids'],
  /** Candidates after adjustments and the whole row's mass at the row's temperature. */
  sample: ['mass', 'candidates.values', 'candidates.ids', 'candidates.mass'],
  /** The model's own distribution: before adjustments, at temperature 1. */
  logprobs: ['mass', 'top.values', 'top.ids'],
  /** The logit of each row's target, for scoring a given text. */
  score: ['mass', 'picked', 'top.values', 'top.ids'],
  /** The likeliest token and, read row by row, the logits of any tokens. */
  choices: ['mass', 'top.ids'],
  /** The last hidden state after the final norm. Such a row asks for nothing else: no logits are computed for it. */
  hidden: ['hidden'],
} as const;

/** Of these there is a second form, `masked.…`, computed after the mask of rows under a constraint. */
export const maskedOutputs: ReadonlySet<string> = new Set([
  'best.values',
  'best.ids',
  'candidates.values',
  'candidates.ids',
  'candidates.mass',
  'adjusted',
]);

/** A kind of thing rows may ask of a step. */
export type StepWish = keyof typeof stepOutputs;

/** Records the whole of it. The cache holds `slots` tokens in pages of `pageSize`. */
export function recordStep(
  config: LlamaConfig,
  cache: { readonly slots: number; readonly pageSize: number },
  options: Pick<ForwardOptions, 'taps' | 'linear'> = {},
): Program {
  const builder = new ProgramBuilder('step');
  const hidden = forward(
    builder,
    config,
    {
      tokens: builder.input('tokens', 'i32', ['rows']),
      positions: builder.input('positions', 'i32', ['rows']),
      sequence: builder.input('sequence', 'i32', ['rows']),
      frequencies: builder.input('frequencies', 'f32', ['sequences', config.headDim / 2]),
    },
    {
      cache: {
        ...cache,
        rowSlots: builder.input('slots', 'i32', ['rows']),
        pageTable: builder.input('pageTable', 'i32', ['sequences', 'pages']),
      },
      ...options,
    },
  ); // [rows, dim]
  builder.output('hidden', hidden);
  const wanted = append(builder, 'take_rows', [
    hidden,
    builder.input('outputs', 'i32', ['outputs']),
  ]);
  appendSampling(builder, config, logitsHead(builder, config, wanted));
  return builder.build();
}

/** Records the sorting of whole rows of logits, for the rare row whose candidates do not decide. */
export function recordRanking(vocab: number): Program {
  const builder = new ProgramBuilder('ranking');
  const logits = builder.input('logits', 'f32', ['outputs', vocab]);
  const [values, ids] = appendAll(builder, 'top_k', [logits], { k: vocab });
  builder.output('values', values as Value);
  builder.output('ids', ids as Value);
  return builder.build();
}

function appendSampling(builder: ProgramBuilder, config: LlamaConfig, logits: Value): void {
  const ones = builder.input('ones', 'f32', ['outputs']);
  const adjusted = append(builder, 'adjust_logits', [
    logits,
    builder.input('adjustments.where', 'i32', ['adjustments', 2]),
    builder.input('adjustments.how', 'f32', ['adjustments', 2]),
  ]); // [outputs, vocab]
  builder.output('logits', logits);
  const masked = append(builder, 'mask_logits', [
    adjusted,
    builder.input('mask', 'i32', ['outputs', Math.ceil(config.vocab / 32)]),
  ]); // [outputs, vocab]
  builder.output('mass', append(builder, 'log_sum_exp', [logits, ones])); // [outputs]
  const targets = builder.input('targets', 'i32', ['outputs']);
  builder.output('picked', append(builder, 'pick', [logits, targets])); // [outputs]
  appendTop(builder, 'top', logits, Math.min(maxTopLogprobs, config.vocab));
  const inverseTemperatures = builder.input('inverseTemperatures', 'f32', ['outputs']);
  for (const [prefix, final] of [['', adjusted] as const, ['masked.', masked] as const]) {
    builder.output(`${prefix}adjusted`, final);
    const mass = append(builder, 'log_sum_exp', [final, inverseTemperatures]); // [outputs]
    builder.output(`${prefix}candidates.mass`, mass);
    appendTop(builder, `${prefix}best`, final, 1);
    appendTop(builder, `${prefix}candidates`, final, Math.min(candidateCount, config.vocab));
  }
}

function appendTop(builder: ProgramBuilder, name: string, of: Value, k: number): void {
  const [values, ids] = appendAll(builder, 'top_k', [of], { k }); // [outputs, k] each
  builder.output(`${name}.values`, values as Value);
  builder.output(`${name}.ids`, ids as Value);
}
