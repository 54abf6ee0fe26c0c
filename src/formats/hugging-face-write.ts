// The JSON files of a Hugging Face folder for a config and a tokenizer of ours: what transformers
// reads, and what readHuggingFaceConfig reads back to the same config. Pure: writes no file.
import { errors } from '../base/errors.ts';
import type { Tokenizer } from '../tokenizer/index.ts';
import type { JsonVocabulary } from '../tokenizer/json-vocabulary.ts';
import type { GenerationDefaults } from './checkpoint.ts';
import type { LlamaConfig, RopeScaling } from './llama-config.ts';

type Json = Readonly<Record<string, unknown>>;

/** What config.json and generation_config.json say besides the shape. */
export interface ModelFacts {
  /** For messages. */
  readonly path: string;
  readonly dtype: 'f32' | 'f16' | 'bf16';
  readonly tokenizer: Tokenizer | undefined;
  readonly generation: GenerationDefaults;
}

/** Marks folders that Corral wrote and may therefore replace. */
export const madeByCorral = { key: 'made_by', value: 'corral' } as const;

const torchTypes = { f32: 'float32', f16: 'float16', bf16: 'bfloat16' } as const;

/** config.json. Throws FORMAT_UNSUPPORTED for a RoPE scaling that Hugging Face has no name for. */
export function makeHuggingFaceConfig(config: LlamaConfig, facts: ModelFacts): Json {
  const { tokenizer } = facts;
  const isMistral = config.slidingWindow !== undefined;
  const rope = describeRope(config, facts.path);
  return {
    architectures: [isMistral ? 'MistralForCausalLM' : 'LlamaForCausalLM'],
    model_type: isMistral ? 'mistral' : 'llama',
    vocab_size: config.vocab,
    hidden_size: config.dim,
    intermediate_size: config.feedForward,
    num_hidden_layers: config.layers,
    num_attention_heads: config.heads,
    num_key_value_heads: config.kvHeads,
    head_dim: config.headDim,
    hidden_act: 'silu',
    max_position_embeddings: rope.maxPositions,
    rms_norm_eps: config.normEps,
    rope_theta: rope.theta,
    rope_scaling: rope.scaling,
    ...(isMistral ? { sliding_window: config.slidingWindow } : {}),
    attention_bias: false,
    mlp_bias: false,
    tie_word_embeddings: config.tiedEmbeddings,
    torch_dtype: torchTypes[facts.dtype],
    ...idField('bos_token_id', tokenizer?.bos === undefined ? [] : [tokenizer.bos]),
    ...idField('eos_token_id', endTokens(facts)),
    ...idField('pad_token_id', padTokens(tokenizer)),
    use_cache: true,
    [madeByCorral.key]: madeByCorral.value,
  };
}

/** generation_config.json. */
export function makeGenerationConfig(facts: ModelFacts): Json {
  const { temperature, topP, topK, repetitionPenalty } = facts.generation;
  const samples = temperature !== undefined || topP !== undefined || topK !== undefined;
  const { tokenizer } = facts;
  return {
    ...idField('bos_token_id', tokenizer?.bos === undefined ? [] : [tokenizer.bos]),
    ...idField('eos_token_id', endTokens(facts)),
    ...(samples ? { do_sample: true } : {}),
    ...(temperature === undefined ? {} : { temperature }),
    ...(topP === undefined ? {} : { top_p: topP }),
    ...(topK === undefined ? {} : { top_k: topK }),
    ...(repetitionPenalty === undefined ? {} : { repetition_penalty: repetitionPenalty }),
  };
}

/** tokenizer_config.json. */
export function makeTokenizerConfig(
  tokenizer: Tokenizer,
  {
    chatTemplate,
    context,
  }: { readonly chatTemplate: string | undefined; readonly context: number },
): Json {
  const piece = (id: number | undefined): string | null =>
    id === undefined ? null : tokenizer.piece(id);
  const isSentencePiece = tokenizer.kind === 'sentencepiece';
  return {
    tokenizer_class: isSentencePiece ? 'LlamaTokenizer' : 'PreTrainedTokenizerFast',
    bos_token: piece(tokenizer.bos),
    eos_token: piece(tokenizer.eos),
    unk_token: piece(tokenizer.unknown),
    pad_token: piece(tokenizer.pad),
    add_bos_token: tokenizer.addsBos,
    add_eos_token: false,
    // Not the old handling of spaces after control tokens, which differs from SentencePiece.
    ...(isSentencePiece ? { legacy: false } : {}),
    clean_up_tokenization_spaces: false,
    model_max_length: context,
    ...(chatTemplate === undefined ? {} : { chat_template: chatTemplate }),
  };
}

/** tokenizer.json of a byte-level tokenizer that came without one, as those of a GGUF do. */
export function makeTokenizerJson({ file, added, pieces, bos, addsBos }: JsonVocabulary): Json {
  const bosPiece = bos === undefined ? undefined : pieces[bos];
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: Array.from(added.values(), ({ id, content, special, lstrip, rstrip }) => ({
      id,
      content,
      single_word: false,
      lstrip,
      rstrip,
      normalized: false,
      special,
    })),
    normalizer: file.normalizer ?? null,
    pre_tokenizer: file.pre_tokenizer ?? null,
    post_processor: file.post_processor ?? (addsBos ? startWith(bosPiece, bos) : null),
    decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: { ...file.model, type: 'BPE' },
  };
}

function startWith(piece: string | undefined, id: number | undefined): Json | null {
  if (piece === undefined) return null;
  const special = { SpecialToken: { id: piece, type_id: 0 } };
  const text = (name: string, type: number): Json => ({ Sequence: { id: name, type_id: type } });
  return {
    type: 'TemplateProcessing',
    single: [special, text('A', 0)],
    pair: [special, text('A', 0), special, text('B', 1)],
    special_tokens: { [piece]: { id: piece, ids: [id], tokens: [piece] } },
  };
}

function endTokens({ generation, tokenizer }: ModelFacts): readonly number[] {
  if (generation.endTokens.length > 0) return generation.endTokens;
  return tokenizer?.eos === undefined ? [] : [tokenizer.eos];
}

function padTokens(tokenizer: Tokenizer | undefined): readonly number[] {
  return tokenizer?.pad === undefined ? [] : [tokenizer.pad];
}

function idField(name: string, ids: readonly number[]): Json {
  if (ids.length === 0) return {};
  return { [name]: ids.length === 1 ? ids[0] : ids };
}

interface RopeDescription {
  readonly theta: number;
  readonly maxPositions: number;
  readonly scaling: Json | null;
}

function describeRope(config: LlamaConfig, path: string): RopeDescription {
  const { ropeScaling: scaling, ropeTheta: theta, context, headDim } = config;
  // Older releases of transformers read `type`, newer ones `rope_type`.
  const named = (kind: string, fields: Json): RopeDescription => ({
    theta,
    maxPositions: context,
    scaling: { rope_type: kind, type: kind, ...fields },
  });
  switch (scaling.kind) {
    case 'none':
      return { theta, maxPositions: context, scaling: null };
    case 'ntk': {
      const scaled = theta * scaling.factor ** (headDim / (headDim - 2));
      return { theta: scaled, maxPositions: context, scaling: null };
    }
    case 'linear':
      return named('linear', { factor: scaling.factor });
    case 'dynamic': {
      const { factor, originalContext } = scaling;
      // Older releases take max_position_embeddings for the original length.
      if (Math.floor(originalContext * factor) === context) {
        return { ...named('dynamic', { factor }), maxPositions: originalContext };
      }
      return named('dynamic', { factor, original_max_position_embeddings: originalContext });
    }
    case 'yarn':
      return named('yarn', {
        factor: scaling.factor,
        original_max_position_embeddings: scaling.originalContext,
        beta_fast: scaling.betaFast,
        beta_slow: scaling.betaSlow,
        ...(scaling.attentionFactor === undefined
          ? {}
          : { attention_factor: scaling.attentionFactor }),
      });
    case 'llama3':
      return named('llama3', llama3Fields(scaling));
    case 'factors': {
      const found = recogniseLlama3(scaling.factors, config);
      if (found !== undefined) return named('llama3', llama3Fields(found));
      throw errors.FORMAT_UNSUPPORTED({
        path,
        feature: 'RoPE factors of no known formula (rope_freqs.weight)',
        allowed: "Llama 3's factors in a safetensors folder; or write a GGUF",
      });
    }
  }
}

type Llama3Scaling = Extract<RopeScaling, { kind: 'llama3' }>;

function llama3Fields(scaling: Llama3Scaling): Json {
  return {
    factor: scaling.factor,
    low_freq_factor: scaling.lowFrequencyFactor,
    high_freq_factor: scaling.highFrequencyFactor,
    original_max_position_embeddings: scaling.originalContext,
  };
}

/** Llama 3's numbers, if these factors (f32 in a GGUF) are what they give for this head. */
function recogniseLlama3(
  factors: readonly number[],
  config: LlamaConfig,
): Llama3Scaling | undefined {
  const factor = Math.max(...factors);
  const scaling: Llama3Scaling = {
    kind: 'llama3',
    factor,
    lowFrequencyFactor: 1,
    highFrequencyFactor: 4,
    originalContext: 8192,
  };
  const matches = factors.every((found, i) => {
    const expected = llama3Factor(
      2 * Math.PI * config.ropeTheta ** ((2 * i) / config.headDim),
      scaling,
    );
    return Math.abs(found - expected) <= 1e-5 * expected;
  });
  return matches && factor > 1 ? scaling : undefined;
}

/** What Llama 3.1 divides the frequency of a wavelength by: 1 for short ones, `factor` for long ones. */
export function llama3Factor(wavelength: number, scaling: Llama3Scaling): number {
  const { factor, lowFrequencyFactor: low, highFrequencyFactor: high, originalContext } = scaling;
  if (wavelength < originalContext / high) return 1;
  if (wavelength > originalContext / low) return factor;
  const smooth = (originalContext / wavelength - low) / (high - low);
  return 1 / ((1 - smooth) / factor + smooth);
}
