import { describe, expect, it } from 'vitest';
import type { Message } from './message.ts';
import { branchOf, neighbour, pathTo, showing, shownPath, titleFrom, versionsOf } from './tree.ts';

/** A message written as `id<parent`; ages follow the order of the list. */
function tree(...links: string[]): Map<string, Message> {
  const messages = links.map((link, createdAt): Message => {
    const [id = '', parent = ''] = link.split('<');
    const text = id.toUpperCase();
    return { id, conversation: 'c', parent: parent || null, role: 'user', text, createdAt };
  });
  return new Map(messages.map((message) => [message.id, message]));
}

const ids = (messages: readonly Message[]): string => messages.map(({ id }) => id).join(' ');
const get = (messages: Map<string, Message>, id: string): Message => messages.get(id) as Message;

describe('a conversation as a tree', () => {
  // a ─ b ─ c ─ d
  //   │   └ e ─ f
  //   └ g ─ h
  const messages = tree('a', 'b<a', 'c<b', 'd<c', 'e<b', 'f<e', 'g<a', 'h<g');

  it('shows the newest version where none was chosen', () => {
    expect(ids(shownPath(messages, {}))).toBe('a g h');
  });

  it('shows what was chosen, and goes on with the newest below it', () => {
    expect(ids(shownPath(messages, { a: 'b' }))).toBe('a b e f');
    expect(ids(shownPath(messages, { a: 'b', b: 'c' }))).toBe('a b c d');
  });

  it('remembers choices in branches that are out of sight', () => {
    const inB = showing(messages, {}, 'c');
    const inG = showing(messages, inB, 'g');
    expect(ids(shownPath(messages, inG))).toBe('a g h');
    expect(ids(shownPath(messages, showing(messages, inG, 'b')))).toBe('a b c d');
  });

  it('knows the versions of a message and its neighbours', () => {
    expect(versionsOf(messages, get(messages, 'g'))).toEqual({ ids: ['b', 'g'], index: 1 });
    expect(neighbour(messages, get(messages, 'g'), -1)).toBe('b');
    expect(neighbour(messages, get(messages, 'g'), 1)).toBeUndefined();
  });

  it('treats several first messages as versions of each other', () => {
    const two = tree('a', 'b<a', 'x');
    expect(ids(shownPath(two, {}))).toBe('x');
    expect(ids(shownPath(two, showing(two, {}, 'b')))).toBe('a b');
  });

  it('gives what a model is asked with: the way to a message, not what is shown', () => {
    expect(ids(pathTo(messages, 'f'))).toBe('a b e f');
    expect(pathTo(messages, null)).toEqual([]);
  });

  it('takes a branch with all that follows from it', () => {
    expect(branchOf(messages, 'b').sort()).toEqual(['b', 'c', 'd', 'e', 'f']);
  });

  it('ends on messages that lead in a circle', () => {
    const circle = tree('a<b', 'b<a');
    expect(ids(pathTo(circle, 'a'))).toBe('b a');
    expect(shownPath(circle, {})).toEqual([]);
    expect(branchOf(circle, 'a').sort()).toEqual(['a', 'b']);
  });

  it('names a conversation by its first line, cut between words', () => {
    expect(titleFrom('  Hello there\nsecond line')).toBe('Hello there');
    expect(titleFrom('   ')).toBe('New conversation');
    const long = 'one two three four five six seven eight nine ten eleven twelve thirteen';
    expect(titleFrom(long)).toBe('one two three four five six seven eight nine ten eleven…');
  });
});
