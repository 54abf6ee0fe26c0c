// Runs the command line in-process: streams that can be read back, a library made of fakes, Ctrl-C by
// call. Knows nothing of real models.
import { PassThrough, Writable } from 'node:stream';
import type { Io } from '../src/cli/io.ts';
import {
  type AnswerStream,
  type GenerationResult,
  type Library,
  type LoadedModel,
  lazyLibrary,
} from '../src/cli/library.ts';
import { main } from '../src/cli/main.ts';

/** What a run of the command line left behind. */
export interface Outcome {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** How a run is set up. */
export interface RunSetup {
  readonly stdin?: string | Uint8Array | PassThrough;
  readonly terminal?: boolean | Partial<Io['isTerminal']>;
  readonly env?: Readonly<Record<string, string>>;
  readonly library?: Partial<Library>;
  /** Is handed the function that presses Ctrl-C outside of a line editor. */
  readonly onStart?: (press: () => void) => void;
  /** Sees stdout grow. */
  readonly onOutput?: (soFar: string) => void;
  /** The reader of stdout goes away after so many writes. */
  readonly closeStdoutAfter?: number;
  /** What a write to stdout then fails with. Default: EPIPE. */
  readonly stdoutFailure?: string;
}

/** For `onOutput` of a server: calls `ask` with its address, once, as soon as it is told. */
export function whenListening(ask: (url: string) => void): (soFar: string) => void {
  let isAsked = false;
  return (soFar) => {
    const url = /at (http:\S+)/.exec(soFar)?.[1];
    if (url === undefined || isAsked) return;
    isAsked = true;
    ask(url);
  };
}

/** Runs `corral ARGS`. */
export async function runCorral(args: readonly string[], setup: RunSetup = {}): Promise<Outcome> {
  const stdin = setup.stdin instanceof PassThrough ? setup.stdin : new PassThrough();
  if (!(setup.stdin instanceof PassThrough)) stdin.end(setup.stdin ?? '');
  const terminal = setup.terminal ?? false;
  const listeners = new Set<() => void>();
  const out = collect(setup.onOutput, setup.closeStdoutAfter, setup.stdoutFailure);
  const err = collect();
  const io: Io = {
    stdin,
    stdout: out.stream,
    stderr: err.stream,
    env: setup.env ?? {},
    isTerminal:
      typeof terminal === 'boolean'
        ? { stdin: terminal, stdout: terminal, stderr: terminal }
        : { stdin: false, stdout: false, stderr: false, ...terminal },
    onInterrupt: (callback) => {
      listeners.add(callback);
      return () => listeners.delete(callback);
    },
    onTerminate: (callback) => {
      listeners.add(callback);
      return () => listeners.delete(callback);
    },
  };
  setup.onStart?.(() => {
    for (const listener of listeners) listener();
  });
  const status = await main(args, io, { ...noLibrary, ...setup.library });
  return { status, stdout: out.text(), stderr: err.text() };
}

function collect(
  onText?: (soFar: string) => void,
  closeAfter = Number.POSITIVE_INFINITY,
  code = 'EPIPE',
): { stream: Writable; text(): string } {
  let text = '';
  let writes = 0;
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      if (writes++ >= closeAfter) {
        done(Object.assign(new Error(`write ${code}`), { code }));
        return;
      }
      text += chunk.toString();
      onText?.(text);
      done();
    },
  });
  return { stream, text: () => text };
}

const unexpected = (): never => {
  throw new Error('this command should not come here');
};

/** A library in which no model may be opened. */
const noLibrary: Library = {
  load: unexpected,
  openCheckpoint: unexpected,
  openTokenizer: unexpected,
  convertCheckpoint: unexpected,
  cacheBytesPerToken: unexpected,
  extendVocabulary: lazyLibrary.extendVocabulary,
  tokenizers: lazyLibrary.tokenizers,
  training: lazyLibrary.training,
  inference: lazyLibrary.inference,
  checkNewFile: lazyLibrary.checkNewFile,
  writeFile: lazyLibrary.writeFile,
  store: lazyLibrary.store,
  evaluation: () => import('../src/evaluate/index.ts'),
  api: lazyLibrary.api,
  checkAdapters: unexpected,
  loadForServing: unexpected,
  loadForEvaluation: unexpected,
  confirm: unexpected,
};

/** What a fake model was asked. */
export interface FakeCall {
  readonly what: 'load' | 'complete' | 'chat' | 'close';
  readonly input: unknown;
  readonly options?: unknown;
}

/** A library whose model answers with given pieces, and a record of what it was asked. */
export function fakeModel(
  answer: (input: unknown) => readonly string[],
  options: {
    readonly pieceMs?: number;
    readonly fail?: (input: unknown) => Error | undefined;
  } = {},
): { readonly library: Partial<Library>; readonly calls: FakeCall[] } {
  const calls: FakeCall[] = [];
  const generate = (input: unknown, signal: AbortSignal | undefined): AnswerStream => {
    let said = '';
    let stopped = false;
    const pieces = async function* (): AsyncGenerator<string> {
      const error = options.fail?.(input);
      if (error !== undefined) throw error;
      for (const piece of answer(input)) {
        await new Promise((resolve) => setTimeout(resolve, options.pieceMs ?? 0));
        stopped = signal?.aborted === true;
        if (stopped) return;
        said += piece;
        yield piece;
      }
    };
    const stream = pieces();
    return {
      [Symbol.asyncIterator]: () => stream,
      result: async (): Promise<GenerationResult> => {
        for await (const _ of stream);
        return {
          text: said,
          tokens: [5, 6],
          promptTokens: 3,
          finishReason: stopped ? 'abort' : 'stop',
          timing: {
            loadSeconds: 0.5,
            prefillTokensPerSecond: 10,
            decodeTokensPerSecond: 20,
            draftedTokens: 0,
            acceptedTokens: 0,
          },
        };
      },
    };
  };
  const model: LoadedModel = {
    name: 'fake',
    context: 64,
    loadSeconds: 0.5,
    device: { name: 'reference', isa: 'javascript', activations: ['exact'], threads: 1 },
    complete: (input, asked) => {
      calls.push({ what: 'complete', input, options: asked });
      return generate(input, asked?.signal);
    },
    chat: (input, asked) => {
      calls.push({ what: 'chat', input, options: asked });
      return generate(input, asked?.signal);
    },
    perplexity: async (text) => ({ tokens: text.length, perplexity: 2, bitsPerByte: 1 }),
    close: async () => {
      calls.push({ what: 'close', input: undefined });
    },
  };
  return {
    calls,
    library: {
      load: async (path, asked) => {
        calls.push({ what: 'load', input: path, options: asked });
        return model;
      },
    },
  };
}
