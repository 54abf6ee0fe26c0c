// What the command line touches of the world: streams, environment, Ctrl-C. Injected, so that tests
// run commands in-process. A closed pipe ends the work quietly.
import type { Readable, Writable } from 'node:stream';

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
  };
}

/** Writes and waits until the reader keeps up. A reader that has gone is no error here. */
export function write(stream: Writable, text: string): Promise<void> {
  if (text === '' || stream.destroyed) return Promise.resolve();
  return new Promise((resolve) => {
    stream.write(text, () => resolve());
  });
}

/** All of standard input as text. */
export async function readAll(stream: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString('utf8');
}

/**
 * Text for a terminal: without the control characters by which a model's answer, or a name from a
 * file, could move the cursor, set the title or worse. Into pipes and files text goes as it is.
 */
export function forTerminal(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is replaced
  return text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/g, '\ufffd');
}
