import { describe, expect, it } from 'vitest';
import { type MessageRequest, messageFields } from '../fields/message-fields.ts';
import { parseFields } from '../fields/parse-fields.ts';
import { toChat } from './to-chat.ts';

function chatOf(changes: object): ReturnType<typeof toChat> {
  const body = { model: 'm', max_tokens: 9, messages: [{ role: 'user', content: 'a' }] };
  return toChat(parseFields<MessageRequest>({ ...body, ...changes }, messageFields));
}

const weather = { name: 'weather', input_schema: { type: 'object' } };
const use = { type: 'tool_use', id: 'c1', name: 'weather', input: { city: 'Ulm' } };

describe('a request of Anthropic’s', () => {
  it('becomes turns: the system first, equal roles together, results after their calls', () => {
    const { messages } = chatOf({
      system: [{ type: 'text', text: 'Be brief.', cache_control: { type: 'ephemeral' } }],
      messages: [
        { role: 'user', content: 'Hello.' },
        { role: 'user', content: [{ type: 'text', text: 'Is it warm?' }] },
        { role: 'assistant', content: [{ type: 'text', text: 'I will look.' }, use] },
        {
          role: 'user',
          content: [
            { type: 'tool_result', tool_use_id: 'c1', content: [{ type: 'text', text: 'rain' }] },
            { type: 'tool_result', tool_use_id: 'c1', content: 'no sun', is_error: true },
            { type: 'text', text: 'So?' },
          ],
        },
      ],
    });
    const text = (value: string): object => ({ type: 'text', text: value });
    expect(messages).toEqual([
      { role: 'system', content: [text('Be brief.')] },
      { role: 'user', content: [text('Hello.'), text('Is it warm?')] },
      {
        role: 'assistant',
        content: [text('I will look.')],
        tool_calls: [
          {
            id: 'c1',
            type: 'function',
            function: { name: 'weather', arguments: '{"city":"Ulm"}' },
          },
        ],
      },
      { role: 'tool', tool_call_id: 'c1', content: 'rain' },
      { role: 'tool', tool_call_id: 'c1', content: 'Error: no sun' },
      { role: 'user', content: [text('So?')] },
    ]);
  });

  it('asks of tools what it says', () => {
    const tools = [weather];
    expect(chatOf({ tools, tool_choice: { type: 'any' } })).toMatchObject({
      tools: [{ function: { name: 'weather', parameters: { type: 'object' } } }],
      tool_choice: 'required',
      parallel_tool_calls: true,
    });
    const choice = { type: 'tool', name: 'weather', disable_parallel_tool_use: true };
    expect(chatOf({ tools, tool_choice: choice })).toMatchObject({
      tool_choice: { type: 'function', function: { name: 'weather' } },
      parallel_tool_calls: false,
    });
    expect(chatOf({ tools, tool_choice: { type: 'none' } })).toMatchObject({ tool_choice: 'none' });
    const format = { type: 'json_schema', schema: { type: 'integer' } };
    expect(chatOf({ output_config: { format } }).response_format).toMatchObject({
      json_schema: { schema: { type: 'integer' } },
    });
  });

  it('goes on with a last message of the assistant', () => {
    const user = { role: 'user', content: 'a' };
    const said = (content: unknown): object => ({
      messages: [user, { role: 'assistant', content }],
    });
    expect(chatOf(said('The')).continue_final_message).toBe(true);
    expect(chatOf({}).continue_final_message).toBe(false);
    expect(() => chatOf(said('The '))).toThrow(/^messages\[1\] is ending in white space; allowed/);
    expect(() => chatOf(said([use]))).toThrow(
      /^messages\[1\] is the assistant’s, and ends without/,
    );
  });

  const image = { type: 'image', source: { type: 'url', url: 'http://x' } };
  it.each([
    [{ thinking: { type: 'enabled', budget_tokens: 1024 } }, /^thinking\.type is "enabled"/],
    [{ mcp_servers: [] }, /^mcp_servers is not supported: the server makes no outgoing/],
    [{ container: 'x' }, /^container is not supported/],
    [{ max_token: 5 }, /^There is no field max_token .*Did you mean max_tokens\?/],
    [{ max_tokens: null }, /^max_tokens is missing; allowed: a number/],
    [
      { messages: [{ role: 'user', content: [image] }] },
      /^messages\[0\]\.content\[0\]\.type is "image"; allowed: text, tool_result\./,
    ],
    [
      { messages: [{ role: 'bard', content: '' }] },
      /^messages\[0\]\.role is "bard"; allowed: user/,
    ],
    [
      { messages: [{ role: 'user', content: [{ ...use, type: 'tool_result', tool_use_id: '' }] }] },
      /^There is no field messages\[0\]\.content\[0\]\.id/,
    ],
    [
      {
        messages: [{ role: 'user', content: [{ type: 'tool_result', tool_use_id: 'c9' }] }],
      },
      /^messages\[0\]\.content\[0\]\.tool_use_id is "c9"; allowed: the id of an earlier tool_use/,
    ],
    [
      { tools: [{ type: 'web_search_20250305', name: 'web_search' }] },
      /^tools\[0\]\.type is "web_search_20250305"; allowed: custom/,
    ],
    [{ tool_choice: { type: 'any' } }, /^tool_choice is there without tools/],
    [
      { tools: [{ ...weather, strict: true }], stop_sequences: ['}'] },
      /^stop_sequences is there beside strict tools/,
    ],
    [{ output_config: { effort: 'low' } }, /^There is no field output_config\.effort/],
    [
      { output_config: { format: { type: 'json_schema', schema: {} } }, tools: [weather] },
      /^output_config\.format is there beside tools/,
    ],
    [
      { tools: [weather], tool_choice: { type: 'any' }, stop_sequences: ['}'] },
      /^stop_sequences is there beside tool_choice/,
    ],
  ])('is refused by name: %j', (changes, message) => {
    expect(() => chatOf(changes)).toThrow(message);
  });
});
