import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { allows, answerRandomly } from '../../../test/constraint-walk.ts';
import { tinyTokenizer } from '../../../test/tiny-llama.ts';
import type { Constraint } from '../constraint.ts';
import { constrain } from './grammar-constraint.ts';
import { parseRegex } from './regex.ts';
import { finish } from './steps.ts';
import { buildVocabulary } from './vocabulary.ts';

const tokenizer = tinyTokenizer(288);
const vocabulary = finish(buildVocabulary(tokenizer));
const compile = (pattern: string, mode: 'whole' | 'search' = 'whole'): Constraint =>
  finish(constrain({ rules: [{ name: 'x', body: parseRegex(pattern, { mode }) }] }, vocabulary));

const patterns = [
  '[a-f]{2,4}',
  '(?:ab|cd)+e?',
  '\\d{3}-\\d{4}',
  '\\w+\\s\\W',
  '.{1,5}',
  '[^a-z\\d]{2}',
  '(?<year>[12]\\d{3})-(0[1-9]|1[0-2])',
  '\\u00e9+|\\u{1F600}|\\ud83d\\ude01',
  '[\\u{1F600}-\\u{1F64F}é-ü]{1,3}',
  'a*?b+?c??x{2}?',
  '^a(?:b(?:c|d)*)?$',
  '^ab$|cd',
  '\\S\\D\\x41\\cJ\\t',
  '[\\]\\\\^-]+',
  '[\\s\\d_-]{2}',
  '[^]{2}',
  'x|',
  '\\/\\.\\*\\(\\[',
  '(a|b|(c|d(e|f))){2,3}',
];

describe('a regular expression', () => {
  it.each(patterns)('%s gives only texts that JavaScript matches as a whole', (pattern) => {
    const constraint = compile(pattern);
    const expected = new RegExp(`^(?:${pattern})$`, 'u');
    for (let seed = 0; seed < 30; seed++) {
      const maxTokens = constraint.shortest + (seed % 7);
      const { text } = answerRandomly(constraint, tokenizer, { maxTokens, seed });
      expect(text).toMatch(expected);
    }
  });

  it.each(['whole', 'search'] as const)(
    'allows what JavaScript matches, and nothing else: %s',
    (mode) => {
      const characters = [
        'a',
        'b',
        'c',
        'd',
        'e',
        'x',
        '1',
        '-',
        '\n',
        ' ',
        'é',
        '😀',
        '_',
        '\u2028',
      ];
      const text = fc
        .array(fc.constantFrom(...characters), { maxLength: 6 })
        .map((each) => each.join(''));
      fc.assert(
        fc.property(fc.constantFrom(...patterns), text, (pattern, each) => {
          const expected =
            mode === 'whole' ? new RegExp(`^(?:${pattern})$`, 'u') : new RegExp(pattern, 'u');
          expect(allows(compile(pattern, mode), tokenizer, each)).toBe(expected.test(each));
        }),
        { numRuns: 400 },
      );
    },
  );

  it.each([
    ['a(?=b)', 'look-ahead', 2],
    ['(?<!a)b', 'look-behind', 1],
    ['(a)\\1', 'a back-reference', 4],
    ['\\bword', 'the word boundary \\b', 1],
    ['\\p{L}', 'the property class \\p', 1],
    ['[\\P{L}]', 'the property class \\P', 2],
    ['a(^b)', 'the anchor ^ in the middle', 3],
    ['a$b', 'the anchor $ in the middle', 2],
  ])('refuses %s: %s at character %d', (pattern, found, place) => {
    const data = expect.objectContaining({ found, where: `the expression, character ${place}` });
    expect(() => compile(pattern)).toThrow(
      expect.objectContaining({ code: 'CORRAL_CONSTRAINT_UNSUPPORTED', data }),
    );
  });

  it.each(['(', 'a{2', '[b-a]', '\\q', '+'])('says that %s is no expression', (pattern) => {
    expect(() => compile(pattern)).toThrow(
      expect.objectContaining({ code: 'CORRAL_CONSTRAINT_INVALID' }),
    );
  });

  it('refuses an expression that only the empty text, or none, fits', () => {
    expect(() => compile('^$')).toThrow('only the empty text fits it');
    expect(() => compile('[]')).toThrow('no finite text fits it');
  });
});
