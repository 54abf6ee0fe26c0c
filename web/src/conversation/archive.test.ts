import { describe, expect, it } from 'vitest';
import { readArchive, writeArchive, writeMarkdown } from './archive.ts';
import type { AssistantMessage, Conversation, UserMessage } from './message.ts';

const conversation: Conversation = {
  id: 'c1',
  title: 'Llamas',
  createdAt: 1,
  updatedAt: 2,
  settings: { model: 'cria', system: 'Be brief.\nBe kind.', sampling: { topK: 4, stop: ['x'] } },
  shown: { '': 'm1', m1: 'm2' },
};
const question: UserMessage = {
  id: 'm1',
  conversation: 'c1',
  parent: null,
  role: 'user',
  text: 'What is a llama?',
  createdAt: 1,
};
const answer: AssistantMessage = {
  id: 'm2',
  conversation: 'c1',
  parent: 'm1',
  role: 'assistant',
  text: 'An *animal*.',
  createdAt: 2,
  model: 'cria',
  state: 'whole',
  tokensFrom: 0,
  tokens: [
    {
      text: 'An',
      logprob: -0.1,
      alternatives: [{ text: '', label: '</s>', ends: true, logprob: -3 }],
    },
  ],
  timing: { firstTokenMs: 12, cachedTokens: 3 },
};
const other: AssistantMessage = { ...answer, id: 'm3', text: 'A camel.', createdAt: 3 };
const stored = [{ conversation, messages: [question, answer, other] }];

describe('an archive', () => {
  it('comes back as it went', () => {
    expect(readArchive(writeArchive(stored))).toEqual(stored);
  });

  it('is refused with the place that is wrong', () => {
    const bad = writeArchive(stored).replace('"m3"', '3');
    expect(() => readArchive(bad)).toThrow('(at conversations.0.messages.2.id)');
    expect(() => readArchive('{"format":"other"}')).toThrow(
      'no conversations of Corral (at format)',
    );
    expect(() => readArchive('<html>')).toThrow('not JSON');
  });

  it('keeps nothing it does not know, and no message of a strange conversation', () => {
    const text = writeArchive([
      { conversation, messages: [question, { ...answer, conversation: 'elsewhere' }] },
    ]).replace('"title"', '"__proto__":{"evil":1},"more":1,"title"');
    expect(readArchive(text)).toEqual([{ conversation, messages: [question] }]);
  });
});

describe('a conversation as Markdown', () => {
  it('has what is shown, under who said it', () => {
    const messages = new Map([question, answer, other].map((one) => [one.id, one]));
    expect(writeMarkdown(conversation, messages)).toBe(
      '# Llamas\n\n> Be brief.\n> Be kind.\n\n## You\n\nWhat is a llama?\n\n## cria\n\nAn *animal*.\n',
    );
  });
});
