// Server-sent events to a client that may be slow or gone. What a client does not read waits in a bounded
// queue; a client that lets it fill, or takes nothing of it for too long, is cut off, and the answer with it.
import type { ServerResponse } from 'node:http';
import type { ApiSettings } from './settings.ts';

/** How a stream is sent. */
export interface EventStreamOptions {
  readonly settings: ApiSettings;
  /** The response underneath; undefined where there is no socket. */
  readonly outgoing: ServerResponse | undefined;
  /** What to send in place of what would have come, when the events fail midway. */
  readonly onError: (error: unknown) => string;
}

const headers = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-cache, no-transform',
  // nginx would hold the events back
  'x-accel-buffering': 'no',
} as const;

/** Writes one event; `name` is for protocols whose events have names. */
export function formatEvent(data: unknown, name?: string): string {
  const text = typeof data === 'string' ? data : JSON.stringify(data);
  return `${name === undefined ? '' : `event: ${name}\n`}data: ${text}\n\n`;
}

/** A response that sends the texts as they come. When its reader leaves, in whatever way, the texts are left. */
export function eventStream(texts: AsyncIterable<string>, options: EventStreamOptions): Response {
  const sender = new Sender(texts, options);
  const body = new ReadableStream<Uint8Array>(
    {
      start: () => void sender.pump(),
      pull: async (controller) => {
        const bytes = await sender.take();
        if (bytes === undefined) controller.close();
        else controller.enqueue(bytes);
      },
      cancel: () => sender.leave(),
    },
    // Asks for bytes only when they are read: what is unread stays with the sender, who counts it.
    { highWaterMark: 0 },
  );
  return new Response(body, { headers });
}

/** Holds what was not read yet. Lives as long as one stream. */
class Sender {
  readonly #iterator: AsyncIterator<string>;
  readonly #options: EventStreamOptions;
  readonly #heartbeat: NodeJS.Timeout;
  readonly #encoder = new TextEncoder();
  #unread: Uint8Array[] = [];
  #unreadBytes = 0;
  #state: 'open' | 'ended' | 'left' = 'open';
  #changed = Promise.withResolvers<void>();
  #sentAt = performance.now();
  #takenAt = performance.now();

  constructor(texts: AsyncIterable<string>, options: EventStreamOptions) {
    this.#iterator = texts[Symbol.asyncIterator]();
    this.#options = options;
    const { heartbeatMs, unreadTimeoutMs } = options.settings;
    const period = Math.max(10, Math.min(heartbeatMs, unreadTimeoutMs) / 2);
    this.#heartbeat = setInterval(() => this.#look(), period).unref();
  }

  /** Moves the texts into the queue until they end or the client is cut off. */
  async pump(): Promise<void> {
    try {
      for (let next = await this.#next(); !next.done; next = await this.#next()) {
        this.#push(next.value);
      }
    } catch (error) {
      this.#push(this.#options.onError(error));
    }
    if (this.#state === 'open') this.#state = 'ended';
    this.#wake();
  }

  /** All that waits, as soon as something does; undefined at the end. */
  async take(): Promise<Uint8Array | undefined> {
    while (this.#unreadBytes === 0 && this.#state === 'open') await this.#changed.promise;
    this.#takenAt = performance.now();
    if (this.#unreadBytes === 0) {
      this.#finish();
      return undefined;
    }
    const bytes = Buffer.concat(this.#unread);
    this.#unread = [];
    this.#unreadBytes = 0;
    return bytes;
  }

  /** The reader has gone. */
  leave(): void {
    this.#state = 'left';
    this.#unread = [];
    this.#unreadBytes = 0;
    clearInterval(this.#heartbeat);
    this.#wake();
    void this.#iterator.return?.();
  }

  #next(): Promise<IteratorResult<string>> {
    return this.#state === 'left'
      ? Promise.resolve({ done: true, value: undefined })
      : this.#iterator.next();
  }

  #push(text: string): void {
    if (this.#state === 'left') return;
    const bytes = this.#encoder.encode(text);
    this.#unread.push(bytes);
    this.#unreadBytes += bytes.length;
    this.#sentAt = performance.now();
    if (this.#unreadBytes > this.#options.settings.maxUnreadBytes) this.#cut();
    this.#wake();
  }

  #look(): void {
    const { settings, outgoing } = this.#options;
    const now = performance.now();
    const waits = this.#unreadBytes > 0 || outgoing?.writableNeedDrain === true;
    if (waits) {
      if (now - this.#takenAt > settings.unreadTimeoutMs) this.#cut();
    } else if (this.#state === 'open' && now - this.#sentAt >= settings.heartbeatMs) {
      this.#push(': still here\n\n');
    }
  }

  // Ends the connection without a word: there is nobody to read one.
  #cut(): void {
    this.leave();
    this.#options.outgoing?.destroy();
  }

  // The answer was handed over, but its end may still wait for a client that never takes it.
  #finish(): void {
    clearInterval(this.#heartbeat);
    const { outgoing, settings } = this.#options;
    if (outgoing === undefined || outgoing.writableFinished) return;
    const timer = setTimeout(() => outgoing.destroy(), settings.unreadTimeoutMs).unref();
    outgoing.once('close', () => clearTimeout(timer));
  }

  #wake(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}
