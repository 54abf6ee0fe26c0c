// A conversation and the /commands that change it. Pure but for files that /save and /load name:
// what to print and what to do next are its answers. Knows no terminal and no model.
import { CorralError } from '../base/define-errors.ts';
import { messageOf } from '../base/message-of.ts';
import { nearest } from '../base/nearest.ts';
import { readSampling, type SamplingFlags, samplingNames } from './command-options.ts';
import type { ChatMessage } from './library.ts';

/** What a line of input means. */
export type ChatStep =
  /** Ask the model: the messages now end with the user's. */
  | { readonly kind: 'ask' }
  | { readonly kind: 'say'; readonly lines: readonly string[] }
  | { readonly kind: 'fail'; readonly lines: readonly string[] }
  | { readonly kind: 'leave' };

interface ChatCommand {
  readonly usage: string;
  readonly text: string;
  readonly run: (session: ChatSession, argument: string) => ChatStep | Promise<ChatStep>;
}

const say = (...lines: string[]): ChatStep => ({ kind: 'say', lines });
const fail = (...lines: string[]): ChatStep => ({ kind: 'fail', lines });

const commands: Readonly<Record<string, ChatCommand>> = {
  help: {
    usage: '/help',
    text: 'this list',
    run: () => say(...helpLines()),
  },
  system: {
    usage: '/system [TEXT]',
    text: 'show or set the system prompt; /system - takes it away',
    run: (session, argument) => session.setSystem(argument),
  },
  reset: {
    usage: '/reset',
    text: 'forget the conversation, keep the system prompt (also /clear)',
    run: (session) => session.reset(),
  },
  set: {
    usage: '/set [NAME VALUE]',
    text: 'change a sampling option (temperature 0.8, top-p 0.9, …), or show what was changed',
    run: (session, argument) => session.set(argument),
  },
  undo: {
    usage: '/undo',
    text: 'take back the last question and its answer',
    run: (session) => session.undo(),
  },
  retry: {
    usage: '/retry',
    text: 'answer the last question again',
    run: (session) => session.retry(),
  },
  save: {
    usage: '/save FILE',
    text: 'write the conversation to a JSON file',
    run: (session, argument) => session.save(argument),
  },
  load: {
    usage: '/load FILE',
    text: 'go on with a saved conversation',
    run: (session, argument) => session.load(argument),
  },
  exit: { usage: '/exit', text: 'leave (also Ctrl-D)', run: () => ({ kind: 'leave' }) },
};

const aliases: Readonly<Record<string, string>> = {
  quit: 'exit',
  bye: 'exit',
  clear: 'reset',
  '?': 'help',
};

function helpLines(): string[] {
  const width = Math.max(...Object.values(commands).map(({ usage }) => usage.length));
  return [
    ...Object.values(commands).map(({ usage, text }) => `${usage.padEnd(width)}  ${text}`),
    'A line that ends in \\ goes on in the next. // at the start sends a text that begins with /.',
    'Ctrl-C stops an answer.',
  ];
}

/** One conversation. */
export class ChatSession {
  #system: string | undefined;
  #turns: ChatMessage[] = [];
  #sampling: SamplingFlags = {};

  constructor(system: string | undefined) {
    this.#system = system === '' ? undefined : system;
  }

  /** The system prompt, if there is one, and every turn. */
  get messages(): readonly ChatMessage[] {
    const system = this.#system;
    return system === undefined
      ? [...this.#turns]
      : [{ role: 'system', content: system }, ...this.#turns];
  }

  /** What /set has changed of the options that the chat began with. */
  get sampling(): SamplingFlags {
    return this.#sampling;
  }

  /** Takes one line (or several, joined) from the user. */
  async take(line: string): Promise<ChatStep> {
    if (line.trim() === '') return say();
    if (!line.startsWith('/')) return this.#ask(line);
    if (line.startsWith('//')) return this.#ask(line.slice(1));
    const [, word = '', argument = ''] = /^\/(\S*)\s*(.*)$/s.exec(line) ?? [];
    const name = aliases[word] ?? word;
    const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
    if (command !== undefined) return command.run(this, argument.trim());
    const guess = nearest(word, [...Object.keys(commands), ...Object.keys(aliases)]);
    const did = guess === undefined ? '' : ` Did you mean /${guess}?`;
    return fail(`There is no command /${word}.${did} /help lists them.`);
  }

  /** Keeps an answer, also a stopped one: the model should know what it has said. */
  addAnswer(content: string): void {
    this.#turns.push({ role: 'assistant', content });
  }

  /** Takes back a question that got no answer. */
  dropQuestion(): void {
    if (this.#turns.at(-1)?.role === 'user') this.#turns.pop();
  }

  setSystem(text: string): ChatStep {
    if (text === '') return say(this.#system ?? 'There is no system prompt.');
    this.#system = text === '-' ? undefined : text;
    return say(text === '-' ? 'The system prompt is gone.' : 'The system prompt is set.');
  }

  set(argument: string): ChatStep {
    if (argument === '') {
      const changed = Object.entries(this.#sampling).map(([name, value]) => `${name} ${value}`);
      return say(...changed, `Options: ${samplingNames.join(', ')}.`);
    }
    const [name = '', value = '', ...more] = argument.split(/\s+/);
    if (value === '' || more.length > 0) return fail('Give a name and a number: /set NAME VALUE');
    try {
      this.#sampling = { ...this.#sampling, ...readSampling(name, value) };
      return say(`${name} is now ${value}.`);
    } catch (error) {
      if (!CorralError.isInstance(error)) throw error;
      return fail(error.message);
    }
  }

  reset(): ChatStep {
    this.#turns = [];
    return say('The conversation is forgotten.');
  }

  undo(): ChatStep {
    const question = this.#turns.findLastIndex((turn) => turn.role === 'user');
    if (question < 0) return fail('There is nothing to take back.');
    this.#turns.length = question;
    return say('The last question is taken back.');
  }

  retry(): ChatStep {
    const question = this.#turns.findLastIndex((turn) => turn.role === 'user');
    if (question < 0) return fail('There is no question to answer again.');
    this.#turns.length = question + 1;
    return { kind: 'ask' };
  }

  async save(file: string): Promise<ChatStep> {
    if (file === '') return fail('Name a file: /save FILE');
    try {
      await (await import('./saved-chat.ts')).writeChat(file, this.messages);
      return say(`Saved to ${file}.`);
    } catch (error) {
      return fail(`${file} could not be written: ${messageOf(error)}`);
    }
  }

  async load(file: string): Promise<ChatStep> {
    if (file === '') return fail('Name a file: /load FILE');
    try {
      const messages = await (await import('./saved-chat.ts')).readChat(file);
      if (messages === undefined) return fail(`${file} is no saved conversation.`);
      this.#system = messages.find((message) => message.role === 'system')?.content;
      this.#turns = messages.filter((message) => message.role !== 'system');
      return say(`Loaded ${this.#turns.length} turns from ${file}.`);
    } catch (error) {
      return fail(`${file} could not be read: ${messageOf(error)}`);
    }
  }

  #ask(content: string): ChatStep {
    this.#turns.push({ role: 'user', content });
    return { kind: 'ask' };
  }
}
