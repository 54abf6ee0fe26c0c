import { describe, expect, it } from 'vitest';
import { answerRandomly, idsOf } from '../../../test/constraint-walk.ts';
import { tinyTokenizer } from '../../../test/tiny-llama.ts';
import { random } from '../../base/random.ts';
import { tokenizerFromLlama2c } from '../../tokenizer/llama2c-tokenizer.ts';
import { tokenBytes } from '../../tokenizer/token-bytes.ts';
import { parseGbnf } from './gbnf.ts';
import { GrammarConstraint } from './grammar-constraint.ts';
import { parseRegex } from './regex.ts';
import { compileSchema } from './schema.ts';
import { buildVocabulary } from './vocabulary.ts';

const tokenizer = tinyTokenizer(420);
const vocabulary = buildVocabulary(tokenizer);

const grammars = {
  schema: compileSchema({
    type: 'object',
    properties: { the: { type: 'string' }, list: { type: 'array', items: { $ref: '#' } } },
    required: ['list'],
  }),
  lengths: compileSchema({ type: 'array', items: { type: 'string', maxLength: 7 }, minItems: 2 }),
  regex: { rules: [{ name: 'x', body: parseRegex('(?: the| a)+ (?:th|he|re){2,9}\\.?') }] },
  ambiguous: parseGbnf('root ::= "t" root "h" | "t" word "h" | word\nword ::= [a-z ]*'),
};

/** Tokens that may come next: found by reading every token byte by byte, one at a time. */
function allowedSlowly(constraint: GrammarConstraint, before: readonly number[]): number[] {
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

describe('a mask', () => {
  it.each(Object.keys(grammars) as (keyof typeof grammars)[])(
    'has exactly the tokens whose bytes can be read one by one, here for a %s',
    (name) => {
      const constraint = new GrammarConstraint(grammars[name], vocabulary);
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
      const constraint = new GrammarConstraint(grammars[name], vocabulary);
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
    expect(new GrammarConstraint(grammar, vocabulary).shortest).toBe(2);
  });

  it('works over a vocabulary without byte tokens, and says what it cannot spell', () => {
    const pieces = ['<unk>', '<s>', '</s>', 'ab', 'ba', 'c', 'abc'];
    const head = Buffer.alloc(4);
    head.writeInt32LE(5);
    const entries = pieces.map((piece, id) => {
      const entry = Buffer.alloc(8);
      entry.writeFloatLE(-id, 0);
      entry.writeInt32LE(piece.length, 4);
      return Buffer.concat([entry, Buffer.from(piece)]);
    });
    const small = tokenizerFromLlama2c(Buffer.concat([head, ...entries]), 'small.bin');
    const compile = (pattern: string): GrammarConstraint =>
      new GrammarConstraint(
        { rules: [{ name: 'the expression', body: parseRegex(pattern) }] },
        buildVocabulary(small),
      );
    const constraint = compile('(?:a|ab|abb)(?:b|c|ac)*');
    expect(constraint.shortest).toBe(1);
    expect(idsOf(constraint.start().mask(1))).toEqual([3, 6]);
    expect(idsOf(compile('aba?b?').start().mask(9))).toEqual([3]);
    expect(() => compile('a')).toThrow('no finite text fits it');
  });

  it('refuses grammars whose ways to read a text multiply', () => {
    const body = parseRegex('(?:a?){3000}b');
    expect(() => new GrammarConstraint({ rules: [{ name: 'x', body }] }, vocabulary)).toThrow(
      'The constraint needs more than 2000 ways to read one text',
    );
  });
});
