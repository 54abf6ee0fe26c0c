// Answers that must look like something, and calls of tools, by the unmodified openai client. The model's
// weights are random: what is right about its answers is the constraint's doing.
import { Ajv } from 'ajv';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTinyServer, type TinyServer } from './tiny-server.ts';

const schema = {
  type: 'object',
  properties: {
    name: { type: 'string', maxLength: 12 },
    age: { type: 'integer', minimum: 0, maximum: 120 },
    tags: { type: 'array', items: { enum: ['a', 'b'] }, maxItems: 3 },
  },
  required: ['name', 'age', 'tags'],
  additionalProperties: false,
};
const tools: OpenAI.ChatCompletionFunctionTool[] = [
  {
    type: 'function',
    function: {
      name: 'weather',
      strict: true,
      parameters: {
        type: 'object',
        properties: { city: { $ref: '#/$defs/city' } },
        required: ['city'],
        additionalProperties: false,
        $defs: { city: { enum: ['Ulm', 'Bonn'] } },
      },
    },
  },
  {
    type: 'function',
    function: {
      name: 'time',
      parameters: { type: 'object', properties: {}, additionalProperties: false },
    },
  },
];

describe('constrained answers', () => {
  let tiny: TinyServer;
  let client: OpenAI;
  beforeAll(async () => {
    tiny = await startTinyServer();
    client = new OpenAI({ baseURL: `${tiny.server.url}/v1`, apiKey: 'none', maxRetries: 0 });
  });
  afterAll(() => tiny[Symbol.asyncDispose]());

  const ask = (more: object): Promise<OpenAI.ChatCompletion> =>
    client.chat.completions.create({
      model: 'tiny',
      messages: [{ role: 'user', content: 'the cat' }],
      max_tokens: 300,
      ...more,
    });

  it('are JSON of the schema, at any temperature and within few tokens', async () => {
    const validate = new Ajv().compile(schema);
    const format = { type: 'json_schema', json_schema: { name: 'cat', schema, strict: true } };
    for (const [seed, max_tokens] of [
      [1, 300],
      [2, 300],
      [3, 80],
      [4, 60],
    ] as const) {
      const reply = await ask({ response_format: format, seed, max_tokens, temperature: 2 });
      const text = reply.choices[0]?.message.content ?? '';
      expect(validate(JSON.parse(text)), text).toBe(true);
      expect(reply.choices[0]?.finish_reason).toBe('stop');
    }
  });

  it('are an object, a text of an expression, or one of a grammar', async () => {
    const json = await ask({ response_format: { type: 'json_object' }, max_tokens: 100 });
    expect(JSON.parse(json.choices[0]?.message.content ?? '')).toBeTypeOf('object');
    const date = await ask({ regex: '\\d{4}-\\d{2}' });
    expect(date.choices[0]?.message.content).toMatch(/^\d{4}-\d{2}$/);
    const body = { model: 'tiny', prompt: 'a', grammar: 'root ::= "yes" | "no"' };
    const completion = await client.completions.create(body);
    expect(['yes', 'no']).toContain(completion.choices[0]?.text);
  });

  it('are refused where they cannot be held to, and say where', async () => {
    const format = (inner: object): object => ({
      response_format: { type: 'json_schema', json_schema: { name: 'x', schema: inner } },
    });
    const wrong = { type: 'object', properties: { a: { type: 'text' } } };
    await expect(ask(format(wrong))).rejects.toMatchObject({
      status: 400,
      message: expect.stringContaining('/properties/a'),
    });
    await expect(ask({ ...format(schema), max_tokens: 5 })).rejects.toMatchObject({
      status: 400,
      code: 'constraint_too_long',
    });
    await expect(ask({ regex: '(' })).rejects.toMatchObject({ status: 400 });
    await expect(ask({ regex: 'a', grammar: 'root ::= "a"' })).rejects.toMatchObject({
      status: 400,
      param: 'regex',
    });
    const stopped = ask({ ...format(schema), stop: ['}'] });
    await expect(stopped).rejects.toThrow(/stop is there beside response_format; allowed: none/);
    await expect(stopped).rejects.toMatchObject({ status: 400, param: 'stop' });
    await expect(ask({ ...format(schema), tools: tools.slice(1) })).rejects.toMatchObject({
      status: 400,
      param: 'response_format',
    });
  });

  it('call the tool that is asked for, with arguments of its schema, streamed too', async () => {
    const named = { tools, tool_choice: { type: 'function', function: { name: 'weather' } } };
    const reply = await ask({ ...named, seed: 5 });
    const [choice] = reply.choices;
    expect(choice?.finish_reason).toBe('tool_calls');
    const [call] = choice?.message.tool_calls ?? [];
    if (call?.type !== 'function') throw new Error('no call of a function');
    expect(call.function.name).toBe('weather');
    expect(['Ulm', 'Bonn']).toContain(JSON.parse(call.function.arguments).city);

    const stream = client.chat.completions.stream({
      model: 'tiny',
      messages: [{ role: 'user', content: 'the cat' }],
      max_tokens: 300,
      seed: 6,
      tools,
      tool_choice: 'required',
    });
    const last = (await stream.finalChatCompletion()).choices[0]?.message.tool_calls?.[0];
    if (last?.type !== 'function') throw new Error('no call of a function');
    expect(['weather', 'time']).toContain(last.function.name);
    const answered = await ask({
      tools,
      tool_choice: 'none',
      messages: [
        { role: 'user', content: 'a' },
        { role: 'assistant', content: null, tool_calls: [call] },
        { role: 'tool', tool_call_id: call.id, content: 'warm' },
      ],
      max_tokens: 4,
    });
    expect(answered.choices[0]?.message.tool_calls).toBeUndefined();
  });

  it('hold a strict tool to its schema where the model may call it or not', async () => {
    await using llama = await startTinyServer({
      load: { chatTemplate: '{{ tools[0].function.name }}{{ messages[0].content }}' },
    });
    const other = new OpenAI({ baseURL: `${llama.server.url}/v1`, apiKey: 'x', maxRetries: 0 });
    const create = (body: object): Promise<OpenAI.ChatCompletion> =>
      other.chat.completions.create({
        model: 'tiny',
        messages: [{ role: 'user', content: 'the cat' }],
        max_tokens: 120,
        tools,
        ...body,
      });
    // Id 126 is the byte {: an answer that begins with it is a call, as Llama 3 writes them.
    const called = await create({ logit_bias: { 126: 100 }, seed: 3 });
    expect(called.choices[0]?.finish_reason).toBe('tool_calls');
    const [call] = called.choices[0]?.message.tool_calls ?? [];
    if (call?.type !== 'function') throw new Error('no call of a function');
    const { city } = JSON.parse(call.function.arguments);
    expect(call.function.name === 'time' || ['Ulm', 'Bonn'].includes(city)).toBe(true);
    const said = await create({ logit_bias: { 126: -100 }, max_tokens: 8 });
    expect(said.choices[0]?.message.tool_calls).toBeUndefined();
    expect(said.choices[0]?.message.content?.length).toBeGreaterThan(0);
    const free = await ask({ tools, max_tokens: 5 });
    expect(free.choices[0]?.message.content?.length).toBeGreaterThan(0);
  });

  it('refuse a call of what is not there, and tools where the template has none', async () => {
    const choice = { type: 'function', function: { name: 'nope' } };
    const absent = ask({ tools, tool_choice: choice });
    await expect(absent).rejects.toMatchObject({ status: 400, param: 'tool_choice' });
    await expect(ask({ tools, regex: 'a' })).rejects.toMatchObject({ param: 'tools' });
    await expect(ask({ tool_choice: 'auto' })).rejects.toMatchObject({ param: 'tool_choice' });
    await using plain = await startTinyServer({
      load: { chatTemplate: '{{ messages[0].content }}' },
    });
    const other = new OpenAI({ baseURL: `${plain.server.url}/v1`, apiKey: 'x', maxRetries: 0 });
    const without = other.chat.completions.create({
      model: 'tiny',
      messages: [{ role: 'user', content: 'a' }],
      tools: tools.slice(1),
    });
    await expect(without).rejects.toMatchObject({ status: 400, code: 'tools_unsupported' });
  });
});
