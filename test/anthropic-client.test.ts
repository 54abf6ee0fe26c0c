// The unmodified client of Anthropic's against a server on a socket: what its users do must work here.
import Anthropic from '@anthropic-ai/sdk';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTinyServer, type TinyServer, until } from './tiny-server.ts';

// The client's types have no temperature any more.
const ask: Anthropic.MessageCreateParamsNonStreaming = {
  model: 'tiny',
  messages: [{ role: 'user', content: 'the cat was' }],
  max_tokens: 8,
  ...{ temperature: 0 },
};

const schema = {
  type: 'object',
  properties: {
    city: { enum: ['Ulm', 'Bonn'] },
    days: { type: 'integer', minimum: 1, maximum: 3 },
  },
  required: ['city', 'days'],
  additionalProperties: false,
} as const;
const tools: Anthropic.Tool[] = [
  { name: 'weather', description: 'Tells it', input_schema: schema as never },
];

describe('the client of Anthropic’s', () => {
  let tiny: TinyServer;
  let client: Anthropic;
  beforeAll(async () => {
    tiny = await startTinyServer();
    client = new Anthropic({ baseURL: tiny.server.url, apiKey: 'none', maxRetries: 0 });
  });
  afterAll(() => tiny[Symbol.asyncDispose]());

  async function engineSays(text: string, start: 'text' | 'continuation'): Promise<string> {
    const { tokenizer, engine } = await tiny.model();
    const prompt = tokenizer.encode(text, { bos: true });
    let said = '';
    for await (const event of engine.generate({ prompt, temperature: 0, maxTokens: 8, start })) {
      said += event.text;
    }
    return said;
  }

  it('gets an answer with its usage, the same that the engine gives', async () => {
    const expected = await engineSays('system: be brief\nuser: the cat was\nassistant:', 'text');
    const message = await client.messages.create({ ...ask, system: 'be brief' });
    expect(message).toMatchObject({ type: 'message', role: 'assistant', model: 'tiny' });
    expect(message.content).toMatchObject([{ type: 'text', text: expected }]);
    const again = await client.messages.create({
      ...ask,
      system: [{ type: 'text', text: 'be brief', cache_control: { type: 'ephemeral' } }],
      metadata: { user_id: 'u' },
    });
    expect(again.content).toEqual(message.content);
    const { tokenizer } = await tiny.model();
    const count = tokenizer.encode('system: be brief\nuser: the cat was\nassistant:', {
      bos: true,
    }).length;
    const { input_tokens: fresh, cache_read_input_tokens: cached } = again.usage;
    expect(cached).toBeGreaterThan(0);
    expect(fresh + (cached ?? 0)).toBe(count);
    expect(tiny.records.at(-1)).toMatchObject({ path: '/v1/messages', promptTokens: count });
  });

  it('streams the text of the whole answer, and ends as it does', async () => {
    const sampled = { ...ask, temperature: 0.9, seed: 7, max_tokens: 12 };
    const whole = await client.messages.create(sampled);
    const stream = client.messages.stream(sampled);
    let text = '';
    stream.on('text', (delta) => {
      text += delta;
    });
    const final = await stream.finalMessage();
    expect(final.content).toEqual(whole.content);
    expect(whole.content).toMatchObject([{ text }]);
    expect(final.stop_reason).toBe(whole.stop_reason);
    expect(final.usage.output_tokens).toBe(whole.usage.output_tokens);
  });

  it('goes on where the last message ends', async () => {
    const said = await engineSays('user: the cat was\nassistant: on the', 'continuation');
    const message = await client.messages.create({
      ...ask,
      messages: [...ask.messages, { role: 'assistant', content: 'on the' }],
    });
    expect(message.content).toMatchObject([{ text: said }]);
  });

  it('ends at a stop sequence and says at which', async () => {
    const whole = await client.messages.create({ ...ask, max_tokens: 20 });
    const text = whole.content[0]?.type === 'text' ? whole.content[0].text : '';
    const at = Math.floor(text.length / 2);
    const stop = text.slice(at, at + 2);
    const message = await client.messages.create({
      ...ask,
      max_tokens: 20,
      stop_sequences: ['never so', stop],
    });
    expect(message).toMatchObject({ stop_reason: 'stop_sequence', stop_sequence: stop });
    const before = text.slice(0, text.indexOf(stop));
    expect(message.content).toMatchObject(before === '' ? [] : [{ text: before }]);
  });

  it('uses tools, whole and streamed, and reads their results', async () => {
    const using = { ...ask, max_tokens: 200, tools, tool_choice: { type: 'any' } as const };
    const message = await client.messages.create(using);
    expect(message.stop_reason).toBe('tool_use');
    const [block] = message.content;
    expect(block).toMatchObject({ type: 'tool_use', name: 'weather' });
    if (block?.type !== 'tool_use') return;
    const input = block.input as { city: string; days: number };
    expect(['Ulm', 'Bonn']).toContain(input.city);
    expect([1, 2, 3]).toContain(input.days);
    const streamed = await client.messages.stream(using).finalMessage();
    expect(streamed.content).toMatchObject([{ type: 'tool_use', name: 'weather', input }]);
    expect(streamed.stop_reason).toBe('tool_use');
    const answer = await client.messages.create({
      ...ask,
      tools,
      messages: [
        ...ask.messages,
        { role: 'assistant', content: message.content },
        {
          role: 'user',
          content: [{ type: 'tool_result', tool_use_id: block.id, content: 'rain' }],
        },
      ],
    });
    expect(answer.usage.output_tokens).toBe(8);
  });

  it('counts tokens as the answer does', async () => {
    const conversation = { model: ask.model, messages: ask.messages };
    const { input_tokens: counted } = await client.messages.countTokens(conversation);
    const { usage } = await client.messages.create(ask);
    expect(counted).toBe(usage.input_tokens + (usage.cache_read_input_tokens ?? 0));
    const more = await client.messages.countTokens({ ...conversation, system: 'be brief', tools });
    expect(more.input_tokens).toBeGreaterThan(counted + 20);
  });

  it('takes more tokens than the context has for as many as there are, but no such prompt', async () => {
    const format = { type: 'json_schema', schema: { enum: ['a hat', 'a cat'] } } as const;
    const message = await client.messages.create(
      { ...ask, max_tokens: 100_000, output_config: { format } },
      { timeout: 60_000 },
    );
    const text = message.content[0]?.type === 'text' ? message.content[0].text : '';
    expect(['a hat', 'a cat']).toContain(JSON.parse(text));
    const over = client.messages.create({
      ...ask,
      messages: [{ role: 'user', content: 'the cat was on the hat. '.repeat(60) }],
    });
    await expect(over).rejects.toThrow(/the context holds 1024/);
  });

  it('tells errors apart as the client does', async () => {
    const wrong = client.messages.create({ ...ask, ...{ temperature: -1 } });
    await expect(wrong).rejects.toBeInstanceOf(Anthropic.BadRequestError);
    await expect(wrong).rejects.toMatchObject({
      error: {
        type: 'error',
        error: {
          type: 'invalid_request_error',
          message: expect.stringMatching(/^temperature is -1/),
        },
        request_id: expect.stringMatching(/^[\w-]{36}$/),
      },
      requestID: expect.stringMatching(/^[\w-]{36}$/),
    });
    const absent = client.messages.create({ ...ask, model: 'nope' });
    await expect(absent).rejects.toBeInstanceOf(Anthropic.NotFoundError);
    await expect(absent).rejects.toMatchObject({ error: { error: { type: 'not_found_error' } } });
    const thinking = client.messages.create({
      ...ask,
      thinking: { type: 'enabled', budget_tokens: 2000 },
    });
    await expect(thinking).rejects.toThrow(/thinking\.type is \\?"enabled/);
    const batches = client.messages.batches.list();
    await expect(batches).rejects.toMatchObject({ error: { error: { type: 'not_found_error' } } });
  });

  it('frees the engine when the client leaves a stream', async () => {
    const { engine } = await tiny.model();
    const stream = client.messages.stream({
      ...ask,
      max_tokens: 900,
      output_config: {
        format: { type: 'json_schema', schema: { type: 'string', minLength: 800 } },
      },
    });
    for await (const event of stream) if (event.type === 'content_block_delta') break;
    await until(() => engine.stats().running === 0 && engine.stats().waiting === 0);
    await until(() => tiny.records.at(-1)?.outcome === 'aborted');
    expect(tiny.records.at(-1)?.completionTokens).toBeLessThan(900);
  });
});
