// Server-sent events out of a byte stream, as WHATWG's HTML standard (9.2.6) reads them. Knows nothing of what the
// events mean.

/** One event. */
export interface ServerSentEvent {
  /** `message` where the stream names none. */
  readonly event: string;
  readonly data: string;
}

/** Turns pieces of text into events, wherever the pieces are cut. */
export class ServerSentEventParser {
  #rest = '';
  #event = '';
  #data: string[] = [];
  #started = false;

  /** Events that are complete now that `text` has come. */
  push(text: string): ServerSentEvent[] {
    this.#rest += text;
    if (!this.#started && this.#rest !== '') {
      this.#started = true;
      if (this.#rest.startsWith('\uFEFF')) this.#rest = this.#rest.slice(1);
    }
    const events: ServerSentEvent[] = [];
    for (let line = this.#takeLine(); line !== undefined; line = this.#takeLine()) {
      const event = this.#readLine(line);
      if (event !== undefined) events.push(event);
    }
    return events;
  }

  #takeLine(): string | undefined {
    const end = this.#rest.search(/[\r\n]/);
    // A carriage return at the very end may be the first half of one line break.
    if (end === -1 || (this.#rest[end] === '\r' && end === this.#rest.length - 1)) return undefined;
    const line = this.#rest.slice(0, end);
    this.#rest = this.#rest.slice(this.#rest.startsWith('\r\n', end) ? end + 2 : end + 1);
    return line;
  }

  #readLine(line: string): ServerSentEvent | undefined {
    if (line === '') return this.#dispatch();
    const colon = line.indexOf(':');
    const field = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'data') this.#data.push(value);
    else if (field === 'event') this.#event = value;
    return undefined;
  }

  #dispatch(): ServerSentEvent | undefined {
    const [event, data] = [this.#event || 'message', this.#data];
    this.#event = '';
    this.#data = [];
    return data.length === 0 ? undefined : { event, data: data.join('\n') };
  }
}

/** Events of a response's body; ends when the stream does, and throws what its reader throws. */
export async function* readServerSentEvents(
  body: ReadableStream<Uint8Array>,
): AsyncGenerator<ServerSentEvent, void> {
  const parser = new ServerSentEventParser();
  const decoder = new TextDecoder();
  const reader = body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield* parser.push(decoder.decode(value, { stream: true }));
    }
  } finally {
    // Whoever stops listening closes the connection: the server frees what the answer held.
    await reader.cancel().catch(() => undefined);
  }
}
