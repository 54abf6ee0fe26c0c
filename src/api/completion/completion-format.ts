// The replies of /v1/completions: one object, or a stream of chunks.
import type { TokenWithAlternatives } from '../../engine/index.ts';
import type { TokenId, Tokenizer } from '../../tokenizer/index.ts';
import { formatEvent } from '../event-stream.ts';
import { finishReasonOf, type ReplyHead, usageOf } from '../reply-options.ts';
import type { Answer, AnswerTally } from '../start-answer.ts';
import { TokenList } from './token-list.ts';

/** What a reply holds beyond its text. */
export interface CompletionReplyOptions {
  readonly head: ReplyHead;
  readonly prompts: readonly { readonly ids: readonly TokenId[]; readonly added: number }[];
  /** Answers to each prompt that are shown. */
  readonly choices: number;
  /** Answers to each prompt that are made; the likeliest are shown. */
  readonly candidates: number;
  readonly echo: boolean;
  readonly usageInStream: boolean;
  readonly tokenIds: boolean;
  readonly logprobs: boolean;
  readonly tokenizer: Tokenizer;
  /** What else the reply says once the answers have ended. */
  readonly more: (tally: AnswerTally) => object;
}

interface Choice {
  text: string;
  readonly ids: TokenId[];
  readonly tokens: TokenList;
  promptLogprobs: readonly TokenWithAlternatives[];
  sum: number;
  finish: 'stop' | 'length';
}

function makeChoice({ tokenizer }: CompletionReplyOptions): Choice {
  return {
    text: '',
    ids: [],
    tokens: new TokenList(tokenizer),
    promptLogprobs: [],
    sum: 0,
    finish: 'length',
  };
}

/** Writes the prompt before an answer; its text, where it is echoed. */
function echoPrompt(choice: Choice, at: number, options: CompletionReplyOptions): string {
  const prompt = options.prompts[Math.floor(at / options.candidates)];
  if (!options.echo || prompt === undefined) return '';
  const { ids, added } = prompt;
  const text = options.tokenizer.decode(ids);
  if (options.logprobs) choice.tokens.addPrompt(ids, added, choice.promptLogprobs);
  return text;
}

/** The whole reply. */
export async function completionReply(
  answer: Answer,
  options: CompletionReplyOptions,
): Promise<object> {
  const { prompts, candidates, choices: shown } = options;
  const choices = Array.from({ length: prompts.length * candidates }, () => makeChoice(options));
  for await (const { choice: at, event } of answer.events) {
    const choice = choices[at] as Choice;
    if (event.type === 'prompt-end') {
      choice.promptLogprobs = event.logprobs ?? [];
      choice.text += echoPrompt(choice, at, options);
    }
    choice.text += event.text;
    if (event.type === 'token-delta') {
      choice.ids.push(event.id);
      choice.sum += event.logprob ?? 0;
      if (options.logprobs) choice.tokens.add(event);
    } else if (event.type === 'request-end') choice.finish = finishReasonOf(event.finishReason);
  }
  const best = prompts.flatMap(({ ids }, index) =>
    choices
      .slice(index * candidates, (index + 1) * candidates)
      .map((choice, order) => ({ choice, order, promptIds: ids }))
      .sort((a, b) => meanOf(b.choice) - meanOf(a.choice) || a.order - b.order)
      .slice(0, shown)
      .sort((a, b) => (candidates > shown ? 0 : a.order - b.order)),
  );
  return {
    ...options.head,
    object: 'text_completion',
    choices: best.map(({ choice, promptIds }, index) => ({
      index,
      text: choice.text,
      logprobs: options.logprobs ? choice.tokens.take() : null,
      finish_reason: choice.finish,
      ...(options.tokenIds ? { prompt_token_ids: promptIds, token_ids: choice.ids } : {}),
    })),
    usage: usageOf(answer.tally),
    ...options.more(answer.tally),
  };
}

/** The reply as server-sent events, `[DONE]` last. */
export async function* completionChunks(
  answer: Answer,
  options: CompletionReplyOptions,
): AsyncGenerator<string, void, undefined> {
  const { head, usageInStream, tokenIds, prompts, candidates } = options;
  const common = { ...head, object: 'text_completion' };
  const usage = usageInStream ? { usage: null } : {};
  const choices = Array.from({ length: prompts.length * candidates }, () => makeChoice(options));
  const chunk = (index: number, text: string, more: object = {}): string => {
    const logprobs = options.logprobs ? (choices[index] as Choice).tokens.take() : null;
    const choice = { index, text, logprobs, finish_reason: null, ...more };
    return formatEvent({ ...common, choices: [choice], ...usage });
  };
  for await (const { choice: index, event } of answer.events) {
    const choice = choices[index] as Choice;
    if (event.type === 'prompt-end') {
      choice.promptLogprobs = event.logprobs ?? [];
      const text = echoPrompt(choice, index, options);
      const ids = prompts[Math.floor(index / candidates)]?.ids;
      const more = tokenIds ? { prompt_token_ids: ids } : {};
      if (text !== '' || tokenIds) yield chunk(index, text, more);
    } else if (event.type === 'token-delta') {
      if (options.logprobs) choice.tokens.add(event);
      if (event.text === '' && !options.logprobs && !tokenIds) continue;
      yield chunk(index, event.text, tokenIds ? { token_ids: [event.id] } : {});
    } else {
      yield chunk(index, event.text, { finish_reason: finishReasonOf(event.finishReason) });
    }
  }
  const more = options.more(answer.tally);
  if (usageInStream || Object.keys(more).length > 0) {
    const total = usageInStream ? { usage: usageOf(answer.tally) } : {};
    yield formatEvent({ ...common, choices: [], ...total, ...more });
  }
  yield formatEvent('[DONE]');
}

// OpenAI: "the one with the highest log probability per token".
function meanOf({ sum, ids }: Choice): number {
  return sum / Math.max(1, ids.length);
}
