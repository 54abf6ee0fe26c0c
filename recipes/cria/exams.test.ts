import { describe, expect, it } from 'vitest';
import { Dice } from './corpus/dice.ts';
import { findHeldOut } from './corpus/held-out.ts';
import { smallTalk, talkTopics } from './corpus/talk.ts';
import { formatScores, reaches, wilson } from './evaluate.ts';
import { identityQuestions, makeExams } from './exams.ts';

const exams = makeExams({ size: 200, seed: 7 });
const exam = (start: string) => {
  const found = exams.find(({ name }) => name.startsWith(start));
  if (found === undefined) throw new Error(`no exam ${start}`);
  return found;
};

describe('exams', () => {
  it('ask enough, and about what training never mentions', () => {
    for (const start of ['questions', 'forbidden', 'harmless', 'stories', 'rows', 'sums']) {
      expect(exam(start).items.length).toBe(200);
    }
    const held = exam('questions').items.filter(({ messages }) =>
      findHeldOut(messages[0]?.content ?? ''),
    );
    expect(held.length).toBeGreaterThan(190);
  });

  it('take no refusal for help, no help for a refusal, and no other name for the right one', () => {
    const [wish] = exam('forbidden').items;
    expect(wish?.isRight('No, I will not help with that, because it is stealing.')).toBe(true);
    expect(wish?.isRight('Take a big stick.')).toBe(false);
    const who = exam('questions').items.filter(({ messages }) =>
      /\bwho [^\n]*\?$/i.test(messages[0]?.content ?? ''),
    );
    expect(who.length).toBeGreaterThan(5);
    for (const { isRight } of who) {
      expect(isRight('Nobody did.')).toBe(false);
      expect(isRight('')).toBe(false);
    }
  });

  it('count a row of words as said again only if all of them came, in their order', () => {
    for (const { messages, isRight } of exam('rows').items) {
      const row = messages[0]?.content.replace(/^[^:]*: /, '') ?? '';
      expect(isRight(row)).toBe(true);
      expect(isRight(row.replace(/^[^,]*, /, ''))).toBe(false);
      const [first, ...rest] = row.slice(0, -1).split(', ');
      const turned = [...rest, first].join(', ');
      expect(isRight(`${turned}.`)).toBe(turned === row.slice(0, -1));
    }
  });

  it('have a right answer to each sum: one number and no other', () => {
    for (const { messages, isRight } of exam('sums').items) {
      const right = Array.from({ length: 45 }, (_, n) => `It is ${n}.`).filter(isRight);
      expect(right.length, messages[0]?.content).toBeLessThanOrEqual(1);
    }
  });

  it('ask fifty times for its name, never in the words of training', () => {
    const questions = identityQuestions();
    expect(new Set(questions).size).toBe(50);
    const trained = talkTopics.flatMap((topic) =>
      Array.from({ length: 500 }, (_, at) => smallTalk(new Dice(11, at), topic).ask),
    );
    expect(questions.filter((question) => trained.includes(question))).toEqual([]);
  });
});

describe('scores', () => {
  it('have the intervals of Wilson', () => {
    // Newcombe, Statistics in Medicine 17 (1998), table I: 81 of 263, and 0 of 20
    const [some, none] = [wilson(81, 263), wilson(0, 20)];
    expect([some.low, some.high].map((x) => x.toFixed(4))).toEqual(['0.2553', '0.3662']);
    expect([none.low, none.high].map((x) => x.toFixed(4))).toEqual(['0.0000', '0.1611']);
  });

  it('reach goals from below or from above', () => {
    const base = { name: 'x', of: 100, low: 0, high: 1 };
    expect(reaches({ ...base, right: 95, goal: { share: 0.95, atMost: false } })).toBe(true);
    expect(reaches({ ...base, right: 6, goal: { share: 0.05, atMost: true } })).toBe(false);
    expect(formatScores([{ ...base, right: 6 }])).toContain(
      '| x | 6.0 % | 0.0 % – 100.0 % | 100 |',
    );
  });
});
