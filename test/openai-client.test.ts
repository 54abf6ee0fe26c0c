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

  it('gives log-probabilities that the engine scores alike, in chats and completions', async () => {
    const { tokenizer, engine } = await tiny.model();
    const reply = await client.completions.create({
      model: 'tiny',
      prompt: 'the cat was',
      max_tokens: 4,
      temperature: 0,
      logprobs: 2,
      echo: true,
      logit_bias: { 2: -100 },
    });
    const choice = reply.choices[0];
    const shown = choice?.logprobs;
    const prompt = tokenizer.encode('the cat was', { bos: true });
    expect(choice?.text.startsWith('the cat was')).toBe(true);
    expect(shown?.tokens).toHaveLength(prompt.length - 1 + 4);
    // The first is the tokenizer's space before a text, which is no part of it.
    expect(shown?.text_offset?.slice(0, 3)).toEqual([0, 0, 1]);
    const { logprobs } = await engine.score(prompt);
    for (const [at, logprob] of logprobs.entries()) {
      expect(shown?.token_logprobs?.[at]).toBeCloseTo(logprob, 4);
    }
    const chat = await client.chat.completions.create({ ...ask, logprobs: true, top_logprobs: 3 });
    const first = chat.choices[0]?.logprobs?.content?.[0];
    expect(first?.top_logprobs).toHaveLength(3);
    expect(first?.logprob).toBe(first?.top_logprobs[0]?.logprob);
    const token = first?.token ?? '';
    const part = /^bytes:\\x(..)$/.exec(token)?.[1];
    const bytes = part === undefined ? Buffer.from(token) : Buffer.from(part, 'hex');
    expect(first?.bytes).toEqual([...bytes]);
  });

  it('completes texts and ids, one or many, streamed or whole, in the order asked', async () => {
    const { tokenizer } = await tiny.model();
    const texts = ['the cat', 'a hat in the'];
    const options = { model: 'tiny', max_tokens: 5, temperature: 0, seed: 1 } as const;
    const many = await client.completions.create({ ...options, prompt: texts, n: 2 });
    expect(many.choices.map(({ index }) => index)).toEqual([0, 1, 2, 3]);
    const ids = texts.map((text) => tokenizer.encode(text, { bos: true }));
    const alike = await client.completions.create({ ...options, prompt: ids });
    expect(alike.choices.map(({ text }) => text)).toEqual(
      [0, 2].map((index) => many.choices[index]?.text),
    );
    const stream = await client.completions.create({ ...options, prompt: ids, stream: true });
    const pieces = ['', ''];
    for await (const { choices } of stream) {
      for (const { index, text } of choices) pieces[index] += text;
    }
    expect(pieces).toEqual(alike.choices.map(({ text }) => text));
    expect(alike.usage?.prompt_tokens).toBe(ids.flat().length);
  });

  it('shows the likeliest of several', async () => {
    const options = { model: 'tiny', prompt: 'a', max_tokens: 6, seed: 3, logprobs: 0 } as const;
    const all = await client.completions.create({ ...options, n: 4 });
    const mean = ({ logprobs }: OpenAI.CompletionChoice): number => {
      const values = logprobs?.token_logprobs ?? [];
      return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
    };
    const best = [...all.choices].sort((a, b) => mean(b) - mean(a))[0];
    const one = await client.completions.create({ ...options, best_of: 4 });
    expect(one.choices.map(({ text }) => text)).toEqual([best?.text]);
    expect(one.usage?.completion_tokens).toBe(all.usage?.completion_tokens);
    const few = client.completions.create({ ...options, n: 3, best_of: 2 });
    await expect(few).rejects.toMatchObject({ status: 400, param: 'best_of' });
  });

  it('says why there is no suffix, and no other thing that it does not do', async () => {
    const suffix = client.completions.create({ model: 'tiny', prompt: 'a', suffix: 'b' });
    await expect(suffix).rejects.toMatchObject({ status: 400, param: 'suffix' });
    const audio = client.chat.completions.create({ ...ask, modalities: ['text', 'audio'] });
    await expect(audio).rejects.toMatchObject({ status: 400 });
    const image = { type: 'image_url', image_url: { url: 'data:' } } as const;
    const looking = client.chat.completions.create({
      ...ask,
      messages: [{ role: 'user', content: [image] }],
    });
    await expect(looking).rejects.toMatchObject({ status: 400 });
  });

  it('continues the last message, ends where the assistant ended, and echoes what applied', async () => {
    const { tokenizer } = await tiny.model();
    const body = {
      ...ask,
      messages: [...ask.messages, { role: 'assistant', content: 'on the' }],
      continue_final_message: true,
      return_token_ids: true,
      corral: { settings: true, timings: true },
    };
    const reply = (await client.chat.completions.create(body as never)) as unknown as Record<
      string,
      unknown
    >;
    const text = 'user: the cat was\nassistant: on the';
    expect(reply['prompt_token_ids']).toEqual(tokenizer.encode(text, { bos: true }));
    expect(reply['corral']).toMatchObject({
      settings: { temperature: 0, max_tokens: 8, priority: 'interactive' },
      timings: { predicted_n: 8 },
    });
  });

  it('turns text to ids and back', async () => {
    const post = async (path: string, body: object): Promise<Record<string, unknown>> =>
      (await client.post(`${tiny.server.url}${path}`, { body })) as Record<string, unknown>;
    const { tokenizer } = await tiny.model();
    const { tokens, count } = await post('/tokenize', { model: 'tiny', prompt: 'the cat' });
    expect(tokens).toEqual(tokenizer.encode('the cat', { bos: true }));
    expect(count).toBe((tokens as number[]).length);
    expect(await post('/detokenize', { model: 'tiny', tokens })).toMatchObject({
      prompt: 'the cat',
    });
    const messages = [{ role: 'user', content: 'a' }];
    const chat = await post('/tokenize', { model: 'tiny', messages });
    expect(chat['tokens']).toEqual(tokenizer.encode('user: a\nassistant:', { bos: true }));
  });

  it('embeds texts as vectors of length 1, in base64 and as numbers alike', async () => {
    const { tokenizer, engine } = await tiny.model();
    const input = ['the cat', 'a hat'];
    // The client asks for base64 itself, and decodes it.
    const { data, usage } = await client.embeddings.create({ model: 'tiny', input });
    const floats = await client.embeddings.create({
      model: 'tiny',
      input,
      encoding_format: 'float',
    });
    expect(data.map(({ embedding }) => embedding)).toEqual(
      floats.data.map(({ embedding }) => embedding),
    );
    const ids = input.map((text) => tokenizer.encode(text, { bos: true }));
    const [own] = await Promise.all(ids.map((each) => engine.embed(each, { pooling: 'mean' })));
    expect(floats.data[0]?.embedding).toEqual([...(own ?? [])]);
    expect(Math.hypot(...(floats.data[1]?.embedding ?? []))).toBeCloseTo(1, 5);
    expect(usage).toEqual({ prompt_tokens: ids.flat().length, total_tokens: ids.flat().length });
    const short = client.embeddings.create({ model: 'tiny', input, dimensions: 3 });
    await expect(short).rejects.toMatchObject({ status: 400, param: 'dimensions' });
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
