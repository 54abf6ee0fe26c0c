// What the command line touches of the world: streams, environment, Ctrl-C. Injected, so that tests
// run commands in-process. A reader that has gone ends the work quietly; output that cannot be written
// for any other reason is an error.
import type { Readable, Writable } from 'node:stream';
import { decodeText } from '../base/decode-text.ts';
import { errors } from '../base/errors.ts';

/** The world as a command sees it. */
export interface Io {
  readonly stdin: Readable;
  readonly stdout: Writable;
  readonly stderr: Writable;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly isTerminal: {
    readonly stdin: boolean;
    readonly stdout: boolean;
    readonly stderr: boolean;
  };
  /** Calls back on each Ctrl-C; the returned function ends that. */
  onInterrupt(callback: () => void): () => void;
  /** Calls back when the system asks this process to end (SIGTERM); the returned function ends that. */
  onTerminate(callback: () => void): () => void;
}

/** The world of this process. */
export function processIo(): Io {
  const { stdin, stdout, stderr, env } = process;
  return {
    stdin,
    stdout,
    stderr,
    env,
    isTerminal: {
      stdin: stdin.isTTY === true,
      stdout: stdout.isTTY === true,
      stderr: stderr.isTTY === true,
    },
    onInterrupt: (callback) => {
      process.on('SIGINT', callback);
      return () => process.off('SIGINT', callback);
    },
    onTerminate: (callback) => {
      process.on('SIGTERM', callback);
      return () => process.off('SIGTERM', callback);
    },
  };
}

/** Did the reader of a stream go away, as `head` does when it has seen enough? */
export function isReaderGone(error: NodeJS.ErrnoException): boolean {
  return error.code === 'EPIPE' || error.code === 'ERR_STREAM_DESTROYED';
}

/** Writes to stdout and waits until it is out. Rejects with OUTPUT_UNWRITABLE, but not for a reader that has gone. */
export function write({ stdout }: Io, text: string): Promise<void> {
  if (text === '' || stdout.destroyed) return Promise.resolve();
  return new Promise((resolve, reject) => {
    stdout.write(text, (cause) => {
      if (cause == null || isReaderGone(cause)) return resolve();
      reject(errors.OUTPUT_UNWRITABLE({ reason: cause.message }, { cause }));
    });
  });
}

/** Writes to stderr and waits until it is out. When that fails, there is nobody left to tell. */
export function tell({ stderr }: Io, text: string): Promise<void> {
  if (text === '' || stderr.destroyed) return Promise.resolve();
  return new Promise((resolve) => {
    stderr.write(text, () => resolve());
  });
}

/** Waits until what was written without waiting is out, too. */
export async function flush({ stdout, stderr }: Io): Promise<void> {
  for (const stream of [stdout, stderr]) {
    if (stream.destroyed || stream.writableLength === 0) continue;
    await new Promise<void>((resolve) => {
      stream.write('', () => resolve());
    });
  }
}

/** All of standard input as text. Throws TEXT_INVALID. */
export async function readAll(stream: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(Buffer.from(chunk));
  return decodeText(Buffer.concat(chunks), 'Standard input');
}

/** Standard input line by line, as the lines come, without their ends. Throws TEXT_INVALID. */
export async function* readLines(stream: Readable): AsyncGenerator<string> {
  let held: Buffer[] = [];
  let start = 0;
  const take = (): string => {
    const bytes = Buffer.concat(held);
    const line = decodeText(bytes, 'Standard input', start).replace(/\r$/, '');
    start += bytes.length + 1;
    held = [];
    return line;
  };
  for await (const chunk of stream) {
    let rest = Buffer.from(chunk);
    for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
      held.push(rest.subarray(0, end));
      rest = rest.subarray(end + 1);
      yield take();
    }
    held.push(rest);
  }
  if (held.some((bytes) => bytes.length > 0)) yield take();
}

/**
 * Text for a terminal: without the control characters by which a model's answer, or a name from a
 * file, could move the cursor, set the title or worse. Into pipes and files text goes as it is.
 */
export function forTerminal(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is replaced
  return text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/g, '\ufffd');
}
