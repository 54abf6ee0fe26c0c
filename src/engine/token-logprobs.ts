// Log-probabilities out of a step's results: of a token and of its likeliest alternatives.
import type { TokenId } from '../tokenizer/tokenizer.ts';
import type { StepResult } from './step.ts';

/** A token's log-probability under the model, before penalties and at temperature 1. */
export interface TokenLogprob {
  readonly id: TokenId;
  readonly logprob: number;
}

/** A token with its log-probability and the likeliest in its place, itself perhaps among them. */
export interface TokenWithAlternatives extends TokenLogprob {
  readonly topLogprobs: readonly TokenLogprob[];
}

/** The log-probability of `id` in a row that asked for `logprobs`, and of the `count` likeliest tokens. */
export async function readLogprobs(
  result: StepResult,
  row: number,
  { id, count }: { readonly id: TokenId; readonly count: number },
): Promise<TokenWithAlternatives> {
  const top = readTop(result, row);
  const listed = top.find((entry) => entry.id === id)?.logprob;
  const logprob = listed ?? ((await result.logits(row))[id] as number) - massOf(result, row);
  return { id, logprob, topLogprobs: top.slice(0, count) };
}

/** The same of a row that asked for `score`, whose target is `id`. */
export function readTargetLogprobs(
  result: StepResult,
  row: number,
  { id, count }: { readonly id: TokenId; readonly count: number },
): TokenWithAlternatives {
  const logprob = (result.row('picked', row)[0] as number) - massOf(result, row);
  return { id, logprob, topLogprobs: readTop(result, row).slice(0, count) };
}

function readTop(result: StepResult, row: number): TokenLogprob[] {
  const ids = result.row('top.ids', row) as Int32Array;
  const values = result.row('top.values', row) as Float32Array;
  const mass = massOf(result, row);
  return Array.from(ids, (id, rank) => ({ id, logprob: (values[rank] as number) - mass }));
}

function massOf(result: StepResult, row: number): number {
  return result.row('mass', row)[0] as number;
}
