// Hugging Face's config.json and generation_config.json, read into ours. Defaults are those of
// transformers' LlamaConfig and MistralConfig; whatever would change the computation and is not
// covered is refused by name. Knows nothing of tensors.
import * as z from 'zod';
import { checkJson } from '../base/check-json.ts';
import { errors } from '../base/errors.ts';
import type { GenerationDefaults } from './checkpoint.ts';
import { layersField, positiveField, sizeField } from './json-file.ts';
import type { LlamaConfig, RopeScaling } from './llama-config.ts';

const tokenIds = z.union([z.number().int(), z.array(z.number().int())]).nullish();

const ropeFields = z.looseObject({
  rope_type: z.string().nullish(),
  type: z.string().nullish(),
  rope_theta: positiveField.nullish(),
  factor: positiveField.nullish(),
  original_max_position_embeddings: sizeField.nullish(),
  attention_factor: positiveField.nullish(),
  beta_fast: positiveField.nullish(),
  beta_slow: positiveField.nullish(),
  low_freq_factor: positiveField.nullish(),
  high_freq_factor: positiveField.nullish(),
  mscale: z.number().nullish(),
  mscale_all_dim: z.number().nullish(),
  truncate: z.boolean().nullish(),
  partial_rotary_factor: z.number().nullish(),
});

const modelFields = z.looseObject({
  architectures: z.array(z.string()).nullish(),
  model_type: z.string().nullish(),
});

const llamaFields = z.looseObject({
  vocab_size: sizeField,
  hidden_size: sizeField,
  intermediate_size: sizeField,
  num_hidden_layers: layersField,
  num_attention_heads: sizeField,
  num_key_value_heads: sizeField.nullish(),
  head_dim: sizeField.nullish(),
  max_position_embeddings: sizeField.nullish(),
  max_sequence_length: sizeField.nullish(),
  rms_norm_eps: positiveField.nullish(),
  rope_theta: positiveField.nullish(),
  rope_scaling: ropeFields.nullish(),
  rope_parameters: ropeFields.nullish(),
  sliding_window: sizeField.nullish(),
  tie_word_embeddings: z.boolean().nullish(),
  attention_bias: z.boolean().nullish(),
  mlp_bias: z.boolean().nullish(),
  hidden_act: z.string().nullish(),
  partial_rotary_factor: z.number().nullish(),
  quantization_config: z.unknown().optional(),
  bos_token_id: tokenIds,
  eos_token_id: tokenIds,
});

const generationFields = z.looseObject({
  do_sample: z.boolean().nullish(),
  temperature: z.number().min(0).nullish(),
  top_p: z.number().min(0).max(1).nullish(),
  top_k: z.number().int().min(0).nullish(),
  repetition_penalty: z.number().positive().nullish(),
  eos_token_id: tokenIds,
});

type LlamaFields = z.infer<typeof llamaFields>;
type RopeFields = z.infer<typeof ropeFields>;

/** The architectures Corral computes. */
export const huggingFaceArchitectures = {
  LlamaForCausalLM: 'llama',
  MistralForCausalLM: 'mistral',
} as const;

/** What a config.json says. */
export interface HuggingFaceConfig {
  readonly config: LlamaConfig;
  readonly endTokens: readonly number[];
  readonly bosToken: number | undefined;
}

/** Throws CONFIG_INVALID, or FORMAT_UNSUPPORTED for what Corral would compute wrongly. */
export function readHuggingFaceConfig(json: unknown, path: string): HuggingFaceConfig {
  const family = familyOf(checkJson(modelFields, json, path), path);
  const fields = checkJson(llamaFields, json, path);
  refuseOthers(fields, path);
  const heads = fields.num_attention_heads;
  const kvHeads = fields.num_key_value_heads ?? (family === 'mistral' ? 8 : heads);
  const headDim = fields.head_dim ?? fields.hidden_size / heads;
  if (!Number.isInteger(headDim / 2)) {
    const expected = 'a divisor of hidden_size into even parts';
    throw invalid(path, 'num_attention_heads', expected, heads);
  }
  if (heads % kvHeads !== 0) {
    throw invalid(path, 'num_key_value_heads', `a divisor of ${heads} heads`, kvHeads);
  }
  const rope = fields.rope_parameters ?? fields.rope_scaling ?? {};
  const trained = fields.max_position_embeddings ?? (family === 'mistral' ? 131072 : 2048);
  const { scaling, context } = ropeScalingOf(rope, trained, path);
  // Mistral's first release leaves the window out of no file, but its config class defaults to 4096.
  const window =
    family === 'mistral' && !('sliding_window' in fields) ? 4096 : fields.sliding_window;
  const slides = family === 'mistral' && window != null;
  return {
    config: {
      vocab: fields.vocab_size,
      dim: fields.hidden_size,
      layers: fields.num_hidden_layers,
      heads,
      kvHeads,
      headDim,
      feedForward: fields.intermediate_size,
      normEps: fields.rms_norm_eps ?? 1e-6,
      ropeTheta: rope.rope_theta ?? fields.rope_theta ?? 10000,
      ropeScaling: scaling,
      context: Math.max(context, fields.max_sequence_length ?? 0),
      ...(slides ? { slidingWindow: window } : {}),
      tiedEmbeddings: fields.tie_word_embeddings ?? false,
    },
    endTokens: idList(fields.eos_token_id),
    bosToken: idList(fields.bos_token_id)[0],
  };
}

/** Sampling defaults; `json` is undefined where there is no such file. */
export function readGenerationConfig(
  json: unknown,
  { path, endTokens }: { readonly path: string; readonly endTokens: readonly number[] },
): GenerationDefaults {
  if (json === undefined) return { endTokens };
  const fields = checkJson(generationFields, json, path);
  const ends = idList(fields.eos_token_id);
  // transformers ignores these numbers where do_sample is false.
  const samples = fields.do_sample !== false;
  return {
    ...(samples && fields.temperature != null ? { temperature: fields.temperature } : {}),
    ...(samples && fields.top_p != null ? { topP: fields.top_p } : {}),
    ...(samples && fields.top_k != null ? { topK: fields.top_k } : {}),
    ...(fields.repetition_penalty != null ? { repetitionPenalty: fields.repetition_penalty } : {}),
    endTokens: ends.length > 0 ? ends : endTokens,
  };
}

function familyOf(fields: z.infer<typeof modelFields>, path: string): 'llama' | 'mistral' {
  const [architecture] = fields.architectures ?? [];
  const known: Readonly<Record<string, 'llama' | 'mistral'>> = huggingFaceArchitectures;
  const family =
    architecture === undefined
      ? Object.values(known).find((name) => name === fields.model_type)
      : Object.hasOwn(known, architecture)
        ? known[architecture]
        : undefined;
  if (family !== undefined) return family;
  const found = architecture ?? fields.model_type ?? undefined;
  throw errors.FORMAT_UNSUPPORTED({
    path,
    feature: found === undefined ? 'no architecture' : `the architecture ${found.slice(0, 100)}`,
    allowed: Object.keys(known).join(', '),
  });
}

function refuseOthers(fields: LlamaFields, path: string): void {
  const refuse = (feature: string, allowed: string): never => {
    throw errors.FORMAT_UNSUPPORTED({ path, feature, allowed });
  };
  if (fields.attention_bias === true) refuse('attention_bias: true', 'models without biases');
  if (fields.mlp_bias === true) refuse('mlp_bias: true', 'models without biases');
  if (fields.quantization_config != null) {
    refuse(
      'quantization_config',
      'unquantised F32, F16 or BF16 weights, or GGUF for quantised ones',
    );
  }
  const activation = fields.hidden_act ?? 'silu';
  if (activation !== 'silu') refuse(`hidden_act: ${activation}`, 'silu');
  const rotary = fields.partial_rotary_factor ?? fields.rope_parameters?.partial_rotary_factor ?? 1;
  if (rotary !== 1) refuse(`partial_rotary_factor: ${rotary}`, '1');
}

function ropeScalingOf(
  rope: RopeFields,
  trained: number,
  path: string,
): { scaling: RopeScaling; context: number } {
  const kind = rope.rope_type ?? rope.type ?? 'default';
  if (kind === 'default') return { scaling: { kind: 'none' }, context: trained };
  const needed = (field: keyof RopeFields & string): number => {
    const value = rope[field];
    if (typeof value === 'number') return value;
    throw invalid(path, `rope_scaling.${field}`, `given for ${kind}`, value);
  };
  const original = rope.original_max_position_embeddings;
  switch (kind) {
    case 'linear':
      return { scaling: { kind, factor: needed('factor') }, context: trained };
    case 'dynamic': {
      const factor = needed('factor');
      return {
        scaling: { kind, factor, originalContext: original ?? trained },
        // Without an original length, max_position_embeddings is that length.
        context: original == null ? Math.floor(trained * factor) : trained,
      };
    }
    case 'yarn': {
      if (rope.truncate === false) {
        const allowed = 'truncate: true';
        throw errors.FORMAT_UNSUPPORTED({ path, feature: 'YaRN with truncate: false', allowed });
      }
      const factor = needed('factor');
      const attention = rope.attention_factor ?? mscaleFactor(rope, factor);
      return {
        scaling: {
          kind,
          factor,
          originalContext: original ?? trained,
          betaFast: rope.beta_fast ?? 32,
          betaSlow: rope.beta_slow ?? 1,
          ...(attention === undefined ? {} : { attentionFactor: attention }),
        },
        context: original == null ? Math.floor(trained * factor) : trained,
      };
    }
    case 'llama3':
      return {
        scaling: {
          kind,
          factor: needed('factor'),
          lowFrequencyFactor: needed('low_freq_factor'),
          highFrequencyFactor: needed('high_freq_factor'),
          originalContext: needed('original_max_position_embeddings'),
        },
        context: trained,
      };
    default:
      throw errors.FORMAT_UNSUPPORTED({
        path,
        feature: `RoPE scaling of type ${kind.slice(0, 100)}`,
        allowed: 'default, linear, dynamic, yarn, llama3',
      });
  }
}

// Two numbers some YaRN models give instead of an attention factor.
function mscaleFactor(rope: RopeFields, factor: number): number | undefined {
  if (!rope.mscale || !rope.mscale_all_dim) return undefined;
  const scale = (mscale: number): number => (factor <= 1 ? 1 : 0.1 * mscale * Math.log(factor) + 1);
  return scale(rope.mscale) / scale(rope.mscale_all_dim);
}

function idList(ids: z.infer<typeof tokenIds>): readonly number[] {
  if (ids == null) return [];
  // Some configs say -1 for "none".
  return (Array.isArray(ids) ? ids : [ids]).filter((id) => id >= 0);
}

function invalid(path: string, field: string, expected: string, found: unknown): Error {
  return errors.CONFIG_INVALID({ path, field, expected, found: String(found ?? 'nothing') });
}
