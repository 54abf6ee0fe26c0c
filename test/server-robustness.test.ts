// What the server does with those who mean no good, or cannot keep up: it answers 4xx, cuts the line,
// keeps quiet about what was said, and goes on.
import { connect } from 'node:net';
import { text as readText } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sendHostile } from './http-requests.ts';
import { startTinyServer, type TinyServer, until } from './tiny-server.ts';

const ask = { model: 'tiny', messages: [{ role: 'user', content: 'a' }], temperature: 0 };
const endless = { ...ask, max_tokens: 900, logit_bias: { 2: -100 } };

function post(url: string, body: unknown): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
}

describe('the server', () => {
  const lines: string[] = [];
  const note = (fields: object, message: string): void => {
    lines.push(JSON.stringify({ ...fields, message }));
  };
  let tiny: TinyServer;
  let url = '';
  beforeAll(async () => {
    const logger = { info: note, error: note };
    tiny = await startTinyServer({
      api: {
        logger,
        logRequests: true,
        settings: { maxBodyBytes: 200_000, maxUnreadBytes: 40_000, unreadTimeoutMs: 2000 },
      },
      listen: { headersTimeoutMs: 400, bodyTimeoutMs: 600 },
    });
    url = `${tiny.server.url}/v1/chat/completions`;
  });
  afterAll(() => tiny[Symbol.asyncDispose]());

  it('answers no malformed, hostile or half-sent request with a 5xx, and goes on', async () => {
    const failures: string[] = [];
    const statuses = await sendHostile(tiny.server.port, {
      seed: 20,
      count: 200,
      onFailure: (index, request) => failures.push(`${index}: ${request}`),
    });
    expect(failures).toEqual([]);
    // Enough of them reach the model: it is not the door alone that is tested.
    expect(statuses.get(200)).toBeGreaterThan(15);
    const kinds = [...statuses.keys()];
    expect(kinds).toEqual(expect.arrayContaining([200, 400, 404]));
    expect((await post(url, { ...ask, max_tokens: 1 })).status).toBe(200);
    const { engine } = await tiny.model();
    await until(() => engine.stats().running === 0 && engine.stats().waiting === 0);
  });

  it('refuses what is too large, too deep, or no UTF-8, before anything looks at it', async () => {
    const large = await post(url, 'x'.repeat(300_000));
    expect(large.status).toBe(413);
    expect(await large.json()).toMatchObject({ error: { code: 'request_too_large' } });
    const deep = await post(url, `{"model":${'['.repeat(65)}${']'.repeat(65)}}`);
    expect(await deep.json()).toMatchObject({ error: { code: 'invalid_body' } });
    const bytes = await fetch(url, { method: 'POST', body: new Uint8Array([0x22, 0xff, 0x22]) });
    expect(await bytes.text()).toMatch(/is not UTF-8/);
  });

  it.each([
    ['headers', 'POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\n'],
    ['a body', 'POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\ncontent-length: 50\r\n\r\n{"mod'],
  ])('waits for %s only so long', async (_, text) => {
    const socket = connect(tiny.server.port, '127.0.0.1');
    socket.write(text);
    const startAt = performance.now();
    expect(await readText(socket)).toMatch(/^HTTP\/1\.1 408 /);
    expect(performance.now() - startAt).toBeLessThan(5000);
  });

  it('cuts off a client that does not read, and frees the engine', async () => {
    const { engine } = await tiny.model();
    const body = JSON.stringify({
      ...endless,
      n: 40,
      stream: true,
      logprobs: true,
      top_logprobs: 20,
    });
    const socket = connect(tiny.server.port, '127.0.0.1');
    socket.on('error', () => {});
    // Never read: the socket stays paused without a listener for its data.
    socket.write(
      `POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    );
    const before = tiny.records.length;
    await until(() => engine.stats().running > 0);
    await until(() => engine.stats().running === 0);
    await until(() => tiny.records.length > before);
    expect(tiny.records.at(-1)?.outcome).toBe('aborted');
    expect(tiny.records.at(-1)?.completionTokens).toBeLessThan(40 * 900);
    socket.destroy();
  });

  it('ends an answer in time, and sends what was said by then', async () => {
    await using slow = await startTinyServer({ api: { settings: { answerTimeoutMs: 60 } } });
    // Loaded now: the time is that of the answer.
    await slow.model();
    const reply = await post(`${slow.server.url}/v1/chat/completions`, { ...endless, n: 20 });
    expect(await reply.text()).toContain('"finish_reason":"length"');
    expect(slow.records.at(-1)?.completionTokens).toBeLessThan(20 * 900);
  });

  it('sends headers that keep browsers from doing more than they are told', async () => {
    const { headers } = await fetch(`${tiny.server.url}/health`, {
      headers: { origin: 'http://a' },
    });
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('content-security-policy')).toMatch(/default-src 'none'/);
    expect(headers.get('access-control-allow-origin')).toBeNull();
    const named = await fetch(`${tiny.server.url}/health`, {
      headers: { 'x-request-id': 'mine-1' },
    });
    expect(named.headers.get('x-request-id')).toBe('mine-1');
  });

  it('never writes what was said into its log', async () => {
    const secret = 'the patient is called Zwetschge';
    const messages = [{ role: 'user', content: secret }];
    for (const body of [
      { ...ask, messages, max_tokens: 2 },
      { ...ask, messages: [{ role: 'user', content: { secret } }] },
      { ...ask, messages, [secret]: 1 },
      `{"model": "tiny", ${secret}`,
      { ...ask, messages, model: secret },
    ]) {
      await (await post(url, body)).text();
    }
    expect(lines.length).toBeGreaterThan(5);
    expect(lines.join('\n')).not.toContain('Zwetschge');
    expect(lines.at(-1)).toContain('"status":404');
  });

  it('lets pages of a named origin call, and no others', async () => {
    await using open = await startTinyServer({ api: { settings: { origins: ['http://a'] } } });
    const allowed = async (origin: string): Promise<string | null> =>
      (await fetch(`${open.server.url}/health`, { headers: { origin } })).headers.get(
        'access-control-allow-origin',
      );
    expect(await allowed('http://a')).toBe('http://a');
    expect(await allowed('http://b')).toBeNull();
  });

  it('finishes what is under way when it goes down, and refuses what is new', async () => {
    await using other = await startTinyServer();
    const path = `${other.server.url}/v1/chat/completions`;
    const streaming = await post(path, { ...endless, max_tokens: 150, stream: true });
    const reading = streaming.text();
    const drained = other.server.drain();
    const late = await post(path, ask);
    expect(late.status).toBe(503);
    expect(late.headers.get('retry-after')).toBe('5');
    expect((await fetch(`${other.server.url}/ready`)).status).toBe(503);
    expect((await fetch(`${other.server.url}/health`)).status).toBe(200);
    expect(await reading).toMatch(/data: \[DONE\]\n\n$/);
    await drained;
    expect(other.records.at(-1)).toMatchObject({ completionTokens: 150, outcome: 'whole' });
    await expect(fetch(path)).rejects.toThrow();
  });

  it('asks those who come to a full queue to come again', async () => {
    await using full = await startTinyServer({ load: { maxWaiting: 0, sequences: 1 } });
    const path = `${full.server.url}/v1/chat/completions`;
    const replies = await Promise.all(
      Array.from({ length: 6 }, () => post(path, { ...endless, max_tokens: 60 })),
    );
    const busy = replies.filter(({ status }) => status === 429);
    expect(replies.some(({ status }) => status === 200)).toBe(true);
    expect(busy.length).toBeGreaterThan(0);
    expect(Number(busy[0]?.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await busy[0]?.json()).toMatchObject({ error: { type: 'rate_limit_error' } });
  });
});
