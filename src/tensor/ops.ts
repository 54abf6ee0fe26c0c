// The op table. Adding an op is a row here, a conformance case, and a kernel where speed wants one.
// Kernels, shapes and gradients lie beside each other in ops/, by family.
import { present } from '../base/invariant.ts';
import { attention, cacheWrite, rope, ropeTable } from './ops/attention.ts';
import { add, addRmsNorm, mul, rmsNorm, scale, silu, sub, swiglu } from './ops/elementwise.ts';
import { embed, matmul, takeRows } from './ops/linear.ts';
import { adjustLogits, logSumExp, pick, topK } from './ops/logits.ts';
import type { Op } from './ops/op.ts';
import type { Attributes, ProgramBuilder, Value } from './program.ts';

/** Every op, in a fixed order. */
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
  'top_k',
  'log_sum_exp',
  'pick',
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
  top_k: topK,
  log_sum_exp: logSumExp,
  pick,
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
