import { describe, expect, it } from 'vitest';
import { PromptLookup } from './prompt-lookup.ts';

/** What is guessed after the letters of a text; spaces stand between what comes one after the other. */
function guessAfter(text: string, count: number): string | undefined {
  const tokens: number[] = [];
  const lookup = new PromptLookup(tokens);
  let found: unknown;
  for (const part of text.split(' ')) {
    tokens.push(...Array.from(part, (letter) => letter.charCodeAt(0)));
    found = lookup.look();
  }
  return found === undefined ? undefined : String.fromCharCode(...lookup.guess(count));
}

describe('prompt lookup', () => {
  it('goes on as the text did where its last tokens stood before', () => {
    expect(guessAfter('the cat sat. the c'.replaceAll(' ', '_'), 6)).toBe('at_sat');
  });

  it('takes the longest match, and the latest of equal ones', () => {
    expect(guessAfter('xabc1yabc2bc3xabc', 1)).toBe('1');
    expect(guessAfter('abc1abc2abc', 1)).toBe('2');
  });

  it('repeats what it guessed where the match reaches the end', () => {
    expect(guessAfter('ababa', 5)).toBe('babab');
    expect(guessAfter('zzz', 4)).toBe('zzzz');
  });

  it('finds nothing where the last two tokens are new, or are the only ones', () => {
    expect(guessAfter('abcdeace', 3)).toBeUndefined();
    expect(guessAfter('ab', 3)).toBeUndefined();
    expect(guessAfter('a', 3)).toBeUndefined();
  });

  it('knows what came since it last looked', () => {
    expect(guessAfter('abcd xyz ab', 2)).toBe('cd');
    expect(guessAfter('q abcd ab e ab', 2)).toBe('ea');
  });

  it('says how sure it is by the length of the match', () => {
    const strengthAfter = (length: number): number | undefined => {
      const tokens = Array.from({ length: 40 }, (_, i) => i);
      return new PromptLookup([...tokens, 99, ...tokens.slice(20 - length, 20)]).look()?.strength;
    };
    expect([2, 3, 4, 7, 8, 16].map(strengthAfter)).toEqual([0, 1, 2, 2, 3, 3]);
  });
});
