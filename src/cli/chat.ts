// corral chat: talks to a model. On a terminal with a prompt, history and Ctrl-C; from a pipe each
// line is a turn, answers alone go to stdout.
import { existsSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Command } from 'commander';
import { CorralError } from '../base/define-errors.ts';
import { errors } from '../base/errors.ts';
import { describeResult, describeSpeed, streamAnswer } from './answer.ts';
import { ChatSession } from './chat-session.ts';
import {
  addCommonOptions,
  addModelOptions,
  addSamplingOptions,
  checkLogprobs,
  dropUndefined,
  type ModelOptions,
  type SamplingFlags,
  toGenerateOptions,
  toLoadOptions,
} from './command-options.ts';
import { type Context, interruptible, makeLogger, printJson } from './context.ts';
import { forTerminal, readLines, tell, write } from './io.ts';
import type { LoadedModel } from './library.ts';
import { resolveModelArgument } from './model-argument.ts';
import { openProgressBar } from './progress-bar.ts';

interface ChatOptions extends ModelOptions, SamplingFlags {
  readonly system?: string;
  readonly chatTemplate?: string;
}

/** Adds the command. */
export function addChat(program: Command, context: Context): void {
  const command = program
    .command('chat')
    .summary('talk to a model in the terminal')
    .description(
      'Talks to MODEL. /help lists what else can be done there. Ctrl-C stops an answer; at an empty prompt, twice, it leaves. From a pipe each line is one turn.',
    )
    .argument('[model]', 'file, folder or name in the local store')
    .option('--system <text>', 'system prompt')
    .option('--chat-template <file>', "a Jinja file, or llama-2, in place of the model's template")
    .action((model, options) => chat(model, options, context));
  addCommonOptions(addModelOptions(addSamplingOptions(command)), 'each answer');
}

async function chat(
  name: string | undefined,
  options: ChatOptions,
  context: Context,
): Promise<void> {
  const { io } = context;
  checkLogprobs(options, 'corral chat');
  const path = await resolveModelArgument(name, context);
  const model = await loadModel(path, options, context);
  try {
    const session = new ChatSession(options.system);
    const conversation = new Conversation(model, session, options, context);
    if (io.isTerminal.stdin && io.isTerminal.stdout) await conversation.atTerminal();
    else await conversation.fromPipe();
  } finally {
    await model.close();
  }
}

async function loadModel(
  path: string,
  options: ChatOptions,
  context: Context,
): Promise<LoadedModel> {
  using interrupt = interruptible(context);
  using bar = await openProgressBar(context.io);
  return await context.library.load(path, {
    ...toLoadOptions(options),
    ...dropUndefined({ chatTemplate: readTemplate(options.chatTemplate) }),
    signal: interrupt.signal,
    onProgress: bar.onProgress,
    logger: makeLogger(context.io, options.verbose),
  });
}

function readTemplate(given: string | undefined): string | undefined {
  if (given === undefined || given === 'llama-2') return given;
  if (!existsSync(given)) throw errors.INPUT_NOT_FOUND({ path: given });
  return readFileSync(given, 'utf8');
}

/** The loop: lines in, answers out. Lives as long as one `corral chat`. */
class Conversation {
  readonly #model: LoadedModel;
  readonly #session: ChatSession;
  readonly #options: ChatOptions;
  readonly #context: Context;
  #answering: AbortController | undefined;

  constructor(model: LoadedModel, session: ChatSession, options: ChatOptions, context: Context) {
    this.#model = model;
    this.#session = session;
    this.#options = options;
    this.#context = context;
  }

  /** Each line one turn; the first failure ends it. Ctrl-C ends it too: nobody could type on. */
  async fromPipe(): Promise<void> {
    const { io, pipeClosed } = this.#context;
    using interrupt = interruptible(this.#context);
    const stop = (): void => this.#answering?.abort();
    interrupt.signal.addEventListener('abort', stop);
    for await (const line of joinContinued(readLines(io.stdin))) {
      if (pipeClosed.aborted) break;
      const step = await this.#session.take(line);
      if (step.kind === 'leave') break;
      if (step.kind === 'ask') await this.#answer();
      else await tell(io, step.lines.map((each) => `${each}\n`).join(''));
      if (interrupt.signal.aborted) throw errors.ABORTED({ what: 'The chat' });
    }
  }

  /** A prompt, with history and editing, until /exit, Ctrl-D or two Ctrl-C. */
  async atTerminal(): Promise<void> {
    const { io } = this.#context;
    await tell(io, `${forTerminal(this.#model.name)}. /help lists commands.\n`);
    const input = createInterface({
      input: io.stdin,
      output: io.stdout,
      terminal: true,
      prompt: '> ',
      historySize: 200,
    });
    let asked = false;
    input.on('SIGINT', () => {
      if (this.#answering !== undefined) return this.#answering.abort();
      const empty = input.line === '';
      if (empty && asked) return input.close();
      asked = empty;
      // Ends the line being typed; what was on it is not sent.
      input.write(null, { ctrl: true, name: 'e' });
      input.write(null, { ctrl: true, name: 'u' });
      const hint = empty ? '(Ctrl-C again, or Ctrl-D, leaves)' : '';
      void write(io, `\n${hint}${empty ? '\n' : ''}`).then(
        () => input.prompt(),
        () => input.close(),
      );
    });
    input.prompt();
    let held = '';
    for await (const line of input) {
      asked = false;
      if (line.endsWith('\\')) {
        held += `${line.slice(0, -1)}\n`;
        input.setPrompt('| ');
        input.prompt();
        continue;
      }
      input.setPrompt('> ');
      const leave = await this.#takeAtTerminal(held + line);
      held = '';
      if (leave) break;
      input.prompt();
    }
    input.close();
    await write(io, '\n');
  }

  async #takeAtTerminal(line: string): Promise<boolean> {
    const { io } = this.#context;
    const step = await this.#session.take(line);
    if (step.kind === 'leave') return true;
    if (step.kind !== 'ask') {
      const text = step.lines.map((each) => `${each}\n`).join('');
      await tell(io, forTerminal(text));
      return false;
    }
    try {
      await this.#answer();
    } catch (error) {
      // A question too long, a template that refuses: the chat goes on without that question.
      if (!CorralError.isInstance(error) || error.code === 'CORRAL_OUTPUT_UNWRITABLE') throw error;
      await tell(io, `${forTerminal(error.message)}\n${forTerminal(error.hint)}\n`);
    }
    return false;
  }

  async #answer(): Promise<void> {
    const { io, pipeClosed } = this.#context;
    const stop = new AbortController();
    this.#answering = stop;
    try {
      const signal = AbortSignal.any([stop.signal, pipeClosed]);
      const sampling = {
        ...toGenerateOptions({ ...this.#options, ...this.#session.sampling }),
        signal,
      };
      const answer = this.#model.chat(this.#session.messages, sampling);
      const json = this.#options.json === true;
      const result = json ? await answer.result() : await streamAnswer(answer, io);
      if (json) await printJson(io, describeResult(result));
      else if (!io.isTerminal.stdout) await write(io, '\n');
      this.#session.addAnswer(result.text.trim());
      makeLogger(io, this.#options.verbose).debug(describeSpeed(result, this.#model));
    } catch (error) {
      this.#session.dropQuestion();
      throw error;
    } finally {
      this.#answering = undefined;
    }
  }
}

/** Lines, with those that end in a backslash joined to the next. */
async function* joinContinued(lines: AsyncIterable<string>): AsyncGenerator<string> {
  let held = '';
  for await (const line of lines) {
    if (line.endsWith('\\')) {
      held += `${line.slice(0, -1)}\n`;
      continue;
    }
    yield held + line;
    held = '';
  }
  if (held !== '') yield held.slice(0, -1);
}
