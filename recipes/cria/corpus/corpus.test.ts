import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { makeChat } from './chats.ts';
import { makeCorpus } from './corpus.ts';
import { Dice } from './dice.ts';
import { makeDocument } from './documents.ts';
import { findHeldOut, heldOutWords } from './held-out.ts';
import { askNumbers, isHeldOutSum } from './numbers.ts';
import { requestFor } from './requests.ts';
import { tellStory } from './story.ts';

const count = 1500;
const documents = Array.from({ length: count }, (_, at) => makeDocument(new Dice(1, at)));
const chats = Array.from({ length: count }, (_, at) => makeChat(new Dice(2, at)));
const texts = [...documents, ...chats.flat().map(({ content }) => content)];
const folder = mkdtempSync(join(tmpdir(), 'corral-corpus-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the corpus', () => {
  it('is the same for the same seed and another for another', () => {
    const options = { documents: 20, dialogues: 5, chats: 20, validation: 5 };
    const hashes = [1, 1, 2].map((seed, at) =>
      Object.values(makeCorpus({ ...options, seed, out: join(folder, `${at}`) })).map(
        ({ sha256 }) => sha256,
      ),
    );
    expect(hashes[1]).toEqual(hashes[0]);
    expect(hashes[2]).not.toEqual(hashes[0]);
    const lines = readFileSync(join(folder, '0', 'documents.jsonl'), 'utf8')
      .trim()
      .split('\n');
    expect(lines.map((line) => JSON.parse(line))).toEqual(
      documents.slice(0, 20).map((text) => ({ text })),
    );
  });

  it('holds none of the words kept for tests, which held-out stories do hold', () => {
    expect(texts.map(findHeldOut).filter((word) => word !== undefined)).toEqual([]);
    const held = Array.from(
      { length: 100 },
      (_, at) => tellStory(new Dice(3, at), 'held-out').text,
    );
    expect(held.filter((text) => findHeldOut(text) !== undefined).length).toBeGreaterThan(95);
    expect(heldOutWords.size).toBeGreaterThan(150);
  });

  it('is English in form: no slot left open, capitals and articles as they should be', () => {
    for (const text of texts) {
      expect(text).not.toMatch(/[{}[\]|]|undefined| {2}| [.,!?]|\.\./);
      expect(text).not.toMatch(/[.!?] [a-z]|[.!?]" (he|she) /);
      expect(text).not.toMatch(/\b[Aa] [aeio][a-z]|\b[Aa]n [bcdfgjklmnpqrstvwxyz]/);
    }
  });

  it('repeats itself little', () => {
    const stories = Array.from({ length: count }, (_, at) => tellStory(new Dice(4, at)).text);
    expect(new Set(stories).size).toBe(count);
    const openings = new Set(stories.map((text) => text.split(' ').slice(0, 12).join(' ')));
    expect(openings.size).toBeGreaterThan(0.9 * count);
    const grams = stories.flatMap((text) => {
      const words = text.split(/\s+/);
      return words.slice(7).map((_, at) => words.slice(at, at + 8).join(' '));
    });
    // of stretches of eight words, most occur nowhere else
    expect(new Set(grams).size / grams.length).toBeGreaterThan(0.75);
    const lengths = stories.map((text) => text.split(/\s+/).length).sort((a, b) => a - b);
    expect(lengths[count / 2]).toBeGreaterThan(60);
    expect(lengths.at(-1)).toBeLessThan(220);
  });

  it('alternates between user and assistant, and says something in every turn', () => {
    for (const chat of chats) {
      const turns = chat.filter(({ role }) => role !== 'system');
      expect(turns.length % 2).toBe(0);
      expect(turns.length).toBeGreaterThan(0);
      for (const [at, { role, content }] of turns.entries()) {
        expect(role).toBe(at % 2 === 0 ? 'user' : 'assistant');
        expect(content.trim()).not.toBe('');
      }
    }
  });
});

describe('requests for stories', () => {
  it('are fulfilled by the story: hero and thing occur in it', () => {
    for (let at = 0; at < 500; at++) {
      const dice = new Dice(5, at);
      const story = tellStory(dice);
      const { ask, hero, thing } = requestFor(story, dice);
      for (const word of [...hero, ...(thing === undefined ? [] : [thing])]) {
        expect(ask).toContain(word);
        expect(story.text).toContain(word);
      }
      expect(hero.length).toBeGreaterThan(0);
    }
  });
});

describe('sums', () => {
  it('are right, and those kept for tests are asked in tests alone', () => {
    for (const phrasing of ['training', 'held-out'] as const) {
      for (let at = 0; at < 600; at++) {
        const { ask, result } = askNumbers(new Dice(6, at), phrasing);
        const [, a = 0, sign = '', b = 0] = ask.match(/(\d+) (plus|minus|[+-]) (\d+)/) ?? [];
        if (sign === '') continue;
        const isPlus = sign === 'plus' || sign === '+';
        expect(Number(result)).toBe(isPlus ? Number(a) + Number(b) : Number(a) - Number(b));
        const held = isPlus
          ? isHeldOutSum(Number(a), Number(b))
          : isHeldOutSum(Number(b), Number(a) - Number(b));
        expect(held).toBe(phrasing === 'held-out');
      }
    }
  });
});
