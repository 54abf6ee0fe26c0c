// The shapes a row of a data set may have, brought to three: a text, a conversation, or a prompt with its
// completion. Checked by schemas; what does not fit comes back as a reason, never as an exception.
import * as z from 'zod';
import type { ChatMessage } from '../../tokenizer/index.ts';

/** What one row says. */
export type DataRow =
  | { readonly kind: 'text'; readonly text: string }
  | {
      readonly kind: 'chat';
      readonly messages: readonly ChatMessage[];
      readonly tools?: readonly unknown[];
    }
  | { readonly kind: 'completion'; readonly prompt: string; readonly completion: string };

/** Formats of rows. */
export const rowFormats = [
  'text',
  'messages',
  'sharegpt',
  'alpaca',
  'alpaca-prompt',
  'completion',
] as const;
export type RowFormat = (typeof rowFormats)[number];

/** A row, or why it is none. */
export type RowResult = { readonly row: DataRow } | { readonly reason: string };

const text = z.looseObject({ text: z.string() });

// null content comes with tool calls
const message = z.looseObject({
  role: z.string(),
  content: z.string().nullish(),
});
const messages = z.looseObject({
  messages: z.array(message).min(1),
  tools: z.unknown().optional(),
});

const sharegpt = z.looseObject({
  conversations: z.array(z.looseObject({ from: z.string(), value: z.string() })).min(1),
  system: z.string().nullish(),
  tools: z.unknown().optional(),
});

const alpaca = z.looseObject({
  instruction: z.string(),
  input: z.string().nullish(),
  output: z.string(),
  system: z.string().nullish(),
  history: z.array(z.tuple([z.string(), z.string()])).nullish(),
});

const completion = z.looseObject({ prompt: z.string(), completion: z.string() });

const readers: Readonly<Record<RowFormat, (value: unknown) => RowResult>> = {
  text: (value) => check(text, value, (found) => ({ row: { kind: 'text', text: found.text } })),
  messages: (value) =>
    check(messages, value, (found) => toChat(found.messages.map(fromMessage), found.tools)),
  sharegpt: (value) =>
    check(sharegpt, value, ({ conversations, system, tools }) => {
      const spoken = conversations.map(fromSharegpt);
      return toChat(system ? [{ role: 'system', content: system }, ...spoken] : spoken, tools);
    }),
  alpaca: (value) =>
    check(alpaca, value, ({ instruction, input, output, system, history }) =>
      toChat(
        [
          ...(system ? [{ role: 'system', content: system }] : []),
          ...(history ?? []).flatMap(([user, answer]) => [
            { role: 'user', content: user },
            { role: 'assistant', content: answer },
          ]),
          { role: 'user', content: input ? `${instruction}\n${input}` : instruction },
          { role: 'assistant', content: output },
        ],
        undefined,
      ),
    ),
  'alpaca-prompt': (value) =>
    check(alpaca, value, ({ instruction, input, output }) =>
      toCompletion(alpacaPrompt(instruction, input ?? ''), output),
    ),
  completion: (value) =>
    check(completion, value, (found) => toCompletion(found.prompt, found.completion)),
};

/** Reads one row of a known format. */
export function readRow(value: unknown, format: RowFormat): RowResult {
  return readers[format](value);
}

const signs: readonly (readonly [RowFormat, readonly string[]])[] = [
  ['messages', ['messages']],
  ['sharegpt', ['conversations']],
  ['alpaca', ['instruction', 'output']],
  ['completion', ['prompt', 'completion']],
  ['text', ['text']],
];

/** The format that the keys of a row show; undefined when they show none. */
export function detectFormat(value: unknown): RowFormat | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  return signs.find(([, keys]) => keys.every((key) => key in value))?.[0];
}

/** The keys by which formats are told apart, for messages. */
export const formatSigns: string = signs
  .map(([format, keys]) => `${keys.join(' and ')} (${format})`)
  .join(', ');

/** Stanford Alpaca's prompts, word for word (no newline after the last colon). */
export function alpacaPrompt(instruction: string, input: string): string {
  return input === ''
    ? `Below is an instruction that describes a task. Write a response that appropriately completes the request.\n\n### Instruction:\n${instruction}\n\n### Response:`
    : `Below is an instruction that describes a task, paired with an input that provides further context. Write a response that appropriately completes the request.\n\n### Instruction:\n${instruction}\n\n### Input:\n${input}\n\n### Response:`;
}

type Draft = Readonly<Record<string, unknown>> & {
  readonly role: string;
  readonly content: string;
};

function fromMessage({ role, content, ...rest }: z.infer<typeof message>): Draft {
  return { ...rest, role: roleNames.get(role) ?? role, content: content ?? '' };
}

function fromSharegpt({ from, value }: { from: string; value: string }): Draft {
  return { role: roleNames.get(from) ?? from, content: value };
}

// what data sets call the speakers
const roleNames = new Map<string, ChatMessage['role']>([
  ['system', 'system'],
  ['user', 'user'],
  ['human', 'user'],
  ['assistant', 'assistant'],
  ['gpt', 'assistant'],
  ['model', 'assistant'],
  ['bot', 'assistant'],
  ['function_call', 'assistant'],
  ['tool', 'tool'],
  ['observation', 'tool'],
  ['function', 'tool'],
]);

function toCompletion(prompt: string, text: string): RowResult {
  if (text === '') return { reason: 'its completion is empty' };
  return { row: { kind: 'completion', prompt, completion: text } };
}

function toChat(drafts: readonly Draft[], tools: unknown): RowResult {
  const known = new Set<string>(roleNames.values());
  const strange = drafts.findIndex(({ role }) => !known.has(role));
  if (strange >= 0) {
    const found = JSON.stringify(drafts[strange]?.role);
    return {
      reason: `message ${strange + 1} is by ${found}; known are ${Array.from(roleNames.keys()).join(', ')}`,
    };
  }
  if (!drafts.some(({ role }) => role === 'assistant')) {
    return { reason: 'no message is the assistant’s' };
  }
  const list = readTools(tools);
  if (list === undefined) return { reason: 'its tools are no JSON list' };
  // the roles were checked above
  const messages = drafts as readonly ChatMessage[];
  return { row: { kind: 'chat', messages, ...(list.length > 0 && { tools: list }) } };
}

/** Tools as a list, or as JSON of one; undefined for anything else. */
function readTools(tools: unknown): readonly unknown[] | undefined {
  if (tools === undefined || tools === null || tools === '') return [];
  if (Array.isArray(tools)) return tools;
  if (typeof tools !== 'string') return undefined;
  try {
    const value = JSON.parse(tools) as unknown;
    return Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function check<T>(schema: z.ZodType<T>, value: unknown, make: (found: T) => RowResult): RowResult {
  const parsed = schema.safeParse(value);
  return parsed.success ? make(parsed.data) : { reason: explain(parsed.error) };
}

function explain({ issues }: z.ZodError): string {
  const [first] = issues;
  const path = first?.path.map(String).join('.') ?? '';
  const words = first?.message.replace(/^Invalid input: /, '') ?? 'it does not fit';
  return path === '' ? words : `${path}: ${words}`;
}
