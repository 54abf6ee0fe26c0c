// The replies of /v1/chat/completions: one object, or a stream of chunks.

import type { TokenDelta } from '../../engine/index.ts';
import type { TokenId } from '../../tokenizer/index.ts';
import { formatEvent } from '../event-stream.ts';
import type { Answer, AnswerTally } from '../start-answer.ts';

/** What is the same in every chunk of an answer. */
export interface ReplyHead {
  readonly id: string;
  /** Seconds since 1970. */
  readonly created: number;
  readonly model: string;
  readonly fingerprint: string;
}

/** What a reply holds beyond its text. */
export interface ReplyOptions {
  readonly usageInStream: boolean;
  readonly tokenIds: boolean;
  readonly promptIds: readonly TokenId[];
  readonly choices: number;
  /** What the reply says under `corral`, once the answer has ended. */
  readonly corral: (tally: AnswerTally) => object | undefined;
  /** A token's log-probability in OpenAI's shape; undefined where none was asked for. */
  readonly logprobs: ((delta: TokenDelta) => object) | undefined;
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

/** How OpenAI calls the end of an answer. One that was stopped from outside is one cut short. */
export function finishReasonOf(reason: 'stop' | 'length' | 'abort'): 'stop' | 'length' {
  return reason === 'stop' ? 'stop' : 'length';
}

/** The whole reply. */
export async function chatReply(
  answer: Answer,
  head: ReplyHead,
  options: ReplyOptions,
): Promise<object> {
  const choices = Array.from({ length: options.choices }, (_, index) => ({
    index,
    text: '',
    ids: [] as TokenId[],
    logprobs: [] as object[],
    finishReason: 'length' as 'stop' | 'length',
  }));
  for await (const { choice: index, event } of answer.events) {
    const choice = choices[index] as (typeof choices)[number];
    choice.text += event.text;
    if (event.type === 'request-end') choice.finishReason = finishReasonOf(event.finishReason);
    else if (event.type === 'token-delta') {
      choice.ids.push(event.id);
      if (options.logprobs !== undefined) choice.logprobs.push(options.logprobs(event));
    }
  }
  const corral = options.corral(answer.tally);
  return {
    ...headOf(head, 'chat.completion'),
    choices: choices.map(({ index, text, ids, logprobs, finishReason }) => ({
      index,
      message: { role: 'assistant', content: text, refusal: null },
      logprobs: options.logprobs === undefined ? null : { content: logprobs, refusal: null },
      finish_reason: finishReason,
      ...(options.tokenIds ? { token_ids: ids } : {}),
    })),
    usage: usageOf(answer.tally),
    ...(options.tokenIds ? { prompt_token_ids: options.promptIds } : {}),
    ...(corral === undefined ? {} : { corral }),
  };
}

/** The reply as server-sent events, `[DONE]` last. */
export async function* chatChunks(
  answer: Answer,
  head: ReplyHead,
  options: ReplyOptions,
): AsyncGenerator<string, void, undefined> {
  const usage = options.usageInStream ? { usage: null } : {};
  const common = headOf(head, 'chat.completion.chunk');
  const chunk = (choice: object, more: object = {}): string =>
    formatEvent({ ...common, choices: [choice], ...usage, ...more });
  for (let index = 0; index < options.choices; index++) {
    const delta = { role: 'assistant', content: '', refusal: null };
    const first = index === 0 && options.tokenIds ? { prompt_token_ids: options.promptIds } : {};
    yield chunk({ index, delta, logprobs: null, finish_reason: null }, first);
  }
  for await (const { choice: index, event } of answer.events) {
    const content = event.text;
    if (event.type === 'token-delta') {
      const logprobs =
        options.logprobs === undefined
          ? null
          : { content: [options.logprobs(event)], refusal: null };
      if (content === '' && logprobs === null && !options.tokenIds) continue;
      const ids = options.tokenIds ? { token_ids: [event.id] } : {};
      yield chunk({ index, delta: { content }, logprobs, finish_reason: null, ...ids });
    }
    if (event.type !== 'request-end') continue;
    const delta = content === '' ? {} : { content };
    const finish_reason = finishReasonOf(event.finishReason);
    yield chunk({ index, delta, logprobs: null, finish_reason });
  }
  const corral = options.corral(answer.tally);
  const last = {
    ...(options.usageInStream ? { usage: usageOf(answer.tally) } : {}),
    ...(corral === undefined ? {} : { corral }),
  };
  if (Object.keys(last).length > 0) yield formatEvent({ ...common, choices: [], ...last });
  yield formatEvent('[DONE]');
}

function headOf({ id, created, model, fingerprint }: ReplyHead, object: string): object {
  return { id, object, created, model, system_fingerprint: fingerprint };
}
