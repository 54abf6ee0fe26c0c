// What the replies of all text routes have in common: their head, usage, ends, and what is echoed.
import { randomUUID } from 'node:crypto';
import { errors } from '../base/errors.ts';
import type { FinishReason } from '../engine/index.ts';
import type { TextRequest } from './fields/text-requests.ts';
import type { AnswerTally } from './start-answer.ts';
import { timingsOf } from './timings.ts';

/** What is the same in every part of a reply. */
export interface ReplyHead {
  readonly id: string;
  /** Seconds since 1970. */
  readonly created: number;
  readonly model: string;
  readonly system_fingerprint: string;
}

/** A new head; ids begin as OpenAI's do. */
export function makeHead(prefix: string, model: string, version: string): ReplyHead {
  return {
    id: `${prefix}-${randomUUID().replaceAll('-', '')}`,
    created: Math.floor(Date.now() / 1000),
    model,
    system_fingerprint: `corral-${version}`,
  };
}

/** Tokens as OpenAI counts them. */
export function usageOf({ promptTokens, completionTokens, cachedTokens }: AnswerTally): object {
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
    prompt_tokens_details: { cached_tokens: cachedTokens },
  };
}

/** How OpenAI calls the end of an answer. One that was stopped from outside was cut short. */
export function finishReasonOf(reason: FinishReason): 'stop' | 'length' {
  return reason === 'stop' ? 'stop' : 'length';
}

/** What the reply says under `corral`: what applied and how long it took, where asked for. */
export function corralOf(
  { corral }: TextRequest,
  settings: object,
  tally: AnswerTally,
): { readonly corral?: object } {
  if (corral?.settings !== true && corral?.timings !== true) return {};
  return {
    corral: {
      ...(corral.settings === true ? { settings } : {}),
      ...(corral.timings === true ? { timings: timingsOf(tally) } : {}),
    },
  };
}

/** Refuses what no text route takes together. Throws FIELD_INVALID. */
export function checkStream({ stream, stream_options: options }: TextRequest): void {
  if (options === undefined || stream === true) return;
  throw errors.FIELD_INVALID({
    field: 'stream_options',
    found: 'an object',
    allowed: 'an object together with stream: true',
  });
}
