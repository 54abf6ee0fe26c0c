// What every command is given: the world, the library, a logger, and when to stop.
import type { Logger } from '../base/log.ts';
import { forTerminal, type Io, tell, write } from './io.ts';
import type { Library } from './library.ts';

/** Surroundings of one run of the command line. */
export interface Context {
  readonly io: Io;
  readonly library: Library;
  /** Aborts when the reader of our output has gone. */
  readonly pipeClosed: AbortSignal;
  /** Of Corral, such as `0.1.0`. */
  readonly version: string;
  /** Ends the process at once: the second Ctrl-C. */
  readonly exit: (status: number) => void;
}

/** Exit statuses. */
export const exitStatus = { ok: 0, failed: 1, usage: 2, interrupted: 130 } as const;

/** A signal that Ctrl-C aborts. A second Ctrl-C ends the process. Dispose it when the work is done. */
export function interruptible(context: Context): { readonly signal: AbortSignal } & Disposable {
  const controller = new AbortController();
  const stop = context.io.onInterrupt(() => {
    if (controller.signal.aborted) context.exit(exitStatus.interrupted);
    controller.abort();
  });
  const signal = AbortSignal.any([controller.signal, context.pipeClosed]);
  return { signal, [Symbol.dispose]: stop };
}

/** Warnings go to stderr; details only when asked for. */
export function makeLogger(io: Io, verbose: boolean | undefined): Logger {
  const say = (message: string): void => void tell(io, `corral: ${forTerminal(message)}\n`);
  return { warn: say, debug: verbose === true ? say : () => {} };
}

/** Prints one JSON value on a line of its own. */
export function printJson(io: Io, value: unknown): Promise<void> {
  return write(io, `${JSON.stringify(value)}\n`);
}

/** Prints lines for people. */
export function printLines(io: Io, lines: readonly string[]): Promise<void> {
  const text = lines.map((line) => `${line}\n`).join('');
  return write(io, io.isTerminal.stdout ? forTerminal(text) : text);
}
