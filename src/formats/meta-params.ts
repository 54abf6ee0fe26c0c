// Meta's params.json: what it says, what follows from it, and what only the tensors can tell.
// Believes the file where it speaks: Llama 2 7B was first released with norm_eps 1e-6, later 1e-5.
import * as z from 'zod';
import { checkJson } from '../base/check-json.ts';
import { errors } from '../base/errors.ts';
import { layersField, positiveField, sizeField } from './json-file.ts';
import type { LlamaConfig, RopeScaling } from './llama-config.ts';

const paramsSchema = z.looseObject({
  dim: sizeField.nullish(),
  n_layers: layersField.nullish(),
  n_heads: sizeField,
  n_kv_heads: sizeField.nullish(),
  // -1: as many as the tokenizer has
  vocab_size: z
    .number()
    .int()
    .min(-1)
    .max(2 ** 24)
    .nullish(),
  multiple_of: sizeField.nullish(),
  ffn_dim_multiplier: positiveField.nullish(),
  norm_eps: positiveField.nullish(),
  rope_theta: positiveField.nullish(),
  use_scaled_rope: z.boolean().nullish(),
  rope_scaling_factor: positiveField.nullish(),
  rope_high_freq_factor: positiveField.nullish(),
  max_seq_len: sizeField.nullish(),
});

/** params.json after checking. */
export interface MetaParams {
  readonly dim?: number | null | undefined;
  readonly n_layers?: number | null | undefined;
  readonly n_heads: number;
  readonly n_kv_heads?: number | null | undefined;
  readonly vocab_size?: number | null | undefined;
  readonly multiple_of?: number | null | undefined;
  readonly ffn_dim_multiplier?: number | null | undefined;
  readonly norm_eps?: number | null | undefined;
  readonly rope_theta?: number | null | undefined;
  readonly use_scaled_rope?: boolean | null | undefined;
  readonly rope_scaling_factor?: number | null | undefined;
  readonly rope_high_freq_factor?: number | null | undefined;
  readonly max_seq_len?: number | null | undefined;
}

/** Throws CONFIG_INVALID. */
export function readMetaParams(json: unknown, path: string): MetaParams {
  return checkJson(paramsSchema, json, path);
}

/** Sizes the tensors show. */
export interface TensorSizes {
  readonly vocab: number;
  readonly dim: number;
  readonly layers: number;
  readonly feedForward: number;
  readonly tied: boolean;
}

/** The config that params and tensors agree on. Throws CONFIG_INVALID where they do not. */
export function configOfParams(params: MetaParams, sizes: TensorSizes, path: string): LlamaConfig {
  const { vocab, dim, layers, feedForward, tied } = sizes;
  const invalid = (field: string, expected: string | number, found: number): Error =>
    errors.CONFIG_INVALID({ path, field, expected: `${expected}`, found: `${found}` });
  const agree = (field: string, said: number | null | undefined, shown: number): void => {
    if (said != null && said !== shown) throw invalid(field, `${shown}, as in the tensors`, said);
  };
  agree('dim', params.dim, dim);
  agree('n_layers', params.n_layers, layers);
  agree('vocab_size', params.vocab_size === -1 ? undefined : params.vocab_size, vocab);
  if (params.multiple_of != null) {
    const expected = feedForwardOf(dim, params.multiple_of, params.ffn_dim_multiplier ?? undefined);
    if (expected !== feedForward) {
      const field = 'multiple_of and ffn_dim_multiplier';
      throw invalid(field, `such that the hidden size is ${feedForward}`, expected);
    }
  }
  const heads = params.n_heads;
  const kvHeads = params.n_kv_heads ?? heads;
  const headDim = dim / heads;
  if (!Number.isInteger(headDim / 2))
    throw invalid('n_heads', `a divisor of ${dim} into even parts`, heads);
  if (heads % kvHeads !== 0) throw invalid('n_kv_heads', `a divisor of ${heads} heads`, kvHeads);
  return {
    vocab,
    dim,
    layers,
    heads,
    kvHeads,
    headDim,
    feedForward,
    normEps: params.norm_eps ?? 1e-5,
    ropeTheta: params.rope_theta ?? 10000,
    ropeScaling: ropeScalingOf(params, dim),
    context: params.max_seq_len ?? contextOf(params),
    tiedEmbeddings: tied,
  };
}

/** Llama's hidden size: two thirds of 4 dim, perhaps times a factor, rounded up. */
export function feedForwardOf(dim: number, multipleOf: number, multiplier?: number): number {
  let hidden = Math.trunc((2 * (4 * dim)) / 3);
  if (multiplier !== undefined) hidden = Math.trunc(multiplier * hidden);
  return multipleOf * Math.ceil(hidden / multipleOf);
}

// The file says only "scaled". Llama 3.1 has factor 8; the small 3.2 models (dim 2048 and 3072) have 32.
function ropeScalingOf(params: MetaParams, dim: number): RopeScaling {
  if (params.use_scaled_rope !== true) return { kind: 'none' };
  return {
    kind: 'llama3',
    factor: params.rope_scaling_factor ?? (dim < 4096 ? 32 : 8),
    lowFrequencyFactor: 1,
    highFrequencyFactor: params.rope_high_freq_factor ?? 4,
    originalContext: 8192,
  };
}

// The file does not say it; theta and epsilon tell the families apart: Llama 3.1+, 3, Code Llama, 2, 1.
function contextOf({ use_scaled_rope, rope_theta, norm_eps }: MetaParams): number {
  if (use_scaled_rope === true) return 131072;
  if (rope_theta === 500000) return 8192;
  if (rope_theta === 1000000) return 16384;
  return norm_eps === 1e-6 ? 2048 : 4096;
}
