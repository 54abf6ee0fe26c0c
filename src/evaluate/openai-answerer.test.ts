import { setTimeout } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import {
  logprobOf,
  type OpenAiServer,
  type OpenAiServerOptions,
  refuse,
  send,
  startOpenAiServer,
  wordsOf,
} from '../../test/openai-server.ts';
import { tinyTokenizer } from '../../test/tiny-llama.ts';
import {
  type EndpointAnswerer,
  type OpenAiAnswererOptions,
  openOpenAiAnswerer,
} from './openai-answerer.ts';
import type { GenerateRequest, ModelRequest, ModelResponse } from './request.ts';

async function open(
  server: OpenAiServer,
  options: Partial<OpenAiAnswererOptions> = {},
): Promise<EndpointAnswerer> {
  return openOpenAiAnswerer({
    model: 'stub',
    baseUrl: server.baseUrl,
    apiKey: 'sk-secret',
    backoffMs: 1,
    timeoutMs: 20_000,
    ...options,
  });
}

async function ask(
  answerer: EndpointAnswerer,
  requests: readonly ModelRequest[],
  signal?: AbortSignal,
): Promise<ModelResponse[]> {
  const responses: ModelResponse[] = [];
  await answerer.answer(requests, {
    onAnswer: (index, response) => {
      responses[index] = response;
    },
    ...(signal === undefined ? {} : { signal }),
  });
  return responses;
}

const generate = (context: string, changes: Partial<GenerateRequest> = {}): GenerateRequest => ({
  kind: 'generate',
  context,
  until: [],
  maxTokens: 7,
  temperature: 0,
  topP: 1,
  seed: 0,
  ...changes,
});
const pair = (context: string, continuation: string): ModelRequest => ({
  kind: 'loglikelihood',
  context,
  continuation,
});

describe('log-likelihoods of an endpoint', () => {
  it.each([
    ['that counts from the text on', {}],
    ['that counts BOS as text', { bos: '<s>' }],
  ])('are those of the tokens of the continuation, on a server %s', async (_, options) => {
    await using server = await startOpenAiServer(options);
    const answerer = await open(server);
    expect(answerer.refusal('loglikelihood')).toBeUndefined();
    const context = 'Fluß und 🌊 question? Answer:';
    const [one, two] = await ask(answerer, [pair(context, ' yes'), pair(context, ' not at all')]);
    const bos = 'bos' in options ? [options.bos] : [];
    const before = [...bos, ...wordsOf(context)];
    expect(one).toMatchObject({ kind: 'loglikelihood', cut: 0, tokens: before.length + 1 });
    expect(one).toHaveProperty('logprob', logprobOf(before, ' yes'));
    const words = [' not', ' at', ' all'];
    const sum = words.reduce(
      (total, word, i) => total + logprobOf([...before, ...words.slice(0, i)], word),
      0,
    );
    expect(two).toHaveProperty('logprob', sum);
    expect(server.requests[0]?.body).toMatchObject({ echo: true, logprobs: 1, max_tokens: 1 });
    expect(server.requests.every(({ key }) => key === 'Bearer sk-secret')).toBe(true);
  });

  it('are asked for by token ids where the tokenizer is known: rolling texts, too', async () => {
    await using server = await startOpenAiServer();
    const tokenizer = tinyTokenizer(288);
    const answerer = await open(server, { tokenizer, maxLength: 21 });
    const text = 'the rain in the morning and the wind at night';
    const ids = tokenizer.encode(text);
    const [rolling, scored] = await ask(answerer, [
      { kind: 'rolling', text },
      pair('the rain', ' in'),
    ]);
    expect(rolling).toMatchObject({ kind: 'rolling', tokens: ids.length });
    const windows = server.requests.slice(1).map(({ body }) => body['prompt'] as number[]);
    // BOS and 20 tokens, then windows that begin with the last token of the one before.
    expect(windows.find((prompt) => prompt[0] === 1 && prompt.length === 21)).toEqual([
      1,
      ...ids.slice(0, 20),
    ]);
    const prompt = [1, ...tokenizer.encode('the rain in')];
    const from = 1 + tokenizer.encode('the rain').length;
    const words = prompt.map((id) => ` ${id}`);
    const sum = words
      .slice(from)
      .reduce((total, word, i) => total + logprobOf(words.slice(0, from + i), word), 0);
    expect(scored).toHaveProperty('logprob', sum);
  });

  it('are refused with the reason where a server has none: chat only, or one that ignores echo', async () => {
    const reasons: [OpenAiServerOptions, RegExp][] = [
      [{ chatOnly: true }, /This is a chat model/],
      [{ ignoresEcho: true }, /a text that does not begin with the prompt/],
    ];
    for (const [options, reason] of reasons) {
      await using server = await startOpenAiServer(options);
      const answerer = await open(server);
      expect(answerer.refusal('loglikelihood')).toMatch(reason);
      expect(answerer.refusal('rolling')).toMatch(reason);
      expect(answerer.refusal('generate')).toBeUndefined();
    }
    await using server = await startOpenAiServer();
    const chat = await open(server, { usesChatTemplate: true });
    expect(chat.refusal('loglikelihood')).toMatch(/chat template/);
    expect((await open(server)).refusal('rolling')).toMatch(/tokenizer, which was not given/);
  });

  it('that change their shape later are an error, not a number', async () => {
    await using server = await startOpenAiServer({
      mischief: ({ count }, response) => {
        if (count === 1) return false;
        send(response, 200, { choices: [{ text: 'x', logprobs: null }] });
        return true;
      },
    });
    const answerer = await open(server);
    await expect(ask(answerer, [pair('a b', ' c')])).rejects.toMatchObject({
      code: 'CORRAL_ENDPOINT_ANSWER_INVALID',
    });
  });
});

describe('answers of an endpoint', () => {
  it('come from completions, and end at every stop string, also beyond the four that OpenAI takes', async () => {
    await using server = await startOpenAiServer();
    const answerer = await open(server);
    const until = ['a', 'b', 'c', 'd', '7'];
    const [plain, stopped] = await ask(answerer, [generate('Go'), generate('Go', { until })]);
    expect(plain).toMatchObject({ text: ' 7', finish: 'length', promptTokens: 1, tokens: 1 });
    expect(stopped).toMatchObject({ text: ' ', finish: 'stop' });
    const bodies = server.requests.map(({ body }) => body).filter((body) => 'stop' in body);
    expect(bodies[0]).toMatchObject({ stop: ['a', 'b', 'c', 'd'], temperature: 0, seed: 0 });
  });

  it('come from conversations where there are no completions, or a chat template is wanted', async () => {
    await using server = await startOpenAiServer({ chatOnly: true });
    const plain = await open(server);
    const [answer] = await ask(plain, [generate('Hi', { until: ['STOP'] })]);
    expect(answer).toMatchObject({ text: 'user said Hi. ', finish: 'stop', promptTokens: 12 });
    const chat = await open(server, { usesChatTemplate: true });
    const context = chat.renderChat([
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'Hello' },
    ]);
    const [templated] = await ask(chat, [generate(context)]);
    expect(templated).toHaveProperty('text', 'system+user said Hello. STOP more');
  });

  it('are asked for by the other name of the limit where the first is refused', async () => {
    await using server = await startOpenAiServer({
      chatOnly: true,
      mischief: ({ path, body }, response) => {
        if (path !== 'chat/completions' || !('max_tokens' in body)) return false;
        const message = "Unsupported parameter: 'max_tokens' is not supported with this model.";
        refuse(response, 400, message, { param: 'max_tokens' });
        return true;
      },
    });
    await ask(await open(server, { concurrency: 1 }), [generate('one'), generate('two')]);
    const asked = server.requests.filter(({ path }) => path === 'chat/completions');
    expect(asked.map(({ body }) => 'max_completion_tokens' in body)).toEqual([false, true, true]);
  });
});

describe('an endpoint that misbehaves', () => {
  const many = Array.from({ length: 12 }, (_, i) => generate(`Number ${i}`));

  it('is asked again after 429, 500, dropped connections and answers that are no JSON', async () => {
    await using server = await startOpenAiServer({
      mischief: ({ count }, response) => {
        if (count === 1 || count > 30) return false;
        const kind = count % 5;
        if (kind === 0) refuse(response, 429, 'Slow down.', { headers: { 'retry-after': '0.02' } });
        else if (kind === 1) refuse(response, 503, 'Overloaded.');
        else if (kind === 2) response.socket?.destroy();
        else if (kind === 3) response.end('<html>');
        else return false;
        return true;
      },
    });
    const responses = await ask(await open(server, { retries: 40 }), many);
    expect(responses.map((response) => response.kind)).toEqual(many.map(() => 'generate'));
  });

  it('is left alone by everyone for as long as it asks', async () => {
    const times: number[] = [];
    await using server = await startOpenAiServer({
      mischief: ({ count }, response) => {
        times.push(performance.now());
        if (count !== 2) return false;
        refuse(response, 429, 'Slow down.', { headers: { 'retry-after': '0.4' } });
        return true;
      },
    });
    await ask(await open(server, { concurrency: 1 }), many.slice(0, 3));
    expect((times[2] as number) - (times[1] as number)).toBeGreaterThan(380);
    expect(times).toHaveLength(5);
  });

  it('is given up after a time, when its answer never comes', async () => {
    await using server = await startOpenAiServer({ mischief: ({ count }) => count > 1 });
    const answerer = await open(server, { timeoutMs: 1000, retries: 1 });
    await expect(ask(answerer, many)).rejects.toThrow(/no answer in 1 s \(attempts: 2\)/);
  });

  it('that knows neither key nor model says so in its own words, without the key', async () => {
    await using server = await startOpenAiServer({
      mischief: (_, response) => {
        refuse(response, 401, 'Incorrect API key provided.');
        return true;
      },
    });
    const error = await open(server).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'CORRAL_ENDPOINT_REFUSED' });
    expect(String(error)).toContain('Incorrect API key provided');
    expect(JSON.stringify(error)).not.toContain('sk-secret');
    const nowhere = openOpenAiAnswerer({
      model: 'stub',
      baseUrl: 'http://127.0.0.1:9/v1',
      retries: 1,
      backoffMs: 1,
    });
    await expect(nowhere).rejects.toMatchObject({ code: 'CORRAL_ENDPOINT_FAILED' });
  });

  it('that refuses one text names the item', async () => {
    await using server = await startOpenAiServer({
      mischief: ({ path, count }, response) => {
        if (path !== 'completions' || count < 3) return false;
        refuse(response, 400, "This model's maximum context length is 8 tokens.");
        return true;
      },
    });
    const answerer = await open(server, { concurrency: 1 });
    const asked = answerer.answer(many, { describe: () => 'item 7 of long', onAnswer: () => {} });
    await expect(asked).rejects.toMatchObject({
      code: 'CORRAL_ITEM_UNANSWERABLE',
      message: expect.stringMatching(
        /item 7 of long\. .*refused with 400: .*maximum context length/,
      ),
    });
  });

  it('is asked no more than a few things at once, and nothing after the signal', async () => {
    const stop = new AbortController();
    await using server = await startOpenAiServer({
      mischief: ({ path, count }, response) => {
        if (path !== 'completions' || count === 1) return false;
        void setTimeout(30).then(() => send(response, 200, { choices: [{ text: 'x' }] }));
        if (count === 8) stop.abort();
        return true;
      },
    });
    const answerer = await open(server, { concurrency: 3 });
    await expect(ask(answerer, many, stop.signal)).rejects.toThrow('Evaluation was aborted.');
    expect(server.mostAtOnce).toBe(3);
    expect(server.requests.length).toBeLessThan(12);
  });
});

describe('the cost of an endpoint', () => {
  it('is estimated before anything is asked and counted afterwards', async () => {
    await using server = await startOpenAiServer();
    const prices = { inputPerMillion: 2, outputPerMillion: 10 };
    const tokenizer = tinyTokenizer(288);
    const answerer = await open(server, { prices, tokenizer });
    const before = answerer.usage();
    const requests = [generate('the rain', { maxTokens: 50 }), pair('the', ' rain')];
    const asked = server.requests.length;
    const tokens = tokenizer.encode('the rain').length + 1;
    expect(answerer.estimate(requests)).toEqual({
      requests: 2,
      inputTokens: 2 * tokens,
      outputTokensAtMost: 51,
      isGuess: false,
      costAtMost: (2 * tokens * 2 + 51 * 10) / 1e6,
    });
    expect(server.requests).toHaveLength(asked);
    await ask(answerer, requests);
    const { inputTokens, outputTokens, cost } = answerer.usage();
    // The server counts words where it gets text, and ids where it gets those.
    expect(inputTokens - before.inputTokens).toBe(2 + tokens);
    expect(outputTokens - before.outputTokens).toBe(2);
    expect(cost).toBeCloseTo((inputTokens * 2 + outputTokens * 10) / 1e6, 12);
    expect((await open(server)).estimate(requests)).toMatchObject({ isGuess: true });
  });
});
