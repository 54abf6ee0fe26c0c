// A server that speaks Corral's protocol and says what a test asks for: the page under its real policy, streamed
// answers with probabilities, errors, delays and broken connections. No model.
import { type ServerType, serve } from '@hono/node-server';
import { Hono } from 'hono';
import { streamSSE } from 'hono/streaming';
import { readPage, sendPage } from '../../src/api/routes/page.ts';

/** What a request of the page looked like. */
export interface AskedBody {
  readonly model: string;
  readonly messages: readonly { readonly role: string; readonly content: string }[];
  readonly continue_final_message?: boolean;
  readonly logprobs?: boolean;
  readonly [field: string]: unknown;
}

/** A running server. */
export interface FakeServer extends AsyncDisposable {
  readonly url: string;
  readonly asked: AskedBody[];
  /** Requests that were left by the page before their end. */
  left: number;
  /** The key that is wanted, if one is. */
  key: string | undefined;
}

/** What it says to a message; anything else gets `usual`. */
export const answers: Readonly<Record<string, string>> = {
  usual: 'The brown llama jumps over the fence.',
  markdown: [
    '# Fences\n\nA **fence** has [posts](https://example.com/posts) and:\n\n- rails\n- nails\n',
    '```js\nconst posts = 3; // per side\n```\n\n| post | height |\n|---|---:|\n| left | 2 |\n',
  ].join('\n'),
  evil: [
    'Look: <img src=x onerror="window.evil = 1"><script>window.evil = 2</script>',
    '<svg onload="window.evil = 3"></svg>\n\n<iframe src="javascript:parent.evil=4"></iframe>',
    '![cat](http://evil.example/cat.png) [click](javascript:window.evil=5) <b onclick="evil=6">b</b>',
    '[ok](https://safe.example/a)',
  ].join('\n\n'),
  long: Array.from({ length: 400 }, (_, index) => `word${index}`).join(' '),
};

const piecesOf = (text: string): string[] => text.match(/\s*\S+/gu) ?? [];
const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

function entry(token: string, probability: number): object {
  return { token, bytes: [...new TextEncoder().encode(token)], logprob: Math.log(probability) };
}

/** A token with three rivals, the last of which is the end. */
function logprobsOf(token: string): object {
  const rivals = [entry(token, 0.6), entry(' ALTERNATIVE', 0.25), entry(' THIRD', 0.1)];
  const end = { token: '</s>', bytes: null, logprob: Math.log(0.04) };
  return { content: [{ ...entry(token, 0.6), top_logprobs: [...rivals, end] }] };
}

/** What is left to say: the rest of the answer, or something new behind an alternative. */
function restOf({ messages, continue_final_message: continues }: AskedBody): string {
  const asked = messages.findLast(({ role }) => role === 'user')?.content ?? '';
  const whole = answers[asked] ?? (asked === 'break' ? answers['long'] : answers['usual']) ?? '';
  if (continues !== true) return whole;
  const begun = messages.at(-1)?.content ?? '';
  return whole.startsWith(begun) ? whole.slice(begun.length) : ' goes on.';
}

/** Starts one on a free port, with the built page of a folder. */
export async function startFakeServer(pageFolder: string): Promise<FakeServer> {
  const app = new Hono();
  const state: Pick<FakeServer, 'asked' | 'left' | 'key'> = { asked: [], left: 0, key: undefined };
  let generated = 0;
  // biome-ignore lint/suspicious/noExplicitAny: the page's routes know the context of the real API
  for (const [path, file] of readPage(pageFolder)) app.get(path, (c) => sendPage(c as any, file));
  app.use(async (c, next) => {
    const given = c.req.header('authorization');
    if (state.key === undefined || given === `Bearer ${state.key}`) return next();
    const message = 'This server wants a key. Send one as a bearer token.';
    return c.json({ error: { message, type: 'authentication_error', code: 'no_key' } }, 401);
  });
  app.get('/v1/models', (c) =>
    c.json({ object: 'list', data: [{ id: 'fake' }, { id: 'fake-tuned', parent: 'fake' }] }),
  );
  app.get('/metrics', (c) => {
    generated += 100;
    const lines = [
      'corral_requests_running{model_name="fake"} 3',
      'corral_requests_waiting{model_name="fake"} 2',
      `corral_generation_tokens_total{model_name="fake"} ${generated}`,
    ];
    return c.text(`${lines.join('\n')}\n`);
  });
  app.post('/v1/chat/completions', async (c) => {
    const body = await c.req.json<AskedBody>();
    state.asked.push(body);
    const asked = body.messages.findLast(({ role }) => role === 'user')?.content;
    if (asked === 'refuse') {
      const message = 'The prompt has 5,012 tokens; this model takes 4,096.';
      return c.json({ error: { message, code: 'context_length_exceeded' } }, 400);
    }
    const breaks = asked === 'break' && body.continue_final_message !== true;
    return streamSSE(c, async (stream) => {
      stream.onAbort(() => {
        state.left += 1;
      });
      const send = (data: object): Promise<void> => stream.writeSSE({ data: JSON.stringify(data) });
      const pieces = piecesOf(restOf(body));
      for (const [index, content] of pieces.entries()) {
        if (stream.aborted) return;
        if (breaks && index === 5) {
          await wait(100);
          // @ts-expect-error: the adapter hands the response over, untyped here
          c.env.outgoing.destroy();
          return;
        }
        const logprobs = body.logprobs === true ? logprobsOf(content) : null;
        await send({ choices: [{ delta: { content }, logprobs, finish_reason: null }] });
        if (asked === 'long') await wait(20);
      }
      await send({ choices: [{ delta: {}, finish_reason: 'stop' }] });
      const usage = { prompt_tokens: 40, completion_tokens: pieces.length };
      const details = { prompt_tokens_details: { cached_tokens: 30 } };
      const timings = { prompt_ms: 12, predicted_per_second: 123.4 };
      await send({ choices: [], usage: { ...usage, ...details }, corral: { timings } });
      await stream.writeSSE({ data: '[DONE]' });
    });
  });
  const server = await new Promise<ServerType>((resolve) => {
    const started = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, () =>
      resolve(started),
    );
  });
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return Object.assign(state, {
    url: `http://127.0.0.1:${port}/`,
    [Symbol.asyncDispose]: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        if ('closeAllConnections' in server) server.closeAllConnections();
      }),
  });
}
