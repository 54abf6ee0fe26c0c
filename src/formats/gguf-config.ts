// The shape of a Llama from the `llama.*` metadata of a GGUF, with the defaults llama.cpp gives them.
// What would make another model of it (experts, partial rotation, other architectures) is refused.
import { errors } from '../base/errors.ts';
import type { GgufMetadata } from './gguf-metadata.ts';
import type { LlamaConfig, RopeScaling } from './llama-config.ts';

// Far beyond any Llama (405B: 126 layers, dim 16384), and small enough that products of two stay exact
// and the list of a model's tensors stays short.
const MAX_LAYERS = 4096;
const MAX_SIZE = 2 ** 24;
const MAX_CONTEXT = 2 ** 31 - 1;

/** What the tensors of the file say. */
export interface GgufTensorFacts {
  readonly path: string;
  readonly hasOutput: boolean;
  /** Rows of the embedding, if it is there. */
  readonly embeddingRows: number | undefined;
  /** Contents of rope_freqs.weight, if it is there. */
  readonly ropeFactors: readonly number[] | undefined;
}

/** Throws CONFIG_INVALID naming the key, or FORMAT_UNSUPPORTED. */
export function readLlamaConfig(metadata: GgufMetadata, facts: GgufTensorFacts): LlamaConfig {
  const { path } = facts;
  const architecture = metadata.string('general.architecture');
  if (architecture !== 'llama') {
    throw errors.FORMAT_UNSUPPORTED({
      path,
      feature: `the architecture ${architecture ?? '(none named)'}`,
      allowed: 'llama (Llama 1 to 3, Code Llama, TinyLlama, Mistral 7B)',
    });
  }
  const size = (key: string, max: number = MAX_SIZE): number | undefined =>
    metadata.integer(`llama.${key}`, { min: 1, max });
  const needed = (key: string, max?: number): number => {
    const value = size(key, max);
    if (value === undefined) throw metadata.invalid(`llama.${key}`, 'a whole number', 'nothing');
    return value;
  };
  const experts = metadata.number('llama.expert_count') ?? 0;
  if (experts > 0) throw unsupported(path, `${experts} experts`, 'dense Llamas');
  const dim = needed('embedding_length');
  const heads = needed('attention.head_count');
  const kvHeads = size('attention.head_count_kv') ?? heads;
  if (heads % kvHeads !== 0) {
    throw metadata.invalid('llama.attention.head_count_kv', `a divisor of ${heads}`, `${kvHeads}`);
  }
  const headDim = readHeadDim(metadata, { dim, heads, path, size });
  const normEps = metadata.number('llama.attention.layer_norm_rms_epsilon') ?? 1e-5;
  if (!(normEps >= 0 && normEps < 1)) {
    throw metadata.invalid('llama.attention.layer_norm_rms_epsilon', 'from 0 to 1', `${normEps}`);
  }
  const ropeTheta = metadata.number('llama.rope.freq_base') ?? 10000;
  if (!(ropeTheta > 0)) throw metadata.invalid('llama.rope.freq_base', 'above 0', `${ropeTheta}`);
  const context = needed('context_length', MAX_CONTEXT);
  const slidingWindow = metadata.integer('llama.attention.sliding_window', {
    min: 0,
    max: MAX_CONTEXT,
  });
  const vocab =
    size('vocab_size') ?? metadata.listLength('tokenizer.ggml.tokens') ?? facts.embeddingRows;
  if (!vocab) throw metadata.invalid('llama.vocab_size', 'a whole number', 'nothing');
  return {
    vocab,
    dim,
    layers: needed('block_count', MAX_LAYERS),
    heads,
    kvHeads,
    headDim,
    feedForward: needed('feed_forward_length'),
    normEps: shortest(normEps),
    ropeTheta: shortest(ropeTheta),
    ropeScaling: readRopeScaling(metadata, { context, headDim, factors: facts.ropeFactors, path }),
    context,
    ...(slidingWindow ? { slidingWindow } : {}),
    tiedEmbeddings: !facts.hasOutput,
  };
}

function readHeadDim(
  metadata: GgufMetadata,
  shape: { dim: number; heads: number; path: string; size: (key: string) => number | undefined },
): number {
  const { dim, heads, path, size } = shape;
  const headDim = size('attention.key_length') ?? dim / heads;
  if (!Number.isInteger(headDim) || headDim % 2 !== 0) {
    throw metadata.invalid(
      'llama.attention.head_count',
      `heads of an even whole size in ${dim}`,
      `${heads}`,
    );
  }
  const values = size('attention.value_length') ?? headDim;
  if (values !== headDim) {
    throw unsupported(path, `keys of ${headDim} and values of ${values}`, 'equal lengths');
  }
  const rotated = size('rope.dimension_count') ?? headDim;
  if (rotated !== headDim) {
    throw unsupported(path, `rotation of ${rotated} of ${headDim} values`, 'all of a head');
  }
  return headDim;
}

function readRopeScaling(
  metadata: GgufMetadata,
  model: {
    context: number;
    headDim: number;
    factors: readonly number[] | undefined;
    path: string;
  },
): RopeScaling {
  const positive = (key: string): number | undefined => {
    const value = metadata.number(key);
    if (value !== undefined && value < 0) throw metadata.invalid(key, 'at least 0', `${value}`);
    return value === 0 ? undefined : value;
  };
  const { factors } = model;
  const scale = 'llama.rope.scaling';
  const factor = positive(`${scale}.factor`) ?? positive('llama.rope.scale_linear') ?? 1;
  // llama.cpp takes a factor without a type as linear.
  const type = metadata.string(`${scale}.type`) ?? 'linear';
  if (!['none', 'linear', 'yarn'].includes(type)) {
    throw unsupported(model.path, `RoPE scaling ${type}`, 'none, linear, yarn, rope_freqs.weight');
  }
  const isScaled = type !== 'none' && factor !== 1;
  if (factors?.some((value) => value !== 1)) {
    if (isScaled) {
      throw unsupported(model.path, `${type} scaling beside rope_freqs.weight`, 'one of the two');
    }
    return { kind: 'factors', factors };
  }
  if (!isScaled) return { kind: 'none' };
  if (type === 'linear') return { kind: 'linear', factor };
  const own = positive(`${scale}.attn_factor`);
  return {
    kind: 'yarn',
    factor,
    originalContext:
      metadata.integer(`${scale}.original_context_length`, { min: 1, max: MAX_CONTEXT }) ??
      model.context,
    betaFast: positive(`${scale}.yarn_beta_fast`) ?? 32,
    betaSlow: positive(`${scale}.yarn_beta_slow`) ?? 1,
    // llama.cpp multiplies attn_factor onto the paper's own factor.
    ...(own === undefined || own === 1
      ? {}
      : { attentionFactor: own * (factor > 1 ? 0.1 * Math.log(factor) + 1 : 1) }),
  };
}

// The file has single precision: where it holds 0.000009999999747378752, 0.00001 was meant.
function shortest(value: number): number {
  for (let digits = 6; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === Math.fround(value)) return short;
  }
  return value;
}

function unsupported(path: string, feature: string, allowed: string): Error {
  return errors.FORMAT_UNSUPPORTED({ path, feature, allowed });
}
