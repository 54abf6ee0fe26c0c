// Conversations as files: JSON that this page reads back, checked whole before anything of it is kept; and Markdown
// for people.
import * as z from 'zod/mini';
import type { Conversation, Message } from './message.ts';
import type { StoredConversation } from './store.ts';
import { shownPath } from './tree.ts';

const FORMAT = 'corral-conversations';

const probability = { logprob: z.number() };
const alternative = z.object({
  text: z.string(),
  ...probability,
  label: z.exactOptional(z.string()),
  ends: z.exactOptional(z.boolean()),
});
const token = z.object({
  text: z.string(),
  ...probability,
  alternatives: z.array(alternative),
  chosen: z.exactOptional(z.boolean()),
});
const common = {
  id: z.string().check(z.minLength(1)),
  conversation: z.string(),
  parent: z.nullable(z.string()),
  text: z.string(),
  createdAt: z.number(),
};
const timing = z.object({
  firstTokenMs: z.number(),
  tokensPerSecond: z.exactOptional(z.number()),
  promptTokens: z.exactOptional(z.number()),
  cachedTokens: z.exactOptional(z.number()),
  completionTokens: z.exactOptional(z.number()),
});
const problem = z.object({
  kind: z.enum(['lost', 'unauthorised', 'busy', 'refused']),
  message: z.string(),
  hint: z.string(),
});
const message = z.discriminatedUnion('role', [
  z.object({ ...common, role: z.literal('user') }),
  z.object({
    ...common,
    role: z.literal('assistant'),
    model: z.string(),
    state: z.enum(['running', 'whole', 'stopped', 'length', 'cut']),
    tokensFrom: z.number(),
    tokens: z.array(token),
    timing: z.exactOptional(timing),
    problem: z.exactOptional(problem),
  }),
]);
const sampling = z.object({
  temperature: z.exactOptional(z.number()),
  topP: z.exactOptional(z.number()),
  topK: z.exactOptional(z.number()),
  minP: z.exactOptional(z.number()),
  maxTokens: z.exactOptional(z.number()),
  seed: z.exactOptional(z.number()),
  stop: z.exactOptional(z.array(z.string())),
});
const conversation = z.object({
  id: z.string().check(z.minLength(1)),
  title: z.string(),
  createdAt: z.number(),
  updatedAt: z.number(),
  settings: z.object({ model: z.exactOptional(z.string()), system: z.string(), sampling }),
  shown: z.record(z.string(), z.string()),
});
const archive = z.object({
  format: z.literal(FORMAT),
  version: z.literal(1),
  conversations: z.array(z.object({ conversation, messages: z.array(message) })),
});

/** Conversations as JSON. */
export function writeArchive(conversations: readonly StoredConversation[]): string {
  return `${JSON.stringify({ format: FORMAT, version: 1, conversations }, null, 1)}\n`;
}

/**
 * Conversations out of JSON; messages that belong to none of them are left out. Throws an Error that says what is
 * wrong with the file.
 */
export function readArchive(text: string): StoredConversation[] {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new Error('The file is not JSON. Choose one that was exported from this page.');
  }
  const parsed = archive.safeParse(json);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const path = (issue?.path ?? []).join('.');
    const where = path === '' ? '' : ` (at ${path})`;
    throw new Error(`The file holds no conversations of Corral${where}. Nothing was imported.`);
  }
  return parsed.data.conversations.map((stored) => ({
    conversation: stored.conversation,
    messages: stored.messages.filter((one) => one.conversation === stored.conversation.id),
  }));
}

/** What is shown of a conversation, as Markdown. */
export function writeMarkdown(of: Conversation, messages: ReadonlyMap<string, Message>): string {
  const system = of.settings.system.trim();
  const parts = [
    `# ${of.title}`,
    ...(system === '' ? [] : [`> ${system.replaceAll('\n', '\n> ')}`]),
    ...shownPath(messages, of.shown).flatMap((one) => [
      one.role === 'user' ? '## You' : `## ${one.model}`,
      one.text,
    ]),
  ];
  return `${parts.join('\n\n')}\n`;
}
