// Expectations are the examples of WHATWG's HTML standard, section 9.2.6, and its rules on line breaks.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readServerSentEvents, ServerSentEventParser } from './server-sent-events.ts';

const parse = (text: string): string[] =>
  new ServerSentEventParser().push(text).map(({ data }) => data);

describe('server-sent events', () => {
  it('joins the data lines of one event', () => {
    expect(parse('data: YHOO\ndata: +2\ndata: 10\n\n')).toEqual(['YHOO\n+2\n10']);
  });

  it('ignores comments, ids and events without data, and an event cut off by the end', () => {
    const text =
      ': test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event';
    expect(parse(text)).toEqual(['first event', 'second event']);
    expect(parse(`${text}\n\n`).at(-1)).toBe(' third event');
  });

  it('gives two empty events and none for the third of the standard', () => {
    expect(parse('data\n\ndata\ndata\n\ndata:')).toEqual(['', '\n']);
  });

  it('reads names of events', () => {
    expect(new ServerSentEventParser().push('event: add\ndata: 73857293\n\ndata: x\n\n')).toEqual([
      { event: 'add', data: '73857293' },
      { event: 'message', data: 'x' },
    ]);
  });

  it('takes LF, CR and CRLF for line breaks and drops a byte order mark', () => {
    expect(parse('\uFEFFdata: a\r\n\r\ndata: b\r\rdata: c\n\n')).toEqual(['a', 'b', 'c']);
  });

  it('gives the same events however the bytes are cut', async () => {
    const text = 'data: {"text":"Grüße 🦙"}\r\n\r\n: keep\r\ndata: b\ndata: c\n\ndata: [DONE]\n\n';
    const bytes = new TextEncoder().encode(text);
    const expected = ['{"text":"Grüße 🦙"}', 'b\nc', '[DONE]'];
    const cuts = fc.array(fc.integer({ min: 0, max: bytes.length }), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(cuts, async (places) => {
        const edges = [0, ...places.sort((a, b) => a - b), bytes.length];
        const body = new ReadableStream<Uint8Array>({
          start(controller) {
            for (let i = 1; i < edges.length; i++) {
              controller.enqueue(bytes.slice(edges[i - 1], edges[i]));
            }
            controller.close();
          },
        });
        const seen: string[] = [];
        for await (const { data } of readServerSentEvents(body)) seen.push(data);
        expect(seen).toEqual(expected);
      }),
      { numRuns: 200 },
    );
  });

  it('closes the connection when the listener stops', async () => {
    let cancelled = false;
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(new TextEncoder().encode('data: a\n\ndata: b\n\n')),
      cancel: () => {
        cancelled = true;
      },
    });
    for await (const event of readServerSentEvents(body)) {
      expect(event.data).toBe('a');
      break;
    }
    expect(cancelled).toBe(true);
  });
});
