// The replies of /v1/messages: one object, or a stream of named events. Both are made of the same blocks.
import type { GenerationEvent } from '../../engine/index.ts';
import type { Piece, ToolCallReader } from '../chat/tools.ts';
import { formatEvent } from '../event-stream.ts';
import type { Answer, AnswerTally } from '../start-answer.ts';

/** What a reply says beyond its blocks. */
export interface MessageReplyOptions {
  readonly id: string;
  readonly model: string;
  /** Was the answer given less room than it was asked for, since the context ends there? */
  readonly isCut: boolean;
  readonly reader: ToolCallReader | undefined;
}

type Block =
  | { readonly type: 'text'; readonly text: string; readonly citations: null }
  | {
      readonly type: 'tool_use';
      readonly id: string;
      readonly name: string;
      readonly input: object;
      readonly caller: { readonly type: 'direct' };
    };

interface Ending {
  readonly stop_reason: string;
  readonly stop_sequence: string | null;
}

/** The whole reply. */
export async function messageReply(answer: Answer, options: MessageReplyOptions): Promise<object> {
  const { reader } = options;
  const content: Block[] = [];
  let ending = endingOf(undefined, false, options);
  let isUsed = false;
  for await (const { event } of answer.events) {
    for (const block of blocksOf(reader, event)) {
      const last = content.at(-1);
      isUsed ||= block.type === 'tool_use';
      if (block.type === 'text' && last?.type === 'text') {
        content[content.length - 1] = textBlock(last.text + block.text);
      } else content.push(block);
    }
    if (event.type === 'request-end') ending = endingOf(event, isUsed, options);
  }
  return { ...headOf(options), content, ...ending, usage: usageOf(answer.tally) };
}

/** The reply as server-sent events, from `message_start` to `message_stop`. */
export async function* messageEvents(
  answer: Answer,
  options: MessageReplyOptions,
): AsyncGenerator<string, void, undefined> {
  const { tally } = answer;
  const stream = new BlockStream();
  let ending = endingOf(undefined, false, options);
  let isStarted = false;
  for await (const { event } of answer.events) {
    if (!isStarted) {
      isStarted = true;
      // What came from the cache is known from the first event on.
      const { cachedTokens = 0 } = event.type === 'token-delta' ? {} : event;
      const usage = usageOf({ ...tally, cachedTokens, completionTokens: 0 });
      const open = { content: [], stop_reason: null, stop_sequence: null, usage };
      yield named({ type: 'message_start', message: { ...headOf(options), ...open } });
      yield named({ type: 'ping' });
    }
    for (const block of blocksOf(options.reader, event)) yield stream.write(block);
    if (event.type === 'request-end') ending = endingOf(event, stream.hasToolUse, options);
  }
  yield stream.end();
  yield named({ type: 'message_delta', delta: ending, usage: usageOf(tally) });
  yield named({ type: 'message_stop' });
}

/** Writes blocks as events: a text goes on until something else comes, a tool's use is there at once. */
class BlockStream {
  hasToolUse = false;
  #index = 0;
  #isTextOpen = false;

  write(block: Block): string {
    if (block.type === 'text') {
      const begin = this.#isTextOpen ? '' : this.#begin(textBlock(''));
      this.#isTextOpen = true;
      return begin + this.#delta({ type: 'text_delta', text: block.text });
    }
    this.hasToolUse = true;
    const { input, ...rest } = block;
    return (
      this.end() +
      this.#begin({ ...rest, input: {} }) +
      this.#delta({ type: 'input_json_delta', partial_json: JSON.stringify(input) }) +
      this.#stop()
    );
  }

  /** Ends the text that is still open. */
  end(): string {
    if (!this.#isTextOpen) return '';
    this.#isTextOpen = false;
    return this.#stop();
  }

  #begin(content_block: Block): string {
    return named({ type: 'content_block_start', index: this.#index, content_block });
  }

  #delta(delta: object): string {
    return named({ type: 'content_block_delta', index: this.#index, delta });
  }

  #stop(): string {
    return named({ type: 'content_block_stop', index: this.#index++ });
  }
}

function named<Event extends { readonly type: string }>(event: Event): string {
  return formatEvent(event, event.type);
}

function blocksOf(reader: ToolCallReader | undefined, event: GenerationEvent): Block[] {
  const isEnd = event.type === 'request-end';
  if (reader === undefined) return event.text === '' ? [] : [textBlock(event.text)];
  const pieces = [...reader.push(event.text), ...(isEnd ? reader.end() : [])];
  return pieces.map(blockOf);
}

function blockOf(piece: Piece): Block {
  if (piece.kind === 'text') return textBlock(piece.text);
  const { id, function: call } = piece.call;
  const { name } = call;
  const input = readObject(call.arguments);
  // Here an input is an object: a call with anything else is what the model said, and no more.
  if (input === undefined) return textBlock(JSON.stringify({ name, arguments: call.arguments }));
  return { type: 'tool_use', id, name, input, caller: { type: 'direct' } };
}

function readObject(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function textBlock(text: string): Block & { readonly type: 'text' } {
  return { type: 'text', text, citations: null };
}

function headOf({ id, model }: MessageReplyOptions): object {
  return { id, type: 'message', role: 'assistant', model };
}

/** Why the answer ended, in Anthropic's words. One that was stopped from outside was cut short. */
function endingOf(
  end: (GenerationEvent & { readonly type: 'request-end' }) | undefined,
  isUsed: boolean,
  { isCut }: MessageReplyOptions,
): Ending {
  const { finishReason, stop } = end ?? {};
  if (isUsed) return { stop_reason: 'tool_use', stop_sequence: null };
  if (stop !== undefined) return { stop_reason: 'stop_sequence', stop_sequence: stop };
  if (finishReason === 'stop') return { stop_reason: 'end_turn', stop_sequence: null };
  const isFull = isCut && finishReason === 'length';
  const reason = isFull ? 'model_context_window_exceeded' : 'max_tokens';
  return { stop_reason: reason, stop_sequence: null };
}

/** Tokens as Anthropic counts them: what came from the cache is not among `input_tokens`. */
function usageOf({
  promptTokens,
  cachedTokens,
  completionTokens,
}: Pick<AnswerTally, 'promptTokens' | 'cachedTokens' | 'completionTokens'>): object {
  return {
    input_tokens: promptTokens - cachedTokens,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: cachedTokens,
    output_tokens: completionTokens,
  };
}
