import { describe, expect, it } from 'vitest';
import type { AnswerToken } from '../conversation/message.ts';
import {
  branchAt,
  canBranch,
  placeTokens,
  readyToContinue,
  tokenAt,
  wordAround,
} from './place-tokens.ts';

const token = (text: string, probability = 0.5): AnswerToken => ({
  text,
  logprob: Math.log(probability),
  alternatives: [{ text: ' other', logprob: Math.log(0.25) }],
});

const answer = (text: string, pieces: string[], tokensFrom = 0) => ({
  text,
  tokensFrom,
  tokens: pieces.map((piece) => token(piece)),
});

describe('tokens in a text', () => {
  it('lie end to end', () => {
    const places = placeTokens(answer('A **ll', ['A', ' **', 'll']));
    expect(places.map(({ start, end }) => [start, end])).toEqual([
      [0, 1],
      [1, 4],
      [4, 6],
    ]);
  });

  it('lose the space a tokenizer puts before a text, at its very beginning only', () => {
    expect(placeTokens(answer('I am', [' I', ' am']))).toEqual([
      { start: 0, end: 1 },
      { start: 1, end: 4 },
    ]);
    expect(placeTokens(answer(' I', [' I']))).toEqual([{ start: 0, end: 2 }]);
    expect(placeTokens(answer('So:I', [' I'], 3))).toEqual([]);
  });

  it('begin after what a person wrote', () => {
    expect(placeTokens(answer('Well, yes', [' yes'], 5))).toEqual([{ start: 5, end: 9 }]);
  });

  it('end where a stop string cut the text', () => {
    expect(placeTokens(answer('one', ['one', '\nUser', ':']))).toHaveLength(1);
  });

  it('are found by a character, those without one never', () => {
    const places = placeTokens(answer('a🦙b', ['a', '', '', '🦙', 'b']));
    expect([0, 1, 2, 3, 4].map((offset) => tokenAt(places, offset))).toEqual([0, 3, 3, 4, -1]);
  });
});

describe('a word', () => {
  it('is made of tokens without a break, with the product of their probabilities', () => {
    const tokens = [
      token('The', 0.9),
      token(' ll', 0.5),
      token('am', 0.8),
      token('as', 0.5),
      token('.'),
    ];
    const word = wordAround(tokens, 2);
    expect(word).toMatchObject({ from: 1, to: 4, text: 'llamas' });
    expect(word.probability).toBeCloseTo(0.2, 12);
    expect(wordAround(tokens, 4)).toMatchObject({ from: 4, to: 5, text: '.' });
  });

  it('includes the tokens whose bytes were not yet a character', () => {
    const tokens = [token(' '), token(''), token(''), token('é'), token('t')];
    expect(wordAround(tokens, 3)).toMatchObject({ from: 0, to: 5, text: 'ét' });
  });
});

describe('a branch', () => {
  it('keeps the text before a token and puts the alternative in its place', () => {
    const branch = branchAt(answer('The sky is', ['The', ' sky', ' is']), 1, {
      text: ' sea',
      logprob: -2,
    });
    expect(branch.text).toBe('The sea');
    expect(branch.tokens.map(({ text, chosen }) => [text, chosen ?? false])).toEqual([
      ['The', false],
      [' sea', true],
    ]);
    expect(branch.tokens[1]?.alternatives).toEqual([{ text: ' other', logprob: Math.log(0.25) }]);
    expect(placeTokens(branch)).toHaveLength(2);
  });

  it('loses the leading space where the answer had lost it', () => {
    const branch = branchAt(answer('I am', [' I', ' am']), 0, { text: ' We', logprob: -1 });
    expect(branch.text).toBe('We');
    expect(placeTokens(branch)).toEqual([{ start: 0, end: 2 }]);
  });

  it('ends where the alternative is the end', () => {
    const end = { text: '', label: '</s>', ends: true, logprob: -1 };
    const branch = branchAt(answer('One. Two', ['One', '.', ' Two']), 2, end);
    expect(branch.text).toBe('One.');
    expect(branch.tokens).toHaveLength(2);
    expect(canBranch(token(' Two'), end)).toBe(true);
  });

  it('is offered neither from a part of a character nor from what was said', () => {
    expect(canBranch(token(' a'), { text: '', logprob: -1 })).toBe(false);
    expect(canBranch(token(' a'), { text: ' a', logprob: -1 })).toBe(false);
    expect(canBranch(token(''), { text: 'x', logprob: -1 })).toBe(false);
    expect(canBranch(token(' a'), { text: ' b', logprob: -1 })).toBe(true);
  });
});

describe('an answer that goes on', () => {
  it('forgets tokens that a stop string took back', () => {
    expect(readyToContinue(answer('one', ['one', ' END'])).tokens).toHaveLength(1);
  });

  it('begins its tokens anew where the text has none at its end', () => {
    const ready = readyToContinue(answer('one and more', ['one']));
    expect(ready).toMatchObject({ tokens: [], tokensFrom: 12 });
  });
});
