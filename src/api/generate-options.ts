// From the fields that text routes share to what the engine is asked. Values nobody gave come from the
// model's authors, then from OpenAI's defaults.
import type { GenerateRequest } from '../engine/index.ts';
import type { TextRequest } from './fields/text-requests.ts';
import type { ServedModel } from './served-model.ts';

type SamplingOptions = Omit<GenerateRequest, 'prompt' | 'maxTokens' | 'signal' | 'choice'>;

// In OpenAI's words -100 bans a token: with Llama's logits it would only make it unlikely.
const banned = -100;

/** The engine's options. */
export function samplingOptions(fields: TextRequest, { generation }: ServedModel): SamplingOptions {
  const { endTokens, temperature, topP, topK, repetitionPenalty } = generation;
  const bias = Object.entries(fields.logit_bias ?? {}).map(
    ([id, value]) => [Number(id), value === banned ? Number.NEGATIVE_INFINITY : value] as const,
  );
  return {
    temperature: fields.temperature ?? temperature ?? 1,
    topP: fields.top_p ?? topP ?? 1,
    topK: fields.top_k ?? topK ?? 0,
    minP: fields.min_p ?? 0,
    typicalP: fields.typical_p ?? 1,
    repetitionPenalty: fields.repetition_penalty ?? repetitionPenalty ?? 1,
    frequencyPenalty: fields.frequency_penalty ?? 0,
    presencePenalty: fields.presence_penalty ?? 0,
    logitBias: new Map(bias),
    stop: fields.stop ?? [],
    priority: fields.priority ?? 'interactive',
    ...(fields.seed === undefined ? {} : { seed: toUnsigned(fields.seed) }),
    ...(endTokens.length > 0 ? { endTokens } : {}),
  };
}

/** What applied, in the words of the API, for replies that echo it. */
export function describeSettings(
  options: SamplingOptions,
  { seed, maxTokens }: { readonly seed: number; readonly maxTokens: number },
): object {
  return {
    temperature: options.temperature,
    top_p: options.topP,
    top_k: options.topK,
    min_p: options.minP,
    typical_p: options.typicalP,
    repetition_penalty: options.repetitionPenalty,
    frequency_penalty: options.frequencyPenalty,
    presence_penalty: options.presencePenalty,
    stop: options.stop,
    seed,
    max_tokens: maxTokens,
    priority: options.priority,
  };
}

// OpenAI's seeds may be negative; the engine's are the integers from 0 to 2^53 - 1.
function toUnsigned(seed: number): number {
  return seed >= 0 ? seed : Number.MAX_SAFE_INTEGER + 1 + seed;
}
