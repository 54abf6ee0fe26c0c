// Malformed, hostile, odd and half-sent requests, a function of a seed: whole HTTP messages as bytes, and how
// much of the reply is read. usage: node test/http-requests.ts [COUNT] [SEED] sends them to a server of its own.
import { connect } from 'node:net';
import { random } from '../src/base/random.ts';
import { type Draw, oddRequest } from './odd-requests.ts';
import { startTinyServer } from './tiny-server.ts';

const paths = [
  '/v1/chat/completions',
  '/v1/completions',
  '/v1/messages',
  '/v1/embeddings',
  '/tokenize',
  '/detokenize',
  '/v1/messages/count_tokens',
  '/v1/models',
  '/v1/models/%E0%A4%A',
  '/health',
  '/../../etc/passwd',
  '/openapi.json',
  '/v1/chat/completions/..',
  '/%00',
];
const fields = [
  ...[
    'model',
    'messages',
    'prompt',
    'input',
    'tokens',
    'max_tokens',
    'temperature',
    'top_p',
    'seed',
  ],
  ...['stop', 'n', 'best_of', 'stream', 'logprobs', 'top_logprobs', 'logit_bias', 'echo', 'suffix'],
  ...['tools', 'tool_choice', 'response_format', 'grammar', 'regex', 'stream_options', 'corral'],
  ...[
    'system',
    'stop_sequences',
    'output_config',
    'continue_final_message',
    'priority',
    'dimensions',
    'encoding_format',
    '__proto__',
    'constructor',
  ],
];
const message = { role: 'user', content: 'the cat' };
const values: readonly unknown[] = [
  ...[null, true, false, 0, 1, -1, 2, 0.5, 1e308, -1e308, 2 ** 53, 1e21, 4294967296],
  ...['', 'a', 'tiny', '\u0000', '</s>', '\ud800', 'x'.repeat(3000), '{{ 1/0 }}', '[INST]'],
  ...[[], {}, [[]], [1, 2, 3], [-1], [1e9], ['a', 'b'], [null], { 5: 1 }, { 5: -100 }, { a: 1 }],
  ...[[message], [{ role: 'user' }], [{ role: 'system', content: [] }], [message, message]],
  ...[[{ ...message, content: [{ type: 'text', text: 'a' }] }], [{ role: 'tool', content: 'x' }]],
  ...[{ type: 'json_object' }, { type: 'text' }, { include_usage: true }, { settings: true }],
  ...[[{ type: 'function', function: { name: 'f' } }], [{ type: 'function' }], 'required', 'auto'],
];

/** What is sent, and after how many bytes of the reply the client goes away. */
export interface HostileRequest {
  readonly bytes: Buffer;
  readonly leaveAfter: number;
}

/** Request number `index`. */
export function hostileRequest(seed: number, index: number): HostileRequest {
  let at = 0;
  const draw: Draw = (below) => Math.floor(random(seed, index, at++) * below);
  const pick = <T>(list: readonly T[]): T => list[draw(list.length)] as T;
  if (draw(10) < 5) {
    const { path, body } = oddRequest(draw);
    const text = Buffer.from(JSON.stringify(body));
    const head = `POST ${path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: ${text.length}\r\n\r\n`;
    const leaveAfter = draw(6) === 0 ? draw(1500) : Number.POSITIVE_INFINITY;
    return { bytes: Buffer.concat([Buffer.from(head), text]), leaveAfter };
  }
  return { bytes: malformedRequest(draw, pick), leaveAfter: Number.POSITIVE_INFINITY };
}

function malformedRequest(draw: Draw, pick: <T>(list: readonly T[]) => T): Buffer {
  const body = damage(makeBody(draw, pick), draw, pick);
  const length =
    draw(12) === 0 ? pick(['-1', '99999999999', 'abc', '0', '5']) : String(body.length);
  const method =
    draw(10) < 8 ? 'POST' : pick(['GET', 'PUT', 'OPTIONS', 'DELETE', 'HEAD', 'BREW', '']);
  const path = draw(10) < 7 ? pick(paths.slice(0, 6)) : pick(paths);
  const more =
    draw(8) === 0
      ? pick([
          'x-request-id: a b\r\n',
          `x: ${'y'.repeat(20_000)}\r\n`,
          'bad header\r\n',
          'transfer-encoding: chunked\r\n',
          'expect: 100-continue\r\n',
          'content-encoding: gzip\r\n',
        ])
      : '';
  const head = `${method} ${path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: ${length}\r\n${more}\r\n`;
  const whole = Buffer.concat([Buffer.from(head, 'latin1'), body]);
  return draw(10) === 0 ? whole.subarray(0, draw(whole.length)) : whole;
}

function makeBody(draw: Draw, pick: <T>(list: readonly T[]) => T): string {
  const base: Record<string, unknown> = { model: 'tiny', max_tokens: 1 + draw(4) };
  const kind = draw(4);
  if (kind === 0) base['messages'] = [message];
  if (kind === 1) base['prompt'] = 'the cat';
  if (kind === 2) base['input'] = 'the cat';
  if (kind === 2) delete base['max_tokens'];
  const entries = Object.entries(base);
  for (let count = draw(4); count > 0; count--) entries.push([pick(fields), pick(values)]);
  // Written by hand: JSON.stringify would drop doubled names and __proto__.
  return `{${entries.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join(',')}}`;
}

function damage(text: string, draw: Draw, pick: <T>(list: readonly T[]) => T): Buffer {
  const bytes = Buffer.from(text);
  switch (draw(12)) {
    case 0:
      return bytes.subarray(0, draw(bytes.length));
    case 1:
      bytes[draw(bytes.length)] = draw(256);
      return bytes;
    case 2:
      return Buffer.from(
        pick([
          '',
          '[]',
          '"a"',
          '1',
          'null',
          '{}',
          '{',
          '[[',
          '{"a":'.repeat(5000),
          '['.repeat(100_000),
        ]),
      );
    case 3:
      return Buffer.concat([bytes, Buffer.from([0xff, 0xfe, 0])]);
    default:
      return bytes;
  }
}

/**
 * Sends a request, ends, and gives the status of the reply; undefined where there was none. A stream that
 * ends with an error of the server's counts as a 500.
 */
export function send(
  port: number,
  { bytes, leaveAfter }: HostileRequest,
): Promise<number | undefined> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.end(bytes));
    let text = '';
    socket.setTimeout(30_000, () => socket.destroy());
    socket.on('data', (data) => {
      text += data.toString('latin1');
      if (text.length > leaveAfter) socket.destroy();
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      const status = /^HTTP\/1\.1 (\d+)/.exec(text)?.[1];
      if (text.includes('"type":"server_error"')) resolve(500);
      else resolve(status === undefined ? undefined : Number(status));
    });
  });
}

/** What is sent; `onFailure` hears of each that was answered with a 5xx. */
export interface HostileOptions {
  readonly seed: number;
  readonly count: number;
  readonly onFailure?: (index: number, request: string) => void;
}

/** Sends `count` requests, some at a time; statuses with how often they came. */
export async function sendHostile(
  port: number,
  { seed, count, onFailure }: HostileOptions,
): Promise<Map<number | undefined, number>> {
  const statuses = new Map<number | undefined, number>();
  let next = 0;
  const work = async (): Promise<void> => {
    for (let index = next++; index < count; index = next++) {
      const request = hostileRequest(seed, index);
      const status = await send(port, request);
      if (status !== undefined && status >= 500) onFailure?.(index, request.bytes.toString());
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
  };
  await Promise.all(Array.from({ length: 8 }, work));
  return statuses;
}

if (process.argv[1] === import.meta.filename) {
  const [count = 10_000, seed = 1] = process.argv.slice(2).map(Number);
  await using tiny = await startTinyServer();
  const statuses = await sendHostile(tiny.server.port, {
    seed,
    count,
    onFailure: (index, request) => process.stdout.write(`request ${index}: ${request}\n`),
  });
  const counts = JSON.stringify(Object.fromEntries([...statuses].sort()));
  const { status } = await fetch(`${tiny.server.url}/health`);
  process.stdout.write(`seed ${seed}: ${counts}; afterwards /health says ${status}\n`);
}
