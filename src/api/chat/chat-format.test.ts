import { expect, it } from 'vitest';
import type { ChoiceEvent } from '../start-answer.ts';
import { type ChatReplyOptions, chatChunks, chatReply } from './chat-format.ts';
import { ToolCallReader, toolFormatOf } from './tools.ts';

const format = toolFormatOf('{{ tools }}<tool_call>');
const options: ChatReplyOptions = {
  head: { id: 'chatcmpl-1', created: 1, model: 'm', system_fingerprint: 'f' },
  choices: 1,
  usageInStream: false,
  tokenIds: false,
  promptIds: [],
  more: () => ({}),
  logprobs: undefined,
  tools: () =>
    new ToolCallReader(format as NonNullable<typeof format>, {
      names: new Set(['weather']),
      limit: 9,
    }),
};

function answerOf(texts: readonly string[]): Parameters<typeof chatReply>[0] {
  async function* events(): AsyncGenerator<ChoiceEvent> {
    for (const text of texts) yield { choice: 0, event: { type: 'token-delta', id: 1, text } };
    const timings = {
      queueSeconds: 0,
      firstTokenSeconds: 0,
      totalSeconds: 0,
      draftedTokens: 0,
      acceptedTokens: 0,
    };
    const end = { type: 'request-end', text: '', finishReason: 'stop', cachedTokens: 0 } as const;
    yield { choice: 0, event: { ...end, timings } };
  }
  const tally = {
    promptTokens: 1,
    cachedTokens: 0,
    completionTokens: 2,
    draftedTokens: 0,
    acceptedTokens: 0,
    firstTokenMs: 1,
    totalMs: 2,
  };
  return { events: events(), tally, seed: 1 };
}

const call = '<tool_call>{"name":"weather","arguments":{"city":"Ulm"}}</tool_call>';
const asFunction = { name: 'weather', arguments: '{"city":"Ulm"}' };

it('replies with calls of tools, and with text beside them only where there is some', async () => {
  expect(await chatReply(answerOf([call.slice(0, 5), call.slice(5)]), options)).toMatchObject({
    choices: [
      {
        message: { content: null, tool_calls: [{ type: 'function', function: asFunction }] },
        finish_reason: 'tool_calls',
      },
    ],
  });
  expect(await chatReply(answerOf(['No ', 'need.']), options)).toMatchObject({
    choices: [{ message: { content: 'No need.' }, finish_reason: 'stop' }],
  });
});

it('streams each call whole, numbered in their order', async () => {
  const deltas: Record<string, unknown>[] = [];
  const reasons: unknown[] = [];
  for await (const event of chatChunks(answerOf(['Look: ', call, call]), options)) {
    const data = event.replace(/^data: /, '').trim();
    if (data === '[DONE]') continue;
    const [choice] = JSON.parse(data).choices;
    deltas.push(choice.delta);
    reasons.push(choice.finish_reason);
  }
  expect(deltas.slice(1, -1)).toMatchObject([
    { content: 'Look: ' },
    { tool_calls: [{ index: 0, function: asFunction }] },
    { tool_calls: [{ index: 1, function: asFunction }] },
  ]);
  expect(reasons.at(-1)).toBe('tool_calls');
});
