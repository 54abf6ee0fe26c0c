// The op table. Adding an op is a row here, a conformance case, and a kernel where speed wants one.
// Kernels, shapes and gradients lie beside each other in ops/, by family.
import { present } from '../base/invariant.ts';
import { attention, cacheWrite, rope, ropeInverse, ropeTable } from './ops/attention.ts';
import { dropout } from './ops/dropout.ts';
import {
  add,
  maximum,
  minimum,
  mul,
  notAbove,
  notBelow,
  siluGradient,
  sub,
  swiglu,
  swigluGradient,
} from './ops/elementwise.ts';
import {
  clip,
  exp,
  fill,
  inside,
  log,
  logSigmoid,
  reciprocal,
  scale,
  silu,
  sqrt,
  square,
} from './ops/functions.ts';
import {
  embed,
  loraRowNorm,
  matmul,
  matmulTransposed,
  outerSum,
  outerSumInto,
  takeRows,
} from './ops/linear.ts';
import {
  adjustLogits,
  logSumExp,
  logSumExpGradient,
  maskLogits,
  pick,
  pickGradient,
  topK,
} from './ops/logits.ts';
import { loraAdd } from './ops/lora-add.ts';
import {
  crossEntropy,
  crossEntropyGradient,
  linearCrossEntropy,
  linearCrossEntropyGradient,
} from './ops/losses.ts';
import { addRmsNorm, rmsNorm, rmsNormGradient } from './ops/norm.ts';
import type { Op } from './ops/op.ts';
import { accumulate, adamw, ema, sumSquares, zero } from './ops/optimizer.ts';
import {
  broadcast,
  dot,
  mean,
  segmentSum,
  sum,
  sumRows,
  whiten,
  whitenGradient,
} from './ops/reductions.ts';
import { selfAttention, selfAttentionGradient } from './ops/self-attention.ts';
import type { Attributes, ProgramBuilder, Value } from './program.ts';

/** Every op, in a fixed order: inference, losses, their gradients, and what changes buffers in place. */
export const opNames = [
  'embed',
  'matmul',
  'take_rows',
  'add',
  'sub',
  'mul',
  'scale',
  'silu',
  'swiglu',
  'rms_norm',
  'add_rms_norm',
  'rope_table',
  'rope',
  'cache_write',
  'attention',
  'adjust_logits',
  'mask_logits',
  'top_k',
  'log_sum_exp',
  'pick',
  'self_attention',
  'cross_entropy',
  'linear_cross_entropy',
  'dot',
  'sum',
  'mean',
  'sum_rows',
  'broadcast',
  'fill',
  'segment_sum',
  'exp',
  'log',
  'log_sigmoid',
  'square',
  'sqrt',
  'reciprocal',
  'clip',
  'inside',
  'minimum',
  'maximum',
  'not_above',
  'not_below',
  'whiten',
  'dropout',
  'lora_row_norm',
  'lora_add',
  'matmul_transposed',
  'outer_sum',
  'outer_sum_into',
  'rms_norm_gradient',
  'rope_inverse',
  'silu_gradient',
  'swiglu_gradient',
  'self_attention_gradient',
  'cross_entropy_gradient',
  'linear_cross_entropy_gradient',
  'log_sum_exp_gradient',
  'pick_gradient',
  'whiten_gradient',
  'accumulate',
  'zero',
  'sum_squares',
  'adamw',
  'ema',
] as const;

/** Name of an op. */
export type OpName = (typeof opNames)[number];

/** The table. */
export const ops: Readonly<Record<OpName, Op>> = {
  embed,
  matmul,
  take_rows: takeRows,
  add,
  sub,
  mul,
  scale,
  silu,
  swiglu,
  rms_norm: rmsNorm,
  add_rms_norm: addRmsNorm,
  rope_table: ropeTable,
  rope,
  cache_write: cacheWrite,
  attention,
  adjust_logits: adjustLogits,
  mask_logits: maskLogits,
  top_k: topK,
  log_sum_exp: logSumExp,
  pick,
  self_attention: selfAttention,
  cross_entropy: crossEntropy,
  linear_cross_entropy: linearCrossEntropy,
  dot,
  sum,
  mean,
  sum_rows: sumRows,
  broadcast,
  fill,
  segment_sum: segmentSum,
  exp,
  log,
  log_sigmoid: logSigmoid,
  square,
  sqrt,
  reciprocal,
  clip,
  inside,
  minimum,
  maximum,
  not_above: notAbove,
  not_below: notBelow,
  whiten,
  dropout,
  lora_row_norm: loraRowNorm,
  lora_add: loraAdd,
  matmul_transposed: matmulTransposed,
  outer_sum: outerSum,
  outer_sum_into: outerSumInto,
  rms_norm_gradient: rmsNormGradient,
  rope_inverse: ropeInverse,
  silu_gradient: siluGradient,
  swiglu_gradient: swigluGradient,
  self_attention_gradient: selfAttentionGradient,
  cross_entropy_gradient: crossEntropyGradient,
  linear_cross_entropy_gradient: linearCrossEntropyGradient,
  log_sum_exp_gradient: logSumExpGradient,
  pick_gradient: pickGradient,
  whiten_gradient: whitenGradient,
  accumulate,
  zero,
  sum_squares: sumSquares,
  adamw,
  ema,
};

/** Records an op with one or more outputs. */
export function appendAll(
  builder: ProgramBuilder,
  op: OpName,
  inputs: readonly Value[],
  attributes: Attributes = {},
): readonly Value[] {
  return builder.record(op, ops[op].shape, inputs, attributes);
}

/**
 * Records an op with one output.
 * @example const hidden = append(builder, 'matmul', [x, weight]); // [rows, n]
 */
export function append(
  builder: ProgramBuilder,
  op: OpName,
  inputs: readonly Value[],
  attributes: Attributes = {},
): Value {
  return present(appendAll(builder, op, inputs, attributes)[0], `output of ${op}`);
}
