// Rows to examples: token ids, and which of them are learned. What is learned follows from how a text is
// put together, never from searching it: a prompt is encoded as it will be when the model is asked, and
// everything behind it that the model has to write, its end included, is learned.
import { CorralError } from '../../base/define-errors.ts';
import { errors } from '../../base/errors.ts';
import {
  type ChatEncoding,
  type ChatMessage,
  encodeChat,
  type TokenId,
  type Tokenizer,
} from '../../tokenizer/index.ts';
import type { Example } from '../batch.ts';
import type { learnKinds } from './data-recipe.ts';
import type { DataRow } from './row-formats.ts';

/** How rows become examples. */
export interface EncodeRowOptions {
  readonly tokenizer: Tokenizer;
  /** `llama-2` or the source of a Jinja template; needed for conversations. */
  readonly template: string | undefined;
  /** System message of conversations that begin without one. */
  readonly system: string | undefined;
  readonly learn: (typeof learnKinds)[number];
  /** Do texts and completions begin with BOS, end with EOS? */
  readonly bos: boolean;
  readonly eos: boolean;
}

/** An example, or why a row gives none. */
export type EncodedRow = { readonly example: Example } | { readonly reason: string };

// templates that write the date get this one (Llama 3's own default): the same data, the same tokens
const DATE = new Date('2024-07-26T12:00:00');

/** Encodes one row. Throws TEMPLATE_INVALID where there is no template for a conversation. */
export function encodeRow(row: DataRow, options: EncodeRowOptions): EncodedRow {
  switch (row.kind) {
    case 'text': {
      if (row.text === '') return { reason: 'its text is empty' };
      const ids = encodeText(row.text, { ...options, opens: true, closes: true });
      return { example: { tokens: Int32Array.from(ids), learn: learnFrom(1, ids.length) } };
    }
    case 'completion':
      return encodeCompletion(row.prompt, row.completion, options);
    case 'chat':
      return encodeConversation(row, options);
  }
}

/** How a stretch of a document is encoded. */
export interface EncodeTextOptions extends Pick<EncodeRowOptions, 'tokenizer' | 'bos' | 'eos'> {
  /** Is the document's beginning, its end, in this stretch? */
  readonly opens: boolean;
  readonly closes: boolean;
}

/** The ids of a document, or of a stretch of one. */
export function encodeText(text: string, options: EncodeTextOptions): TokenId[] {
  const { tokenizer, bos, eos, opens, closes } = options;
  return tokenizer.encode(text, {
    bos: bos && opens,
    eos: eos && closes,
    start: opens ? 'text' : 'continuation',
  });
}

function encodeCompletion(
  prompt: string,
  completion: string,
  { tokenizer, learn, bos, eos }: EncodeRowOptions,
): EncodedRow {
  const ids = tokenizer.encode(prompt, { bos });
  const start = learn === 'all' ? 1 : ids.length;
  const answer = tokenizer.encode(completion, {
    eos,
    start: prompt === '' ? 'text' : 'continuation',
  });
  // one by one: a spread of a long list would overflow the stack
  for (const id of answer) ids.push(id);
  return { example: { tokens: Int32Array.from(ids), learn: learnFrom(start, ids.length) } };
}

function encodeConversation(
  { messages, tools }: Extract<DataRow, { kind: 'chat' }>,
  options: EncodeRowOptions,
): EncodedRow {
  const { tokenizer, template, system, learn } = options;
  if (template === undefined) {
    throw errors.TEMPLATE_INVALID({
      reason: 'the data have conversations, and no template is given',
    });
  }
  const encode = (some: readonly ChatMessage[], addGenerationPrompt: boolean): ChatEncoding =>
    encodeChat(tokenizer, some, {
      template,
      system,
      tools,
      addGenerationPrompt,
      labels: 'required',
      now: DATE,
    });
  try {
    const { ids, assistant } = encode(messages, false);
    const answers = messages.flatMap(({ role }, at) => (role === 'assistant' ? [at] : []));
    const starts: number[] = [];
    for (const at of learn === 'assistant' ? answers : answers.slice(-1)) {
      if (at === 0) return { reason: 'it begins with an answer of the assistant' };
      const prompt = encode(messages.slice(0, at), true).ids;
      if (prompt.some((id, place) => id !== ids[place])) return { reason: mismatch(at) };
      starts.push(prompt.length);
    }
    const example = learnAnswers({ ids, assistant }, starts, options);
    return example.learn.includes(1) ? { example } : { reason: 'nothing in it is learned' };
  } catch (error) {
    if (!CorralError.isInstance(error) || !rowCodes.has(error.code)) throw error;
    return { reason: error.message.replace(/\.$/, '') };
  }
}

// what a conversation can do to a template; the rest is not the row's fault
const rowCodes: ReadonlySet<string> = new Set(['CORRAL_CHAT_INVALID', 'CORRAL_TEMPLATE_INVALID']);

/** Why the prompt before message `at` (from 0) does not begin the whole. */
function mismatch(at: number): string {
  return `the template writes messages 1 to ${at}, asking for an answer, other than as the beginning of the whole: what would be learned is not what the model is asked (\`learn: last\` needs this of the last answer only)`;
}

/** Learns each answer from where its prompt ends to the token that ends its turn. */
function learnAnswers(
  { ids, assistant }: Pick<ChatEncoding, 'ids' | 'assistant'>,
  starts: readonly number[],
  { tokenizer, learn }: EncodeRowOptions,
): Example {
  const { eos } = tokenizer;
  const mask = new Uint8Array(ids.length);
  for (const [at, from] of starts.entries()) {
    const until = assistant.lastIndexOf(true, (starts[at + 1] ?? ids.length) - 1) + 1;
    mask.fill(1, from, Math.max(from, until));
  }
  const end = mask.lastIndexOf(1) + 1;
  const final = ids[end - 1];
  const isClosed = final === undefined || Array.from(tokenizer.controls.values()).includes(final);
  // a model that never sees the end of an answer never stops: where the template leaves it open, EOS closes it
  const appended = isClosed || eos === undefined ? [] : [eos];
  // what follows the last learned token teaches nothing
  const kept = learn === 'all' && isClosed ? ids : ids.slice(0, end);
  const tokens = Int32Array.from([...kept, ...appended]);
  if (learn === 'all') return { tokens, learn: learnFrom(1, tokens.length) };
  const learned = new Uint8Array(tokens.length);
  learned.set(mask.subarray(0, end));
  learned.fill(1, end);
  return { tokens, learn: learned };
}

/** A mask that learns from a place on; never the first token, which nothing predicts. */
function learnFrom(start: number, length: number): Uint8Array {
  return new Uint8Array(length).fill(1, Math.max(1, start));
}
