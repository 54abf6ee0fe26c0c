// What a request may ask of the sampler, with its defaults and limits.
import { errors } from '../base/errors.ts';
import type { TokenId } from '../tokenizer/tokenizer.ts';

/**
 * How the next token is chosen. Applied in this order: repetition penalty, logit bias, frequency and presence
 * penalties, temperature, top-k, typical-p, top-p, min-p, draw. Temperature 0 takes the likeliest token
 * after bias and penalties.
 */
export interface SamplingOptions {
  /** Divides the logits; 0 is greedy. Default 1. */
  readonly temperature: number;
  /** Keeps the k likeliest tokens; 0 keeps all. Default 0. */
  readonly topK: number;
  /** Keeps the smallest set of likeliest tokens whose probability reaches p (arXiv 1904.09751). Default 1. */
  readonly topP: number;
  /** Drops tokens less likely than this share of the likeliest (arXiv 2407.01082). Default 0. */
  readonly minP: number;
  /** Keeps the tokens nearest the expected information until they reach p (arXiv 2202.00666). Default 1. */
  readonly typicalP: number;
  /** Divides positive and multiplies negative logits of tokens seen in prompt or answer. Default 1. */
  readonly repetitionPenalty: number;
  /** Subtracted once per occurrence in the answer. Default 0. */
  readonly frequencyPenalty: number;
  /** Subtracted once if the token occurs in the answer. Default 0. */
  readonly presencePenalty: number;
  /** Added to logits by id; −Infinity bans. Default none. */
  readonly logitBias: ReadonlyMap<TokenId, number>;
  /** Integer; the same request with the same seed gives the same tokens. Default: a fresh one. */
  readonly seed: number;
  /** Which of several answers to one request this is. Default 0. */
  readonly choice: number;
}

/** Sampling options as callers give them: all optional, bias by id in a map or a plain object. */
export interface SamplingRequest extends Partial<Omit<SamplingOptions, 'logitBias'>> {
  readonly logitBias?: ReadonlyMap<TokenId, number> | Readonly<Record<number, number>>;
}

const limits = {
  temperature: [0, 100],
  topK: [0, 2 ** 31 - 1],
  topP: [0, 1],
  minP: [0, 1],
  typicalP: [0, 1],
  repetitionPenalty: [0.01, 100],
  frequencyPenalty: [-100, 100],
  presencePenalty: [-100, 100],
  seed: [0, Number.MAX_SAFE_INTEGER],
  choice: [0, 2 ** 31 - 1],
} as const;

// Far beyond any logit, and far from infinity in f32.
const maxBias = 1e6;

const integers: ReadonlySet<string> = new Set(['topK', 'seed', 'choice']);

/** Fills in defaults and checks limits. Throws OPTION_INVALID. `seed` is used when none is given. */
export function resolveSampling(options: SamplingRequest, seed: number): SamplingOptions {
  const resolved: SamplingOptions = {
    temperature: options.temperature ?? 1,
    topK: options.topK ?? 0,
    topP: options.topP ?? 1,
    minP: options.minP ?? 0,
    typicalP: options.typicalP ?? 1,
    repetitionPenalty: options.repetitionPenalty ?? 1,
    frequencyPenalty: options.frequencyPenalty ?? 0,
    presencePenalty: options.presencePenalty ?? 0,
    logitBias: biasMap(options.logitBias ?? new Map()),
    seed: options.seed ?? seed,
    choice: options.choice ?? 0,
  };
  for (const [name, [low, high]] of Object.entries(limits)) {
    const value = resolved[name as keyof typeof limits];
    const whole = !integers.has(name) || Number.isInteger(value);
    if (typeof value !== 'number' || !(value >= low && value <= high && whole)) {
      const kind = integers.has(name) ? 'an integer' : 'a number';
      throw errors.OPTION_INVALID({
        option: name,
        found: String(value),
        allowed: `${kind} from ${low} to ${high}`,
      });
    }
  }
  return resolved;
}

function biasMap(
  bias: ReadonlyMap<TokenId, number> | Readonly<Record<number, number>>,
): ReadonlyMap<TokenId, number> {
  if (bias instanceof Map) return bias;
  return new Map(Object.entries(bias).map(([id, value]) => [Number(id), value]));
}

/** Checks that the bias names tokens of the vocabulary and is no NaN. Throws TOKEN_UNKNOWN or OPTION_INVALID. */
export function checkBias(bias: ReadonlyMap<TokenId, number>, vocab: number): void {
  for (const [id, value] of bias) {
    if (!(Number.isInteger(id) && id >= 0 && id < vocab)) {
      throw errors.TOKEN_UNKNOWN({ id, size: vocab });
    }
    const bans = value === Number.NEGATIVE_INFINITY;
    if (typeof value !== 'number' || !(bans || Math.abs(value) <= maxBias)) {
      throw errors.OPTION_INVALID({
        option: 'logitBias',
        found: String(value),
        allowed: `a number from -${maxBias} to ${maxBias}, or -Infinity`,
      });
    }
  }
}
