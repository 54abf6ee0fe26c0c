// Keys as clients meet them: the unmodified clients of OpenAI and Anthropic against a server that wants keys.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  createGate,
  createKey,
  type KeyOptions,
  Ledger,
  openServerDatabase,
} from '../src/api/index.ts';
import { startTinyServer, type TinyServer, until } from './tiny-server.ts';

const ask: OpenAI.ChatCompletionCreateParamsNonStreaming = {
  model: 'tiny',
  messages: [{ role: 'user', content: 'the cat was on the hat and the hat was on the cat' }],
  max_tokens: 8,
  temperature: 0,
  logit_bias: { 2: -100 },
};

// No minute passes while these tests run, however slow the machine.
const clock = { monotonicMs: () => 5000, dateMs: () => Date.now() };

describe('a server that wants keys', () => {
  const lines: string[] = [];
  const note = (fields: object, message: string): void => {
    lines.push(JSON.stringify({ ...fields, message }));
  };
  const logger = { info: note, error: note };
  let folder = '';
  let path = '';
  let ledger: Ledger;
  let tiny: TinyServer;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'corral-server-keys-'));
    path = join(folder, 'server.db');
    ledger = new Ledger({ path, logger });
    tiny = await startTinyServer({
      api: {
        authenticate: createGate({ ledger, required: true, clock }),
        onAnswer: (record) => ledger.record(record),
        readUsage: (query) => ledger.usage(query),
        logger,
        logRequests: true,
      },
    });
  });
  afterAll(async () => {
    await tiny[Symbol.asyncDispose]();
    await ledger.close();
    rmSync(folder, { recursive: true, force: true });
  });

  function makeKey(options: KeyOptions): { readonly id: string; readonly secret: string } {
    using database = openServerDatabase(path);
    const { key, secret } = createKey(database, options);
    return { id: key.id, secret };
  }
  const clientOf = (apiKey: string): OpenAI =>
    new OpenAI({ baseURL: `${tiny.server.url}/v1`, apiKey, maxRetries: 0 });
  const get = (url: string, secret: string): Promise<Response> =>
    fetch(`${tiny.server.url}${url}`, { headers: { authorization: `Bearer ${secret}` } });

  it('tells callers without a good key so, as OpenAI’s client expects it', async () => {
    const unknown = `sk-corral-0123456789ab-${'A'.repeat(43)}`;
    for (const key of ['none', unknown]) {
      const refused = clientOf(key).chat.completions.create(ask);
      await expect(refused).rejects.toBeInstanceOf(OpenAI.AuthenticationError);
      await expect(refused).rejects.toMatchObject({
        status: 401,
        code: 'invalid_api_key',
        type: 'authentication_error',
      });
    }
    const bare = await fetch(`${tiny.server.url}/v1/models`);
    expect(bare.status).toBe(401);
    expect(bare.headers.get('www-authenticate')).toBe('Bearer realm="corral"');
    expect(await bare.json()).toMatchObject({ error: { code: 'missing_api_key', param: null } });
    for (const open of ['/health', '/ready', '/openapi.json']) {
      expect((await fetch(`${tiny.server.url}${open}`)).status).toBe(200);
    }
    expect((await fetch(`${tiny.server.url}/metrics`)).status).toBe(401);
  });

  it('answers a key, also where it comes as Anthropic’s client sends it', async () => {
    const { id, secret } = makeKey({ name: 'both clients' });
    expect((await clientOf(secret).chat.completions.create(ask)).usage?.completion_tokens).toBe(8);
    const client = new Anthropic({ baseURL: tiny.server.url, apiKey: secret, maxRetries: 0 });
    const message = { model: 'tiny', max_tokens: 4, messages: ask.messages as [] };
    const { usage } = await client.messages.create(message);
    const [use] = await ledger.usage({ ...today(), keys: [id] });
    expect(use).toMatchObject({ answers: 2, completionTokens: 8 + usage.output_tokens });
    const stranger = new Anthropic({ baseURL: tiny.server.url, apiKey: 'none', maxRetries: 0 });
    const refused = stranger.messages.create(message);
    await expect(refused).rejects.toBeInstanceOf(Anthropic.AuthenticationError);
  });

  it('hides models that a key may not use, as if they were not there', async () => {
    const { secret } = makeKey({ name: 'another model', models: ['other', 'third'] });
    const client = clientOf(secret);
    expect((await client.models.list()).data).toEqual([]);
    const messages: string[] = [];
    for (const model of ['tiny', 'third', 'nowhere']) {
      const refused = client.chat.completions.create({ ...ask, model });
      await expect(refused).rejects.toMatchObject({ status: 404, code: 'model_not_found' });
      const error = await refused.catch((one: Error) => one);
      messages.push((error as Error).message.replace(model, 'M'));
    }
    // One that is served to others, one that the key might use, and one that there never was.
    expect(new Set(messages).size).toBe(1);
    await expect(client.models.retrieve('tiny')).rejects.toBeInstanceOf(OpenAI.NotFoundError);
    const { engine } = await tiny.model();
    expect(engine.stats().running).toBe(0);
    expect(await (await get('/metrics', secret)).text()).not.toContain('model="tiny"');
    const { secret: free } = makeKey({ name: 'all models' });
    expect(await (await get('/metrics', free)).text()).toContain('model="tiny"');
  });

  it('lets no more requests in than a minute has, and says when to come again', async () => {
    const { secret } = makeKey({ name: 'three a minute', requestsPerMinute: 3 });
    const client = clientOf(secret);
    const { response } = await client.chat.completions.create(ask).withResponse();
    expect(response.headers.get('x-ratelimit-limit-requests')).toBe('3');
    expect(response.headers.get('x-ratelimit-remaining-requests')).toBe('2');
    expect(response.headers.get('x-ratelimit-limit-tokens')).toBeNull();
    await client.chat.completions.create(ask);
    // What is refused for its fields was a request, too; looking at the models is none.
    await expect(client.chat.completions.create({ ...ask, n: 0 })).rejects.toMatchObject({
      status: 400,
    });
    await client.models.list();
    const refused = client.chat.completions.create(ask);
    await expect(refused).rejects.toBeInstanceOf(OpenAI.RateLimitError);
    const error = await refused.catch((one: InstanceType<typeof OpenAI.RateLimitError>) => one);
    expect(error).toMatchObject({ code: 'rate_limit_exceeded', type: 'rate_limit_error' });
    const { headers } = error as { headers: Headers };
    expect(headers.get('retry-after')).toBe('60');
    expect(headers.get('x-ratelimit-remaining-requests')).toBe('0');
    expect(headers.get('x-ratelimit-reset-requests')).toBe('1m0s');
    expect((await client.models.list()).data).toHaveLength(1);
  });

  it('ends a key’s day with its tokens, those of answers that were left included', async () => {
    const { id, secret } = makeKey({ name: 'few tokens', tokensPerDay: 100 });
    const client = clientOf(secret);
    const stream = await client.chat.completions.create({ ...ask, max_tokens: 500, stream: true });
    let seen = 0;
    for await (const { choices } of stream) if (choices[0]?.delta.content && ++seen > 20) break;
    await until(async () => (await ledger.usage(today())).some(({ key }) => key === id));
    const [left] = (await ledger.usage({ ...today(), keys: [id] })).map((use) => use);
    expect(left).toMatchObject({ answers: 1, aborted: 1 });
    const leftTokens = (left?.promptTokens ?? 0) + (left?.completionTokens ?? 0);
    expect(left?.completionTokens).toBeGreaterThan(20);
    let used = leftTokens;
    for (; used < 100; ) {
      const { data, response } = await client.chat.completions.create(ask).withResponse();
      const remaining = Number(response.headers.get('x-ratelimit-remaining-tokens'));
      expect(remaining).toBe(100 - used);
      used += data.usage?.total_tokens ?? 0;
    }
    const refused = client.chat.completions.create(ask);
    await expect(refused).rejects.toBeInstanceOf(OpenAI.RateLimitError);
    await expect(refused).rejects.toMatchObject({ code: 'token_limit_exceeded' });
    const [total] = await ledger.usage({ ...today(), keys: [id] });
    expect((total?.promptTokens ?? 0) + (total?.completionTokens ?? 0)).toBe(used);
    // A server that is started again knows what was used.
    await using again = new Ledger({ path, logger });
    const gate = createGate({ ledger: again, required: true });
    const request = new Request('http://a/', { headers: { 'x-api-key': secret } });
    const { limits } = await gate(request);
    expect(() => limits?.admit()).toThrow(/tokens today; a day has 100/);
  });

  it('shows a key its own usage, by day and model, and no other’s', async () => {
    const { id, secret } = makeKey({ name: 'looks at usage' });
    const { secret: other } = makeKey({ name: 'has used nothing' });
    const client = clientOf(secret);
    const { usage } = await client.chat.completions.create(ask);
    const input = ['the cat', 'a hat'];
    const embedded = await client.embeddings.create({ model: 'tiny', input });
    const page = (await client.get('/usage')) as { data: { results: Record<string, unknown>[] }[] };
    const midnight = Date.parse(`${today().from}T00:00:00Z`) / 1000;
    expect(page).toMatchObject({
      object: 'page',
      has_more: false,
      data: [
        {
          object: 'bucket',
          start_time: midnight,
          end_time: midnight + 86_400,
          results: [
            {
              model: 'tiny',
              api_key_id: id,
              num_model_requests: 2,
              input_tokens: (usage?.prompt_tokens ?? 0) + embedded.usage.prompt_tokens,
              output_tokens: 8,
              aborted_requests: 0,
            },
          ],
        },
      ],
    });
    expect(page.data[0]?.results[0]?.['engine_seconds']).toBeGreaterThan(0);
    expect(await clientOf(other).get('/usage')).toMatchObject({ data: [] });
    expect(await client.get(`/usage?key=${id}&models=other`)).toMatchObject({ data: [] });
    const query = { models: ['other', 'tiny'], start_time: midnight };
    expect(await client.get('/usage', { query })).toMatchObject({ data: [{ results: [{}] }] });
    expect(await client.get('/usage', { query: { end_time: midnight } })).toMatchObject({
      data: [],
    });
    const foreign = clientOf(other).get(`/usage?key=${id}`);
    await expect(foreign).rejects.toBeInstanceOf(OpenAI.PermissionDeniedError);
    await expect(foreign).rejects.toMatchObject({ status: 403, code: 'permission_denied' });
    for (const wrong of ['start_time=x', 'bucket_width=1h', 'page=2']) {
      await expect(client.get(`/usage?${wrong}`)).rejects.toMatchObject({ status: 400 });
    }
    expect((await get('/v1/usage?key=a&key=b', secret)).status).toBe(400);
  });

  it('shares nothing that was computed between keys, but between those of one tenant', async () => {
    const cachedOf = async (secret: string): Promise<number | undefined> =>
      (await clientOf(secret).chat.completions.create(ask)).usage?.prompt_tokens_details
        ?.cached_tokens;
    const [first, second] = [makeKey({ name: 'cache 1' }), makeKey({ name: 'cache 2' })];
    expect(await cachedOf(first.secret)).toBe(0);
    expect(await cachedOf(first.secret)).toBeGreaterThan(0);
    expect(await cachedOf(second.secret)).toBe(0);
    const shared = [1, 2].map((each) => makeKey({ name: `ward ${each}`, tenant: 'ward' }).secret);
    expect(await cachedOf(shared[0] as string)).toBe(0);
    expect(await cachedOf(shared[1] as string)).toBeGreaterThan(0);
  });

  it('writes no key into its log, but says whose request it was', async () => {
    const { id, secret } = makeKey({ name: 'in the log' });
    await clientOf(secret).chat.completions.create(ask);
    expect(lines.at(-1)).toContain(`"key":"${id}"`);
    expect(lines.join('\n')).not.toMatch(/sk-corral-/);
  });
});

function today(): { readonly from: string; readonly to: string } {
  const day = new Date().toISOString().slice(0, 10);
  return { from: day, to: day };
}
