import { describe, expect, it } from 'vitest';
import { answerRandomly, idsOf } from '../../../test/constraint-walk.ts';
import { tinyTokenizer } from '../../../test/tiny-llama.ts';
import { random } from '../../base/random.ts';
import { tokenizerFromLlama2c } from '../../tokenizer/llama2c-tokenizer.ts';
import { tokenBytes } from '../../tokenizer/token-bytes.ts';
import type { Tokenizer } from '../../tokenizer/tokenizer.ts';
import type { Constraint } from '../constraint.ts';
import { buildAutomaton } from './automaton.ts';
import { classifyBytes } from './byte-classes.ts';
import { measureDistances } from './distances.ts';
import type { Grammar } from './expression.ts';
import { parseGbnf } from './gbnf.ts';
import { constrain } from './grammar-constraint.ts';
import { anyObjectGrammar } from './json-values.ts';
import { type Configuration, Machine } from './machine.ts';
import { parseRegex } from './regex.ts';
import { compileSchema } from './schema.ts';
import { finish } from './steps.ts';
import { TokenMasks } from './token-masks.ts';
import { buildVocabulary } from './vocabulary.ts';

const tokenizer = tinyTokenizer(420);
const vocabulary = finish(buildVocabulary(tokenizer));
const compile = (grammar: Grammar): Constraint => finish(constrain(grammar, vocabulary));

const grammars = {
  schema: finish(
    compileSchema({
      type: 'object',
      properties: { the: { type: 'string' }, list: { type: 'array', items: { $ref: '#' } } },
      required: ['list'],
    }),
  ),
  lengths: finish(
    compileSchema({ type: 'array', items: { type: 'string', maxLength: 7 }, minItems: 2 }),
  ),
  regex: { rules: [{ name: 'x', body: parseRegex('(?: the| a)+ (?:th|he|re){2,9}\\.?') }] },
  ambiguous: parseGbnf('root ::= "t" root "h" | "t" word "h" | word\nword ::= [a-z ]*'),
};

function tokenizerOf(pieces: readonly string[]): Tokenizer {
  const head = Buffer.alloc(4);
  head.writeInt32LE(16);
  const entries = pieces.map((piece, id) => {
    const text = Buffer.from(piece);
    const entry = Buffer.alloc(8);
    entry.writeFloatLE(-id, 0);
    entry.writeInt32LE(text.length, 4);
    return Buffer.concat([entry, text]);
  });
  return tokenizerFromLlama2c(Buffer.concat([head, ...entries]), 'small.bin');
}

/** Bytes, and thousands of strings of up to five letters, digits, signs and characters beyond ASCII. */
function denseTokenizer(): Tokenizer {
  const bytes = Array.from(
    { length: 256 },
    (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`,
  );
  const letters = [...'aabbcdeEf01 _"\\:,}n\n', 'é', 'ß', '漢', '字', '😀'];
  const draw = (token: number, place: number): string =>
    letters[Math.floor(random(9, token, place) * letters.length)] as string;
  const strings = Array.from({ length: 4000 }, (_, token) =>
    Array.from({ length: 1 + (token % 5) }, (_, place) => draw(token, place)).join(''),
  );
  return tokenizerOf(['<unk>', '\n<s>\n', '\n</s>\n', ...bytes, ...new Set(strings)]);
}

/** Tokens that may come next: found by reading every token byte by byte, one at a time. */
function allowedSlowly(constraint: Constraint, before: readonly number[]): number[] {
  const ids = [...Array(tokenizer.size).keys()];
  return ids.filter((id) => {
    const bytes = tokenBytes(tokenizer)(id);
    if (bytes === undefined || bytes.length === 0) return false;
    const walk = constraint.start();
    for (const each of before) walk.accept(each);
    for (const byte of bytes) {
      const byteId = tokenizer.idOf(
        `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`,
      ) as number;
      if (!idsOf(walk.mask(1_000_000)).includes(byteId)) return false;
      walk.accept(byteId);
    }
    return true;
  });
}

function readAll(machine: Machine, from: Configuration, text: Uint8Array): Configuration | null {
  let at: Configuration | null = text.length === 0 ? null : from;
  for (const byte of text) at = at && machine.step(at, byte);
  return at;
}

describe('a mask', () => {
  const dense = finish(buildVocabulary(denseTokenizer()));
  const sources: Readonly<Record<string, Grammar>> = {
    'any JSON object': anyObjectGrammar(),
    'a string of bounded length': finish(
      compileSchema({ type: 'string', minLength: 3, maxLength: 6 }),
    ),
    'members of an object': finish(
      compileSchema({
        type: 'object',
        properties: { abba: { type: 'string', pattern: '^[a-f]+$' }, b: { type: 'integer' } },
        required: ['b'],
      }),
    ),
    words: { rules: [{ name: 'x', body: parseRegex('(?:[a-f]+ ){1,4}[^a]*') }] },
    'rules that may end anywhere': parseGbnf(
      'root ::= (word | list)+\nword ::= [a-z]+ [0-9é]*\nlist ::= "b" word? | [^a-z] word*',
    ),
  };

  it.each(Object.keys(sources))(
    'has the tokens that are enough for it read byte by byte, for every number left: %s',
    (name) => {
      const automaton = finish(buildAutomaton(sources[name] as Grammar));
      const distances = finish(measureDistances(automaton, dense));
      const machine = new Machine(automaton, distances, finish(classifyBytes(automaton)));
      const masks = new TokenMasks(machine, dense);
      for (let seed = 0; seed < 4; seed++) {
        let at = machine.start();
        for (let step = 0; step < 8; step++) {
          const after = dense.texts.map((text) => readAll(machine, at, text));
          for (const left of [1, 2, 3, 5, 8, 1_000]) {
            const expected = after.flatMap((next, id) =>
              next !== null && next.distance < left ? [id] : [],
            );
            expect(idsOf(masks.mask(at, left))).toEqual(expected);
          }
          const ids = after.flatMap((next, id) => (next === null ? [] : [id]));
          const id = ids[Math.floor(random(seed, step, 0) * ids.length)];
          if (id === undefined) break;
          at = after[id] as Configuration;
        }
      }
    },
  );

  it.each(Object.keys(grammars) as (keyof typeof grammars)[])(
    'has exactly the tokens whose bytes can be read one by one, here for a %s',
    (name) => {
      const constraint = compile(grammars[name]);
      const walk = constraint.start();
      const before: number[] = [];
      for (let step = 0; step < 12; step++) {
        const ids = idsOf(walk.mask(1_000_000));
        expect(ids).toEqual(allowedSlowly(constraint, before));
        const id = ids[Math.floor(random(3, step, 0) * ids.length)];
        if (id === undefined) break;
        before.push(id);
        walk.accept(id);
      }
    },
  );

  it.each(Object.keys(grammars) as (keyof typeof grammars)[])(
    'never leads where the tokens left are too few, and grows with them, for a %s',
    (name) => {
      const constraint = compile(grammars[name]);
      for (let seed = 0; seed < 40; seed++) {
        const maxTokens = constraint.shortest + (seed % 12);
        const { tokens } = answerRandomly(constraint, tokenizer, { maxTokens, seed });
        expect(tokens).toBeLessThanOrEqual(maxTokens);
      }
      const walk = constraint.start();
      const few = new Set(idsOf(walk.mask(Math.max(1, constraint.shortest))));
      const many = new Set(idsOf(walk.mask(constraint.shortest + 3)));
      expect(few.size).toBeGreaterThan(0);
      expect(few.isSubsetOf(many)).toBe(true);
    },
  );

  it('takes the shortest answer in pieces of several bytes, not byte by byte', () => {
    // ' the' and ' was' are tokens of this vocabulary: two of them are all it takes.
    const grammar = { rules: [{ name: 'x', body: parseRegex(' the was') }] };
    expect(compile(grammar).shortest).toBe(2);
  });

  it('works over a vocabulary without byte tokens, and says what it cannot spell', () => {
    const pieces = ['<unk>', '<s>', '</s>', 'ab', 'ba', 'c', 'abc'];
    const small = tokenizerOf(pieces);
    const compileSmall = (pattern: string): Constraint => {
      const grammar = { rules: [{ name: 'the expression', body: parseRegex(pattern) }] };
      return finish(constrain(grammar, finish(buildVocabulary(small))));
    };
    const constraint = compileSmall('(?:a|ab|abb)(?:b|c|ac)*');
    expect(constraint.shortest).toBe(1);
    expect(idsOf(constraint.start().mask(1))).toEqual([3, 6]);
    expect(idsOf(compileSmall('aba?b?').start().mask(9))).toEqual([3]);
    expect(() => compileSmall('a')).toThrow('no finite text fits it');
  });

  it('refuses grammars whose ways to read a text multiply', () => {
    const body = parseRegex('(?:a?){3000}b');
    expect(() => compile({ rules: [{ name: 'x', body }] })).toThrow(
      'The constraint needs more than 2000 ways to read one text',
    );
  });
});
