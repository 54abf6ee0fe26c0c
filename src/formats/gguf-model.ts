// What a Llama becomes in a GGUF: the metadata llama.cpp reads, and the tensor that holds RoPE
// scaling factors. The inverse of gguf-config.ts. Knows nothing of files.
import { errors } from '../base/errors.ts';
import { ggufFieldsOf } from '../tokenizer/gguf-fields.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import { arrayField, type GgufField, type GgufItem, type GgufType } from './gguf-values.ts';
import type { GgufTensorToWrite } from './gguf-write.ts';
import type { LlamaConfig } from './llama-config.ts';

/** What goes into the metadata. */
export interface GgufModel {
  readonly config: LlamaConfig;
  readonly name: string;
  /** llama.cpp's number of the quantisation (`general.file_type`). */
  readonly fileType: number;
  readonly tokenizer?: Tokenizer | undefined;
  readonly chatTemplate?: string | undefined;
  /** Ids that end an answer; the tokenizer's end-of-sequence token always does. */
  readonly endTokens?: readonly number[] | undefined;
  readonly licence?: string | undefined;
}

/**
 * The metadata of a Llama, in llama.cpp's keys. Throws FORMAT_UNSUPPORTED for what they cannot say
 * (dynamic NTK scaling, some tokenizers) and CONFIG_INVALID for a tokenizer larger than the vocabulary.
 */
export function ggufMetadata(model: GgufModel): Map<string, GgufField> {
  const { config, name, fileType, tokenizer, chatTemplate, licence } = model;
  const fields = new Map<string, GgufField>();
  const put = (key: string, type: GgufType, value: GgufItem | undefined): void => {
    if (value !== undefined) fields.set(key, { type, value });
  };
  put('general.architecture', 'string', 'llama');
  put('general.name', 'string', name);
  put('general.license', 'string', licence);
  put('general.file_type', 'u32', fileType);
  put('general.quantization_version', 'u32', 2);
  put('llama.vocab_size', 'u32', config.vocab);
  put('llama.context_length', 'u32', config.context);
  put('llama.embedding_length', 'u32', config.dim);
  put('llama.block_count', 'u32', config.layers);
  put('llama.feed_forward_length', 'u32', config.feedForward);
  put('llama.attention.head_count', 'u32', config.heads);
  put('llama.attention.head_count_kv', 'u32', config.kvHeads);
  put('llama.attention.key_length', 'u32', config.headDim);
  put('llama.attention.value_length', 'u32', config.headDim);
  put('llama.attention.layer_norm_rms_epsilon', 'f32', config.normEps);
  put('llama.attention.sliding_window', 'u32', config.slidingWindow);
  put('llama.rope.dimension_count', 'u32', config.headDim);
  putRope(config, put);
  if (tokenizer !== undefined) putTokenizer(tokenizer, model, fields);
  put('tokenizer.chat_template', 'string', chatTemplate);
  return fields;
}

/** `rope_freqs.weight`, where the config's scaling is stored as one factor per pair of a head. */
export function ropeFactorTensor(config: LlamaConfig): GgufTensorToWrite | undefined {
  const factors = ropeFactors(config);
  if (factors === undefined) return undefined;
  const bytes = new Uint8Array(Float32Array.from(factors).buffer);
  return {
    name: 'rope_freqs.weight',
    dtype: 'f32',
    shape: [factors.length],
    write: (sink) => sink.write(bytes),
  };
}

type Put = (key: string, type: GgufType, value: GgufItem | undefined) => void;

function putRope({ ropeScaling: scaling, ropeTheta, headDim }: LlamaConfig, put: Put): void {
  const isNtk = scaling.kind === 'ntk';
  // NTK's stretched base is a base like any other.
  const theta = isNtk ? ropeTheta * scaling.factor ** (headDim / (headDim - 2)) : ropeTheta;
  put('llama.rope.freq_base', 'f32', theta);
  if (scaling.kind === 'dynamic') {
    throw errors.FORMAT_UNSUPPORTED({
      path: 'The model',
      feature: 'dynamic NTK scaling, which GGUF has no word for',
      allowed: 'safetensors as output, or a config with linear, ntk, yarn or llama3 scaling',
    });
  }
  if (scaling.kind !== 'linear' && scaling.kind !== 'yarn') return;
  put('llama.rope.scaling.type', 'string', scaling.kind);
  put('llama.rope.scaling.factor', 'f32', scaling.factor);
  if (scaling.kind === 'linear') return;
  put('llama.rope.scaling.original_context_length', 'u32', scaling.originalContext);
  put('llama.rope.scaling.yarn_beta_fast', 'f32', scaling.betaFast);
  put('llama.rope.scaling.yarn_beta_slow', 'f32', scaling.betaSlow);
  if (scaling.attentionFactor === undefined) return;
  // llama.cpp multiplies this onto the paper's own factor.
  const own = scaling.factor > 1 ? 0.1 * Math.log(scaling.factor) + 1 : 1;
  put('llama.rope.scaling.attn_factor', 'f32', scaling.attentionFactor / own);
}

function ropeFactors({ ropeScaling, ropeTheta, headDim }: LlamaConfig): number[] | undefined {
  if (ropeScaling.kind === 'factors') return [...ropeScaling.factors];
  if (ropeScaling.kind !== 'llama3') return undefined;
  const {
    factor,
    lowFrequencyFactor: low,
    highFrequencyFactor: high,
    originalContext,
  } = ropeScaling;
  return Array.from({ length: headDim / 2 }, (_, i) => {
    const turns = (originalContext * ropeTheta ** ((-2 * i) / headDim)) / (2 * Math.PI);
    const keep = Math.min(Math.max((turns - low) / (high - low), 0), 1);
    return 1 / (keep + (1 - keep) / factor);
  });
}

function putTokenizer(
  tokenizer: Tokenizer,
  model: GgufModel,
  fields: Map<string, GgufField>,
): void {
  const { config, endTokens = [] } = model;
  const { tokens, scores, tokenTypes, merges, ...facts } = ggufFieldsOf(tokenizer);
  if (tokens.length > config.vocab) {
    throw errors.CONFIG_INVALID({
      path: model.name,
      field: 'the tokenizer',
      expected: `at most ${config.vocab} tokens, as the embedding has`,
      found: `${tokens.length}`,
    });
  }
  // llama.cpp wants a token for every row of the embedding; those beyond the tokenizer's are unused (5).
  const rest = Array.from({ length: config.vocab - tokens.length }, (_, i) => tokens.length + i);
  const key = (name: string): string => `tokenizer.ggml.${name}`;
  const put = (name: string, type: GgufType, value: GgufItem | undefined): void => {
    if (value !== undefined) fields.set(key(name), { type, value });
  };
  put('model', 'string', facts.model);
  put('pre', 'string', facts.pre);
  fields.set(key('tokens'), arrayField('string', [...tokens, ...rest.map((id) => `[PAD${id}]`)]));
  if (scores !== undefined) {
    const all = [...Array.from(scores), ...rest.map(() => -1e6)];
    fields.set(key('scores'), arrayField('f32', all));
  }
  if (tokenTypes !== undefined) {
    fields.set(
      key('token_type'),
      arrayField('i32', [...Array.from(tokenTypes), ...rest.map(() => 5)]),
    );
  }
  if (merges !== undefined) fields.set(key('merges'), arrayField('string', merges));
  put('bos_token_id', 'u32', facts.bosId);
  put('eos_token_id', 'u32', facts.eosId);
  put(
    'eot_token_id',
    'u32',
    endTokens.find((id) => id !== facts.eosId),
  );
  put('unknown_token_id', 'u32', facts.unknownId);
  put('padding_token_id', 'u32', facts.padId);
  put('add_bos_token', 'bool', facts.addBos);
  put('add_eos_token', 'bool', false);
  put('add_space_prefix', 'bool', facts.addSpacePrefix);
  put('remove_extra_whitespaces', 'bool', facts.removeExtraSpaces);
  if (facts.charsMap !== undefined) {
    fields.set(key('precompiled_charsmap'), arrayField('u8', Array.from(facts.charsMap)));
  }
}
