import { describe, expect, it } from 'vitest';
import type { GenerationEvent, RequestEnd } from '../../engine/index.ts';
import { ToolCallReader, type ToolFormat } from '../chat/tools.ts';
import type { Answer, ChoiceEvent } from '../start-answer.ts';
import { type MessageReplyOptions, messageEvents, messageReply } from './message-format.ts';

const format: ToolFormat = {
  open: '<tool_call>',
  close: '</tool_call>',
  argumentsKey: 'arguments',
};

function optionsOf(isCut = false): MessageReplyOptions {
  const names = new Set(['weather']);
  return {
    id: 'msg_1',
    model: 'm',
    isCut,
    reader: new ToolCallReader(format, { names, limit: 9 }),
  };
}

/** Ten tokens of a prompt, four of them from the cache. */
function answerOf(texts: readonly string[], end: Partial<RequestEnd> = {}): Answer {
  const timings = {
    queueSeconds: 0,
    firstTokenSeconds: 0,
    totalSeconds: 0,
    draftedTokens: 0,
    acceptedTokens: 0,
  };
  const tally = {
    promptTokens: 10,
    cachedTokens: 4,
    completionTokens: texts.length,
    draftedTokens: 0,
    acceptedTokens: 0,
    firstTokenMs: 1,
    totalMs: 2,
  };
  const all: GenerationEvent[] = [
    { type: 'prompt-end', text: '', cachedTokens: 4 },
    ...texts.map((text) => ({ type: 'token-delta', id: 1, text }) as const),
    { type: 'request-end', text: '', finishReason: 'stop', cachedTokens: 4, timings, ...end },
  ];
  async function* events(): AsyncGenerator<ChoiceEvent> {
    for (const event of all) yield { choice: 0, event };
  }
  return { events: events(), tally, seed: 1 };
}

const usage = { input_tokens: 6, cache_creation_input_tokens: 0, cache_read_input_tokens: 4 };
const call = '<tool_call>{"name":"weather","arguments":{"city":"Ulm"}}</tool_call>';

describe('a reply in Anthropic’s shape', () => {
  it('has a block for each stretch of text and each use of a tool', async () => {
    const reply = await messageReply(answerOf(['Let ', 'me look.', call, 'Wait.']), optionsOf());
    expect(reply).toMatchObject({
      id: 'msg_1',
      type: 'message',
      role: 'assistant',
      model: 'm',
      content: [
        { type: 'text', text: 'Let me look.' },
        { type: 'tool_use', name: 'weather', input: { city: 'Ulm' } },
        { type: 'text', text: 'Wait.' },
      ],
      stop_reason: 'tool_use',
      stop_sequence: null,
      usage: { ...usage, output_tokens: 4 },
    });
  });

  it('streams the same as named events, in the order that clients expect', async () => {
    const texts: string[] = [];
    for await (const text of messageEvents(answerOf(['Look: ', call]), optionsOf())) {
      texts.push(text);
    }
    const events = texts
      .join('')
      .split('\n\n')
      .filter((text) => text !== '')
      .map((text) => {
        const [, name, data] = /^event: (\w+)\ndata: (.*)$/.exec(text) as RegExpExecArray;
        const event = JSON.parse(data as string) as Record<string, unknown>;
        expect(event['type']).toBe(name);
        return event;
      });
    expect(events).toMatchObject([
      {
        type: 'message_start',
        message: { content: [], stop_reason: null, usage: { ...usage, output_tokens: 0 } },
      },
      { type: 'ping' },
      { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
      { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Look: ' } },
      { type: 'content_block_stop', index: 0 },
      {
        type: 'content_block_start',
        index: 1,
        content_block: { type: 'tool_use', name: 'weather', input: {} },
      },
      {
        type: 'content_block_delta',
        index: 1,
        delta: { type: 'input_json_delta', partial_json: '{"city":"Ulm"}' },
      },
      { type: 'content_block_stop', index: 1 },
      {
        type: 'message_delta',
        delta: { stop_reason: 'tool_use', stop_sequence: null },
        usage: { ...usage, output_tokens: 2 },
      },
      { type: 'message_stop' },
    ]);
  });

  it.each([
    [{ finishReason: 'stop' }, false, 'end_turn', null],
    [{ finishReason: 'stop', stop: '###' }, false, 'stop_sequence', '###'],
    [{ finishReason: 'length' }, false, 'max_tokens', null],
    [{ finishReason: 'length' }, true, 'model_context_window_exceeded', null],
    [{ finishReason: 'abort' }, true, 'max_tokens', null],
  ] as const)('says why it ended: %j', async (end, isCut, reason, sequence) => {
    expect(await messageReply(answerOf(['a'], end), optionsOf(isCut))).toMatchObject({
      stop_reason: reason,
      stop_sequence: sequence,
    });
  });

  it('leaves a call whose arguments are no object what it is: text', async () => {
    const odd = '<tool_call>{"name":"weather","arguments":"Ulm"}</tool_call>';
    expect(await messageReply(answerOf([odd]), optionsOf())).toMatchObject({
      content: [{ type: 'text', text: '{"name":"weather","arguments":"Ulm"}' }],
      stop_reason: 'end_turn',
    });
  });
});
