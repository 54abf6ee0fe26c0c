// `corral serve` in a process of its own, asked over HTTP as clients do: streams of server-sent events.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import type { Ask, Target } from './target.ts';

const run = promisify(execFile);

/** A server under load. */
export interface ServeTarget extends Target {
  /** Memory of the process now, and pages of its cache that hold something. */
  look(): Promise<{ readonly rssBytes: number; readonly pages: number }>;
}

/** Starts a server of one model and waits until it listens. */
export async function startServe(path: string, threads: number): Promise<ServeTarget> {
  const script = join(import.meta.dirname, 'corral.ts');
  const options = ['serve', '--alias', `model=${path}`, '--port', '0', '--threads', `${threads}`];
  const child = spawn(process.execPath, [script, ...options], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const url = await findUrl(child);
  return {
    name: 'Corral',
    ask: (ask) => complete(url, ask),
    look: async () => {
      const { stdout } = await run('ps', ['-o', 'rss=', '-p', `${child.pid}`]);
      const metrics = await (await fetch(new URL('/metrics', url))).text();
      const pages = /^corral_cache_pages_used\{.*\} (\d+)/m.exec(metrics)?.[1];
      return { rssBytes: Number(stdout) * 1024, pages: Number(pages ?? 0) };
    },
    close: async () => {
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      await ended;
    },
  };
}

async function findUrl({ stdout }: ChildProcess): Promise<string> {
  if (stdout === null) throw new Error('the server has no output');
  for await (const line of createInterface({ input: stdout })) {
    const url = / at (http:\S+)$/.exec(line)?.[1];
    // The rest is read, too: a full pipe would hold the server up.
    if (url !== undefined) {
      stdout.resume();
      return url;
    }
  }
  throw new Error('the server ended before it listened');
}

async function complete(url: string, { prompt, count, signal, onToken }: Ask): Promise<void> {
  try {
    const response = await fetch(`${url}/completions`, {
      method: 'POST',
      signal,
      body: JSON.stringify({
        model: 'model',
        prompt,
        max_tokens: count,
        temperature: 0,
        stream: true,
        return_token_ids: true,
      }),
    });
    if (!response.ok || response.body === null) {
      throw new Error(`status ${response.status}: ${await response.text()}`);
    }
    let unread = '';
    for await (const text of response.body.pipeThrough(new TextDecoderStream())) {
      const events = (unread + text).split('\n\n');
      unread = events.pop() ?? '';
      for (const event of events) readEvent(event, onToken);
    }
    if (unread !== '') throw new Error('the stream ended within an event');
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

interface Chunk {
  readonly error?: { readonly message: string };
  readonly choices?: readonly { readonly token_ids?: readonly number[] }[];
}

function readEvent(event: string, onToken: () => void): void {
  const data = event.startsWith('data: ') ? event.slice(6) : '[DONE]';
  if (data === '[DONE]') return;
  const { error, choices = [] } = JSON.parse(data) as Chunk;
  if (error !== undefined) throw new Error(error.message);
  for (const _ of choices[0]?.token_ids ?? []) onToken();
}
