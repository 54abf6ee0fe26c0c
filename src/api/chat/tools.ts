// Tools: which format a model's template teaches it to call them in, and calls read back from its text
// while that comes. Text that is no call of a tool that was offered stays text.
import { randomInt } from 'node:crypto';
import type { ToolCall } from '../fields/chat-messages.ts';

/** How a model writes calls. */
export interface ToolFormat {
  /** Before a call; undefined where a call is JSON alone, which then begins the answer (Llama 3). */
  readonly open: string | undefined;
  /** After a call; undefined where calls go on to the end. */
  readonly close: string | undefined;
  /** What the arguments are called. */
  readonly argumentsKey: 'parameters' | 'arguments';
}

/** What came out of a stretch of text. */
export type Piece =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'call'; readonly call: ToolCall };

/** The format of a template, by the words it writes; undefined where it does not know of tools. */
export function toolFormatOf(template: string | undefined): ToolFormat | undefined {
  if (template === undefined || !/\btools\b/.test(template)) return undefined;
  if (template.includes('<tool_call>')) {
    return { open: '<tool_call>', close: '</tool_call>', argumentsKey: 'arguments' };
  }
  if (template.includes('[TOOL_CALLS]')) {
    return { open: '[TOOL_CALLS]', close: undefined, argumentsKey: 'arguments' };
  }
  return { open: undefined, close: undefined, argumentsKey: 'parameters' };
}

/** Reads one answer. Holds back only what may belong to a call. */
export class ToolCallReader {
  readonly #format: ToolFormat;
  readonly #names: ReadonlySet<string>;
  readonly #limit: number;
  #held = '';
  #calls = 0;
  #state: 'start' | 'text' | 'call' = 'start';

  constructor(
    format: ToolFormat,
    { names, limit }: { readonly names: ReadonlySet<string>; readonly limit: number },
  ) {
    this.#format = format;
    this.#names = names;
    this.#limit = limit;
  }

  /** How many calls there were. */
  get calls(): number {
    return this.#calls;
  }

  push(text: string): Piece[] {
    this.#held += text;
    const pieces: Piece[] = [];
    while (this.#step(pieces));
    return pieces;
  }

  /** The answer has ended. */
  end(): Piece[] {
    const text = this.#held;
    this.#held = '';
    const { open } = this.#format;
    const isCall = this.#state === 'call' || /^\s*[[{]/.test(text);
    const pieces = isCall ? this.#read(text) : undefined;
    if (pieces !== undefined) return pieces;
    const whole = this.#state === 'call' ? (open ?? '') + text : text;
    return whole === '' || (this.#calls > 0 && whole.trim() === '')
      ? []
      : [{ kind: 'text', text: whole }];
  }

  // One move; false when more text is needed.
  #step(pieces: Piece[]): boolean {
    if (this.#state === 'start') return this.#begin();
    return this.#state === 'text' ? this.#lookForCall(pieces) : this.#lookForEnd(pieces);
  }

  // An answer that begins as JSON may be a call: tokenizers may keep the tag for themselves.
  #begin(): boolean {
    const first = this.#held.trimStart()[0];
    if (first === undefined) return false;
    const { open } = this.#format;
    const trimmed = this.#held.trimStart();
    if (open?.startsWith(trimmed.slice(0, open.length))) {
      if (trimmed.length < open.length) return false;
    } else if (first === '{' || first === '[') return false;
    this.#state = 'text';
    return true;
  }

  #lookForCall(pieces: Piece[]): boolean {
    const { open } = this.#format;
    const at = open === undefined ? -1 : this.#held.indexOf(open);
    const until = at >= 0 ? at : this.#held.length - startOf(open ?? '', this.#held);
    const text = this.#held.slice(0, until);
    // Between two calls there is often a line end.
    if (text !== '' && !(this.#calls > 0 && text.trim() === ''))
      pieces.push({ kind: 'text', text });
    this.#held = this.#held.slice(until + (at >= 0 ? (open?.length ?? 0) : 0));
    if (at >= 0) this.#state = 'call';
    return at >= 0;
  }

  #lookForEnd(pieces: Piece[]): boolean {
    const { open = '', close } = this.#format;
    if (close === undefined) return false;
    let at = this.#held.indexOf(close);
    while (at >= 0 && endsWithinString(this.#held.slice(0, at))) {
      at = this.#held.indexOf(close, at + 1);
    }
    if (at < 0) return false;
    const body = this.#held.slice(0, at);
    this.#held = this.#held.slice(at + close.length);
    this.#state = 'text';
    pieces.push(...(this.#read(body) ?? [{ kind: 'text', text: open + body + close } as const]));
    return true;
  }

  // The calls that a text consists of; undefined where it is anything else.
  #read(text: string): Piece[] | undefined {
    const values = readValues(text.trim().replace(/^\[TOOL_CALLS\]/, ''));
    const calls = values?.map((value) => this.#call(value));
    if (calls === undefined || calls.length === 0 || calls.includes(undefined)) return undefined;
    const left = Math.max(0, this.#limit - this.#calls);
    this.#calls += Math.min(calls.length, left);
    return calls.slice(0, left).map((call) => ({ kind: 'call', call: call as ToolCall }));
  }

  #call(value: unknown): ToolCall | undefined {
    const outer = Object(value) as Record<string, unknown>;
    const inner = Object(outer['function'] ?? outer) as Record<string, unknown>;
    const { name } = inner;
    const given = inner['arguments'] ?? inner['parameters'] ?? {};
    if (typeof name !== 'string' || !this.#names.has(name)) return undefined;
    const text = typeof given === 'string' ? given : JSON.stringify(given);
    return { id: callId(), type: 'function', function: { name, arguments: text } };
  }
}

// A closing tag that stands in a string of the arguments closes nothing.
function endsWithinString(json: string): boolean {
  return json.replace(/\\./gs, '').split('"').length % 2 === 0;
}

/** Length of the longest end of the text that begins the tag. */
function startOf(tag: string, text: string): number {
  for (let length = Math.min(tag.length - 1, text.length); length > 0; length--) {
    if (tag.startsWith(text.slice(text.length - length))) return length;
  }
  return 0;
}

/** One JSON value, a list's items, or several values one after another with nothing but `;` or `,` between. */
function readValues(text: string): unknown[] | undefined {
  const whole = parse(text);
  if (whole !== undefined) return Array.isArray(whole) ? whole : [whole];
  const values: unknown[] = [];
  let from = 0;
  for (let at = text.indexOf('}'); at >= 0; at = text.indexOf('}', at + 1)) {
    const value = parse(text.slice(from, at + 1).replace(/^[\s;,]+/, ''));
    if (value === undefined) continue;
    values.push(value);
    from = at + 1;
  }
  return text.slice(from).trim() === '' ? values : undefined;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const letters = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';

// Mistral's templates refuse ids that are not nine letters or digits; to all others any id will do.
function callId(): string {
  return Array.from({ length: 9 }, () => letters[randomInt(letters.length)]).join('');
}
