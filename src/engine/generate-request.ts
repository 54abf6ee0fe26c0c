// What an answer may be asked for, and the checks that need no engine.
import { errors } from '../base/errors.ts';
import type { TokenId } from '../tokenizer/tokenizer.ts';
import type { Constraint } from './constraint.ts';
import type { RequestScope } from './request-scope.ts';
import type { SamplingRequest } from './sampling-options.ts';
import type { Speculate } from './speculation.ts';
import { maxTopLogprobs } from './step-program.ts';

/** A request for one answer. */
export interface GenerateRequest extends SamplingRequest, RequestScope {
  /** At least one token; usually it begins with BOS. */
  readonly prompt: readonly TokenId[];
  /** Default: what is left of the context. Under dynamic NTK scaling it also decides the rotary base. */
  readonly maxTokens?: number;
  /** Ids that end the answer; they are not part of it. Default: the tokenizer's EOS. */
  readonly endTokens?: readonly TokenId[];
  /** Strings that end the answer; they are not part of it. */
  readonly stop?: string | readonly string[];
  /** Alternatives to report per token, 0 to 32; absent: no log-probabilities. */
  readonly logprobs?: number;
  /**
   * What the answer must look like: only tokens that keep it completable within `maxTokens` are chosen, and
   * it ends when it is whole. Not beside stop strings, which could end it before. Log-probabilities stay the model's own.
   */
  readonly constraint?: Constraint;
  /**
   * The same as `logprobs` for the tokens of the prompt, in the `prompt-end` event; with `maxTokens: 0` alone. What others
   * computed of the prompt does not help then: every row is wanted.
   */
  readonly promptLogprobs?: number;
  /** How the next tokens are guessed ahead; the answer is the same with any. Default: as the engine was opened. */
  readonly speculate?: Speculate;
  /** `text` takes off the space that tokenizers put before a text. Default `continuation`. */
  readonly start?: 'text' | 'continuation';
}

/** A seed nobody chose: 53 random bits. */
export function freshSeed(): number {
  const [high = 0, low = 0] = crypto.getRandomValues(new Uint32Array(2));
  return (high & 0x1fffff) * 2 ** 32 + low;
}

/** Refuses an answer that could not be whole. Throws CONSTRAINT_TOO_LONG. */
export function checkConstraint(constraint: Constraint | undefined, maxTokens: number): void {
  if (constraint !== undefined && constraint.shortest > maxTokens) {
    throw errors.CONSTRAINT_TOO_LONG({ shortest: constraint.shortest, maxTokens });
  }
}

/** Refuses limits and stop strings that make no sense. Throws OPTION_INVALID. */
export function checkLimits(
  { maxTokens, logprobs, promptLogprobs, constraint }: GenerateRequest,
  stop: readonly string[],
  hasTokenizer: boolean,
): void {
  const refuse = (option: string, found: string, allowed: string): never => {
    throw errors.OPTION_INVALID({ option, found, allowed });
  };
  if (maxTokens !== undefined && !(Number.isInteger(maxTokens) && maxTokens >= 0)) {
    refuse('maxTokens', String(maxTokens), 'an integer from 0');
  }
  for (const [option, count] of Object.entries({ logprobs, promptLogprobs })) {
    if (
      count !== undefined &&
      !(Number.isInteger(count) && count >= 0 && count <= maxTopLogprobs)
    ) {
      refuse(option, String(count), `an integer from 0 to ${maxTopLogprobs}`);
    }
  }
  if (!(Array.isArray(stop) && stop.every((each) => typeof each === 'string' && each !== ''))) {
    refuse('stop', JSON.stringify(stop), 'a string or a list of strings, none of them empty');
  }
  if (stop.length > 0 && constraint !== undefined) {
    refuse('stop', 'there beside a constraint', 'none: the answer ends when it is whole');
  }
  if (stop.length > 0 && !hasTokenizer) {
    refuse(
      'stop',
      `${stop.length} strings`,
      'none, since this model was opened without a tokenizer',
    );
  }
}
