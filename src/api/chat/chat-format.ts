// The replies of /v1/chat/completions: one object, or a stream of chunks.
import type { TokenDelta } from '../../engine/index.ts';
import type { TokenId } from '../../tokenizer/index.ts';
import { formatEvent } from '../event-stream.ts';
import type { ToolCall } from '../fields/chat-messages.ts';
import { finishReasonOf, type ReplyHead, usageOf } from '../reply-options.ts';
import type { Answer, AnswerTally } from '../start-answer.ts';
import type { Piece, ToolCallReader } from './tools.ts';

/** What a reply holds beyond its text. */
export interface ChatReplyOptions {
  readonly head: ReplyHead;
  readonly choices: number;
  readonly usageInStream: boolean;
  readonly tokenIds: boolean;
  readonly promptIds: readonly TokenId[];
  /** What else the reply says once the answer has ended. */
  readonly more: (tally: AnswerTally) => object;
  /** A token's log-probability in OpenAI's shape; undefined where none was asked for. */
  readonly logprobs: ((delta: TokenDelta) => object) | undefined;
  /** Reads calls of tools; undefined where there are none. */
  readonly tools: (() => ToolCallReader) | undefined;
}

type Finish = 'stop' | 'length' | 'tool_calls';

interface Choice {
  readonly index: number;
  readonly reader: ToolCallReader | undefined;
  text: string;
  readonly calls: ToolCall[];
  readonly ids: TokenId[];
  readonly logprobs: object[];
  finish: Finish;
}

function makeChoices({ choices, tools }: ChatReplyOptions): Choice[] {
  return Array.from({ length: choices }, (_, index) => ({
    index,
    reader: tools?.(),
    text: '',
    calls: [],
    ids: [],
    logprobs: [],
    finish: 'length',
  }));
}

function piecesOf(reader: ToolCallReader | undefined, text: string, isEnd: boolean): Piece[] {
  if (reader === undefined) return text === '' ? [] : [{ kind: 'text', text }];
  return isEnd ? [...reader.push(text), ...reader.end()] : reader.push(text);
}

/** The whole reply. */
export async function chatReply(answer: Answer, options: ChatReplyOptions): Promise<object> {
  const choices = makeChoices(options);
  for await (const { choice: index, event } of answer.events) {
    const choice = choices[index] as Choice;
    for (const piece of piecesOf(choice.reader, event.text, event.type === 'request-end')) {
      if (piece.kind === 'text') choice.text += piece.text;
      else choice.calls.push(piece.call);
    }
    if (event.type === 'request-end') {
      choice.finish = choice.calls.length > 0 ? 'tool_calls' : finishReasonOf(event.finishReason);
    } else if (event.type === 'token-delta') {
      choice.ids.push(event.id);
      if (options.logprobs !== undefined) choice.logprobs.push(options.logprobs(event));
    }
  }
  return {
    ...options.head,
    object: 'chat.completion',
    choices: choices.map(({ index, text, calls, ids, logprobs, finish }) => ({
      index,
      message: {
        role: 'assistant',
        content: text === '' && calls.length > 0 ? null : text,
        refusal: null,
        ...(calls.length > 0 ? { tool_calls: calls } : {}),
      },
      logprobs: options.logprobs === undefined ? null : { content: logprobs, refusal: null },
      finish_reason: finish,
      ...(options.tokenIds ? { token_ids: ids } : {}),
    })),
    usage: usageOf(answer.tally),
    ...(options.tokenIds ? { prompt_token_ids: options.promptIds } : {}),
    ...options.more(answer.tally),
  };
}

/** The reply as server-sent events, `[DONE]` last. */
export async function* chatChunks(
  answer: Answer,
  options: ChatReplyOptions,
): AsyncGenerator<string, void, undefined> {
  const { head, usageInStream, tokenIds } = options;
  const common = { ...head, object: 'chat.completion.chunk' };
  const chunk = (
    index: number,
    delta: object,
    { logprobs = null, finish = null, ...more }: ChunkExtras = {},
  ): string =>
    formatEvent({
      ...common,
      choices: [{ index, delta, logprobs, finish_reason: finish, ...more.choice }],
      ...(usageInStream ? { usage: null } : {}),
      ...more.chunk,
    });
  const choices = makeChoices(options);
  for (const { index } of choices) {
    const first = index === 0 && tokenIds ? { prompt_token_ids: options.promptIds } : {};
    yield chunk(index, { role: 'assistant', content: '', refusal: null }, { chunk: first });
  }
  for await (const { choice: index, event } of answer.events) {
    const { reader } = choices[index] as Choice;
    const isEnd = event.type === 'request-end';
    const before = reader?.calls ?? 0;
    const pieces = piecesOf(reader, event.text, isEnd);
    const deltas = pieces.map((piece) => deltaOf(piece));
    let call = before;
    for (const delta of deltas) for (const one of delta.tool_calls ?? []) one.index = call++;
    if (event.type === 'token-delta') {
      const logprobs = options.logprobs && { content: [options.logprobs(event)], refusal: null };
      const [first, ...rest] = deltas;
      if (first !== undefined || logprobs !== undefined || tokenIds) {
        const choice = tokenIds ? { token_ids: [event.id] } : {};
        yield chunk(index, first ?? { content: '' }, { logprobs: logprobs ?? null, choice });
      }
      for (const delta of rest) yield chunk(index, delta);
    } else if (isEnd) {
      for (const delta of deltas) yield chunk(index, delta);
      const called = (reader?.calls ?? 0) > 0;
      yield chunk(
        index,
        {},
        { finish: called ? 'tool_calls' : finishReasonOf(event.finishReason) },
      );
    }
  }
  const more = options.more(answer.tally);
  if (usageInStream || Object.keys(more).length > 0) {
    const usage = usageInStream ? { usage: usageOf(answer.tally) } : {};
    yield formatEvent({ ...common, choices: [], ...usage, ...more });
  }
  yield formatEvent('[DONE]');
}

interface ChunkExtras {
  readonly logprobs?: object | null;
  readonly finish?: Finish | null;
  readonly choice?: object;
  readonly chunk?: object;
}

interface Delta {
  readonly content?: string;
  readonly tool_calls?: (ToolCall & { index: number })[];
}

function deltaOf(piece: Piece): Delta {
  return piece.kind === 'text'
    ? { content: piece.text }
    : { tool_calls: [{ index: 0, ...piece.call }] };
}
