// A conversation through a checkpoint's Jinja template. Control strings in messages are out of the way
// while it renders (stand-ins.ts); what lies between the control strings that the template itself wrote
// is tokenised piece by piece, each as a string of its own.
import { errors } from '../base/errors.ts';
import type { ChatEncoding, ChatMessage } from './chat-message.ts';
import { renderJinja } from './jinja-render.ts';
import { refuseTags } from './llama2-chat.ts';
import { StandIns } from './stand-ins.ts';
import type { Segment, TokenId, Tokenizer } from './tokenizer.ts';

/** What a template is given besides the messages. */
export interface JinjaChatOptions {
  readonly template: string;
  readonly addGenerationPrompt: boolean;
  readonly tools: readonly unknown[] | undefined;
  readonly variables: Readonly<Record<string, unknown>> | undefined;
  readonly labelsRequired: boolean;
  readonly now: Date;
}

/** The tokens of a conversation as a template writes it. */
export function encodeJinjaChat(
  tokenizer: Tokenizer,
  messages: readonly ChatMessage[],
  options: JinjaChatOptions,
): ChatEncoding {
  const { template, tools, variables } = options;
  // where [INST] is plain text to the model, no stand-in can keep a forged turn apart: refuse, as Meta does
  if (template.includes('[INST]') && !tokenizer.controls.has('[INST]')) refuseTags(messages);
  const standIns = new StandIns(
    tokenizer.controls,
    stringsIn([messages, tools, variables, template]),
  );
  const begin = standIns.mark();
  const end = standIns.mark();
  const safe = messages.map((message) => protect(message, standIns));
  const special = (id: TokenId | undefined): string | undefined =>
    id === undefined ? undefined : tokenizer.piece(id);
  const render = (some: readonly ChatMessage[], addGenerationPrompt: boolean): string =>
    renderJinja(template, {
      now: options.now,
      variables: {
        bos_token: special(tokenizer.bos) ?? '',
        eos_token: special(tokenizer.eos) ?? '',
        unk_token: special(tokenizer.unknown) ?? '',
        pad_token: special(tokenizer.pad) ?? '',
        ...(protectValue(variables ?? {}, standIns) as Readonly<Record<string, unknown>>),
        messages: some,
        tools: tools ? protectValue(tools, standIns) : null,
        documents: null,
        add_generation_prompt: addGenerationPrompt,
      },
    });
  const marked = safe.map((message) =>
    message.role === 'assistant' ? markContent(message, begin, end) : message,
  );
  const { text, ranges } = takeMarks(render(marked, options.addGenerationPrompt), begin, end);
  const answers = safe.filter((message) => message.role === 'assistant').length;
  const spans =
    ranges && ranges.length === answers
      ? ranges
      : spansByPrefix(text, safe, render, options.labelsRequired);
  const encoded = encodeSegments(tokenizer, text, spans, standIns);
  return withOneBos(tokenizer, { ...encoded, text: standIns.restore(text) });
}

/** From where to where in the text an assistant's message reaches. */
interface Span {
  readonly from: number;
  readonly until: number;
}

// Marks go inside the spaces at the ends, which templates trim; an empty answer cannot be marked.
function markContent(message: ChatMessage, begin: string, end: string): ChatMessage {
  const { content } = message;
  const trimmed = content.trim();
  if (trimmed === '') return message;
  const at = content.indexOf(trimmed);
  const after = at + trimmed.length;
  return {
    ...message,
    content: content.slice(0, at) + begin + trimmed + end + content.slice(after),
  };
}

function takeMarks(
  rendered: string,
  begin: string,
  end: string,
): { readonly text: string; readonly ranges: Span[] | undefined } {
  const ranges: Span[] = [];
  let ordered = true;
  let text = '';
  let open = -1;
  let from = 0;
  for (let at = 0; at < rendered.length; at++) {
    const isBegin = rendered.startsWith(begin, at);
    if (!isBegin && !rendered.startsWith(end, at)) continue;
    text += rendered.slice(from, at);
    from = at + (isBegin ? begin : end).length;
    if (isBegin === open >= 0) ordered = false;
    else if (isBegin) open = text.length;
    else {
      // a space the template puts before an answer is the model's to write: prompts end before it
      while (text[open - 1] === ' ') open -= 1;
      ranges.push({ from: open, until: text.length });
      open = -1;
    }
  }
  text += rendered.slice(from);
  return { text, ranges: ordered && open < 0 ? ranges : undefined };
}

/** For answers without marks (empty, or tool calls alone): what rendering one message more adds. */
function spansByPrefix(
  text: string,
  messages: readonly ChatMessage[],
  render: (some: readonly ChatMessage[], addGenerationPrompt: boolean) => string,
  required: boolean,
): Span[] {
  const spans: Span[] = [];
  for (const [at, message] of messages.entries()) {
    if (message.role !== 'assistant') continue;
    let before: string | undefined;
    let after: string | undefined;
    try {
      before = render(messages.slice(0, at), true);
      after = render(messages.slice(0, at + 1), false);
    } catch (error) {
      if (required) throw error;
      continue;
    }
    if (text.startsWith(before) && text.startsWith(after) && after.length > before.length) {
      spans.push({ from: before.length, until: after.trimEnd().length });
    } else if (required) {
      throw errors.TEMPLATE_INVALID({
        reason: `it does not show which tokens of message ${at + 1} are the assistant's`,
      });
    }
  }
  return spans;
}

function encodeSegments(
  tokenizer: Tokenizer,
  text: string,
  spans: readonly Span[],
  standIns: StandIns,
): { readonly ids: TokenId[]; readonly assistant: boolean[] } {
  const ids: TokenId[] = [];
  const assistant: boolean[] = [];
  let turnOpen = false;
  for (const segment of tokenizer.segments(text)) {
    if ('control' in segment) {
      const inside = spans.some((span) => span.from <= segment.at && segment.at < span.until);
      // the token that ends the assistant's turn is the assistant's: without it a model never stops
      assistant.push(inside || (turnOpen && segment.control !== tokenizer.bos));
      ids.push(segment.control);
      turnOpen = false;
      continue;
    }
    const until = segment.at + segment.text.length;
    const encode = (part: string): TokenId[] =>
      tokenizer.encode(standIns.restore(part), { start: segment.start });
    const tokens = encode(segment.text);
    const labels = new Array<boolean>(tokens.length).fill(false);
    for (const span of spans) {
      if (span.from >= until || span.until <= segment.at) continue;
      const first = sharedTokens(tokens, segment, span.from, encode);
      const closes = segment.text.slice(Math.max(0, span.until - segment.at)).trim() === '';
      const last = closes ? tokens.length : sharedTokens(tokens, segment, span.until, encode);
      labels.fill(true, first, Math.max(first, last));
      turnOpen = closes && span.until <= until;
    }
    for (const [at, id] of tokens.entries()) {
      ids.push(id);
      assistant.push(labels[at] as boolean);
    }
  }
  return { ids, assistant };
}

/** How many tokens of a segment lie wholly before a place in the text. */
function sharedTokens(
  tokens: readonly TokenId[],
  segment: Extract<Segment, { text: string }>,
  place: number,
  encode: (part: string) => TokenId[],
): number {
  if (place <= segment.at) return 0;
  const before = encode(segment.text.slice(0, place - segment.at));
  let shared = 0;
  while (shared < before.length && before[shared] === tokens[shared]) shared += 1;
  return shared;
}

/** Exactly one BOS at the start where the model wants one, and never two in a row. */
function withOneBos(tokenizer: Tokenizer, encoding: ChatEncoding): ChatEncoding {
  const { bos } = tokenizer;
  if (bos === undefined) return encoding;
  const ids: TokenId[] = [];
  const assistant: boolean[] = [];
  const adds = tokenizer.addsBos && encoding.ids[0] !== bos;
  if (adds) {
    ids.push(bos);
    assistant.push(false);
  }
  for (const [at, id] of encoding.ids.entries()) {
    if (id === bos && ids.at(-1) === bos) continue;
    ids.push(id);
    assistant.push(encoding.assistant[at] as boolean);
  }
  return { ids, assistant, text: (adds ? tokenizer.piece(bos) : '') + encoding.text };
}

function protect(message: ChatMessage, standIns: StandIns): ChatMessage {
  const { role, ...rest } = message;
  return { ...(protectValue(rest, standIns) as { content: string }), role };
}

// messages are data of users: nesting deeper than any schema is refused before it can exhaust the stack
const MAX_DEPTH = 64;

function protectValue(value: unknown, standIns: StandIns): unknown {
  if (typeof value === 'string') return standIns.protect(value);
  if (Array.isArray(value)) return value.map((one) => protectValue(one, standIns));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, one]) => [standIns.protect(key), protectValue(one, standIns)]),
  );
}

function* stringsIn(value: unknown, depth = 0): Generator<string> {
  if (depth > MAX_DEPTH) {
    throw errors.CHAT_INVALID({ reason: `a field is nested deeper than ${MAX_DEPTH} levels` });
  }
  if (typeof value === 'string') yield value;
  else if (Array.isArray(value)) for (const one of value) yield* stringsIn(one, depth + 1);
  else if (typeof value === 'object' && value !== null) {
    for (const [key, one] of Object.entries(value)) {
      yield key;
      yield* stringsIn(one, depth + 1);
    }
  }
}
