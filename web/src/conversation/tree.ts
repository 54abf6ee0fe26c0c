// A conversation as a tree: every edit, every new answer and every alternative is a sibling, and one path is shown.
// Pure functions over values.
import type { Conversation, Message } from './message.ts';

/** Messages by id. */
export type Messages = ReadonlyMap<string, Message>;

/** Versions of one message, oldest first, and which of them is meant. */
export interface Versions {
  readonly ids: readonly string[];
  readonly index: number;
}

const key = (parent: string | null): string => parent ?? '';

function byAge(a: Message, b: Message): number {
  return a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1);
}

/** What follows a message (null: the first ones), oldest first. */
export function childrenOf(messages: Messages, parent: string | null): Message[] {
  return [...messages.values()].filter((message) => message.parent === parent).sort(byAge);
}

/** The shown messages, first to last: at each fork the chosen version, else the newest. */
export function shownPath(messages: Messages, shown: Conversation['shown']): Message[] {
  const path: Message[] = [];
  for (let parent: string | null = null; ; ) {
    const children = childrenOf(messages, parent);
    const next = children.find(({ id }) => id === shown[key(parent)]) ?? children.at(-1);
    // A damaged import may hold a circle.
    if (next === undefined || path.includes(next)) return path;
    path.push(next);
    parent = next.id;
  }
}

/** The messages up to and including one of them, first to last, whatever is shown. */
export function pathTo(messages: Messages, id: string | null): Message[] {
  const path: Message[] = [];
  for (let at = id === null ? undefined : messages.get(id); at !== undefined; ) {
    if (path.includes(at)) break;
    path.unshift(at);
    at = at.parent === null ? undefined : messages.get(at.parent);
  }
  return path;
}

/** All messages that answer the same message as this one, itself included. */
export function versionsOf(messages: Messages, message: Message): Versions {
  const ids = childrenOf(messages, message.parent).map(({ id }) => id);
  return { ids, index: ids.indexOf(message.id) };
}

/** Shows a message, and what leads to it. */
export function showing(
  messages: Messages,
  shown: Conversation['shown'],
  id: string,
): Conversation['shown'] {
  const changes = pathTo(messages, id).map((message) => [key(message.parent), message.id] as const);
  return { ...shown, ...Object.fromEntries(changes) };
}

/** The version `step` places further (back if negative), or nothing beyond the ends. */
export function neighbour(messages: Messages, message: Message, step: number): string | undefined {
  const { ids, index } = versionsOf(messages, message);
  return ids[index + step];
}

/** Ids of a message and of all that follows from it. */
export function branchOf(messages: Messages, id: string): string[] {
  const found = [id];
  for (let i = 0; i < found.length; i++) {
    const children = childrenOf(messages, found[i] as string).map((child) => child.id);
    found.push(...children.filter((child) => !found.includes(child)));
  }
  return found;
}

/** A name for a conversation: the beginning of its first message. */
export function titleFrom(text: string): string {
  const line = text.trim().split('\n', 1)[0]?.trim() ?? '';
  if (line.length <= 60) return line || 'New conversation';
  const cut = line.slice(0, 60);
  return `${cut.slice(0, cut.includes(' ') ? cut.lastIndexOf(' ') : 60)}…`;
}
