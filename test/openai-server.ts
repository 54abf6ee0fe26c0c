// A small server in the shape of OpenAI's API (completions with echo and logprobs, chat completions, error
// bodies) for tests: misbehaves on demand. Its tokens are words with the space before them, and what it
// says of a token is a function of the token and those before it.
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text as readText } from 'node:stream/consumers';

/** What a request of the model is told. */
export type Body = Readonly<Record<string, unknown>>;

/** What the server does with a request; nothing: it answers. */
export type Mischief = (
  request: { readonly path: string; readonly body: Body; readonly count: number },
  response: ServerResponse,
) => boolean;

/** How the server behaves. */
export interface OpenAiServerOptions {
  /** Why completions are refused, with the status 404. */
  readonly chatOnly?: boolean;
  /** Does it leave the prompt out of completions, whatever `echo` says? */
  readonly ignoresEcho?: boolean;
  /** What it puts before every text and counts into the offsets, as vLLM does with BOS. */
  readonly bos?: string;
  readonly mischief?: Mischief;
}

/** A running server. */
export interface OpenAiServer extends AsyncDisposable {
  readonly baseUrl: string;
  readonly requests: { readonly path: string; readonly body: Body; readonly key: string }[];
  /** Most requests it had at one time. */
  mostAtOnce: number;
}

/** Tokens of a text. */
export function wordsOf(text: string): string[] {
  return text.match(/\s?[^\s]+|\s/gu) ?? [];
}

/** Log-probability of a token after others. */
export function logprobOf(before: readonly string[], token: string): number {
  const digest = createHash('sha256')
    .update([...before, token].join('|'))
    .digest();
  return -(digest.readUInt32BE(0) / 2 ** 32) * 9 - 0.001;
}

/** Sends JSON. */
export function send(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
}

/** Sends an error as OpenAI writes one. */
export function refuse(
  response: ServerResponse,
  status: number,
  message: string,
  more: { readonly param?: string; readonly headers?: Readonly<Record<string, string>> } = {},
): void {
  const { param = null, headers = {} } = more;
  const error = { message, type: 'invalid_request_error', param, code: null };
  send(response, status, { error }, headers);
}

/** Starts a server on a free port of this machine. */
export async function startOpenAiServer(options: OpenAiServerOptions = {}): Promise<OpenAiServer> {
  const requests: OpenAiServer['requests'] = [];
  let open = 0;
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = (request.url ?? '').replace('/v1/', '');
    const body = JSON.parse(await readText(request)) as Body;
    requests.push({ path, body, key: request.headers.authorization ?? '' });
    started.mostAtOnce = Math.max(started.mostAtOnce, ++open);
    response.once('close', () => open--);
    if (options.mischief?.({ path, body, count: requests.length }, response) === true) return;
    if (path === 'chat/completions') return send(response, 200, chat(body));
    if (options.chatOnly === true) {
      return refuse(
        response,
        404,
        'This is a chat model and not supported in the v1/completions endpoint.',
      );
    }
    send(response, 200, complete(body, options));
  };
  const server = createServer((request, response) => void handle(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const started: OpenAiServer = {
    baseUrl: `http://127.0.0.1:${port}/v1`,
    requests,
    mostAtOnce: 0,
    [Symbol.asyncDispose]: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
  return started;
}

function complete(body: Body, { bos, ignoresEcho }: OpenAiServerOptions): unknown {
  const { prompt } = body;
  const isIds = Array.isArray(prompt);
  const words = isIds ? prompt.map((id) => ` ${id}`) : wordsOf(String(prompt));
  const said = ` ${String(body['max_tokens'])}`;
  const all = [...(bos === undefined || isIds ? [] : [bos]), ...words, said];
  const echoes = body['echo'] === true && ignoresEcho !== true;
  const shown = echoes ? all : [said];
  let offset = 0;
  const offsets = shown.map((word) => {
    const at = offset;
    offset += [...word].length;
    return at;
  });
  const logprobs = shown.map((word, i) =>
    echoes && i === 0 ? null : logprobOf(all.slice(0, i), word),
  );
  const choice = {
    index: 0,
    text: (echoes ? words.join('') : '') + said,
    finish_reason: 'length',
    logprobs:
      body['logprobs'] === undefined
        ? null
        : {
            tokens: shown,
            token_logprobs: logprobs,
            // Every third token is the likeliest.
            top_logprobs: shown.map((word, i) =>
              i === 0
                ? null
                : { [word]: logprobs[i], ...(i % 3 === 0 ? {} : { ' else': -0.0001 }) },
            ),
            text_offset: offsets,
          },
  };
  const usage = {
    prompt_tokens: words.length,
    completion_tokens: 1,
    total_tokens: words.length + 1,
  };
  return {
    id: 'cmpl-1',
    object: 'text_completion',
    created: 1,
    model: 'stub',
    choices: [choice],
    usage,
  };
}

function chat(body: Body): unknown {
  const messages = body['messages'] as readonly { role: string; content: string }[];
  const content = `${messages.map(({ role }) => role).join('+')} said ${messages.at(-1)?.content}. STOP more`;
  return {
    id: 'chatcmpl-1',
    object: 'chat.completion',
    created: 1,
    model: 'stub',
    choices: [
      {
        index: 0,
        message: { role: 'assistant', content, refusal: null },
        finish_reason: 'stop',
        logprobs: null,
      },
    ],
    usage: { prompt_tokens: 12, completion_tokens: 5, total_tokens: 17 },
  };
}
