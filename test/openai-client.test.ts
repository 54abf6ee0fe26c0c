// The unmodified openai client against a server on a socket: what its users do must work as it does with OpenAI.
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTinyServer, type TinyServer, until } from './tiny-server.ts';

const ask: OpenAI.ChatCompletionCreateParamsNonStreaming = {
  model: 'tiny',
  messages: [{ role: 'user', content: 'the cat was' }],
  max_tokens: 8,
  temperature: 0,
};

describe('the openai client', () => {
  let tiny: TinyServer;
  let client: OpenAI;
  beforeAll(async () => {
    tiny = await startTinyServer();
    client = new OpenAI({ baseURL: `${tiny.server.url}/v1`, apiKey: 'none', maxRetries: 0 });
  });
  afterAll(() => tiny[Symbol.asyncDispose]());

  it('lists and finds models', async () => {
    const { data } = await client.models.list();
    expect(data).toMatchObject([{ id: 'tiny', object: 'model', created: 1_700_000_000 }]);
    expect(await client.models.retrieve('tiny')).toMatchObject({ id: 'tiny' });
    await expect(client.models.retrieve('nope')).rejects.toMatchObject({ status: 404 });
  });

  it('gets an answer with its usage, the same that the engine gives', async () => {
    const reply = await client.chat.completions.create(ask);
    const { tokenizer, engine } = await tiny.model();
    const text = 'user: the cat was\nassistant:';
    const prompt = tokenizer.encode(text, { bos: true });
    let said = '';
    let tokens = 0;
    for await (const event of engine.generate({
      prompt,
      temperature: 0,
      maxTokens: 8,
      start: 'text',
    })) {
      said += event.text;
      if (event.type === 'token-delta') tokens++;
    }
    expect(reply.choices[0]?.message.content).toBe(said);
    expect(reply.usage).toMatchObject({
      prompt_tokens: prompt.length,
      completion_tokens: tokens,
      total_tokens: prompt.length + tokens,
    });
    expect(reply.choices[0]?.finish_reason).toBe(tokens === 8 ? 'length' : 'stop');
  });

  it('streams the text of the whole answer, and its usage last', async () => {
    const whole = await client.chat.completions.create({ ...ask, temperature: 0.9, seed: 7, n: 2 });
    const stream = await client.chat.completions.create({
      ...ask,
      temperature: 0.9,
      seed: 7,
      n: 2,
      stream: true,
      stream_options: { include_usage: true },
    });
    const texts = ['', ''];
    let usage: OpenAI.CompletionUsage | null | undefined;
    for await (const chunk of stream) {
      for (const { index, delta } of chunk.choices) texts[index] += delta.content ?? '';
      usage = chunk.usage;
    }
    expect(texts).toEqual(whole.choices.map(({ message }) => message.content));
    expect(texts[0]).not.toBe(texts[1]);
    expect(usage?.completion_tokens).toBe(whole.usage?.completion_tokens);
  });

  it('tells errors apart as the client does', async () => {
    const wrong = client.chat.completions.create({ ...ask, temperature: -1 });
    await expect(wrong).rejects.toBeInstanceOf(OpenAI.BadRequestError);
    await expect(wrong).rejects.toMatchObject({ param: 'temperature', code: 'invalid_value' });
    const unknown = client.chat.completions.create({ ...ask, temprature: 1 } as never);
    await expect(unknown).rejects.toThrow(/Did you mean temperature\?/);
    const absent = client.chat.completions.create({ ...ask, model: 'nope' });
    await expect(absent).rejects.toBeInstanceOf(OpenAI.NotFoundError);
    await expect(absent).rejects.toMatchObject({ code: 'model_not_found', param: 'model' });
    const long = client.chat.completions.create({ ...ask, max_tokens: 2000 });
    await expect(long).rejects.toMatchObject({ status: 400, code: 'context_length_exceeded' });
  });

  it('frees the engine when the client leaves a stream', async () => {
    const { engine } = await tiny.model();
    const stream = await client.chat.completions.create({
      ...ask,
      max_tokens: 900,
      logit_bias: { 2: -100 },
      stream: true,
    });
    for await (const chunk of stream) if (chunk.choices[0]?.delta.content !== '') break;
    await until(() => engine.stats().running === 0 && engine.stats().waiting === 0);
    await until(() => tiny.records.at(-1)?.outcome === 'aborted');
    expect(tiny.records.at(-1)?.completionTokens).toBeLessThan(900);
  });
});
