import { describe, expect, it } from 'vitest';
import { allows, answerRandomly } from '../../../test/constraint-walk.ts';
import { tinyTokenizer } from '../../../test/tiny-llama.ts';
import type { Constraint } from '../constraint.ts';
import { parseGbnf } from './gbnf.ts';
import { constrain } from './grammar-constraint.ts';
import { finish } from './steps.ts';
import { buildVocabulary } from './vocabulary.ts';

const tokenizer = tinyTokenizer(288);
const vocabulary = finish(buildVocabulary(tokenizer));
const compile = (text: string): Constraint => finish(constrain(parseGbnf(text), vocabulary));

const arithmetic = `
# sums and products of integers
root  ::= term ([-+] term)*
term  ::= factor (("*" | "/") factor)*
factor ::= number | "(" root ")"   # right recursion through parentheses
number ::= "0" | [1-9] [0-9]{0,3}
`;

const json = `root ::= ws value
value ::= object | array | string | number | "true" | "false" | "null"
object ::= "{" ws ( member ("," ws member)* )? "}" ws
member ::= string ws ":" ws value ws
array ::= "[" ws ( value ws ("," ws value ws)* )? "]"
string ::= "\\"" ( [^"\\\\\\x00-\\x1F] | "\\\\" (["\\\\/bfnrt] | "u" [0-9a-fA-F]{4}) )* "\\""
number ::= "-"? ("0" | [1-9] [0-9]{0,14}) ("." [0-9]{1,9})?
ws ::= [ \\n]{0,2}
`;

const chess = `root ::= move (" " move){0,3}
move ::= (pawn | piece | castle) [+#]?
piece ::= [NBRQK] [a-h]? [1-8]? "x"? square
pawn ::= ([a-h] "x")? square ("=" [NBRQ])?
castle ::= "O-O" "-O"?
square ::= [a-h] [1-8]
`;

describe('a grammar in GBNF', () => {
  const answers = (text: string): string[] =>
    Array.from({ length: 60 }, (_, seed) => {
      const constraint = compile(text);
      const maxTokens = constraint.shortest + (seed % 25);
      return answerRandomly(constraint, tokenizer, { maxTokens, seed }).text;
    });

  it('of arithmetic gives expressions that JavaScript evaluates', () => {
    for (const text of answers(arithmetic)) {
      expect(typeof new Function(`return ${text.replaceAll(/--+/g, '- -')}`)(), text).toBe(
        'number',
      );
    }
  });

  it('of JSON gives texts that parse', () => {
    for (const text of answers(json)) expect(() => JSON.parse(text), text).not.toThrow();
  });

  it('of chess gives moves', () => {
    const move = /^(?:O-O(?:-O)?|[NBRQK]?[a-h]?[1-8]?x?[a-h][1-8](?:=[NBRQ])?)[+#]?$/;
    for (const text of answers(chess))
      for (const each of text.split(' ')) expect(each).toMatch(move);
  });

  it.each([
    [arithmetic, '(12+3)*4', true],
    [arithmetic, '12+', false],
    [arithmetic, '((((0))))', true],
    [arithmetic, '01', false],
    [json, ' {"a": [1, -2.5, {"\\u00e9": null}]}', true],
    [json, '{"a":1,}', false],
    [chess, 'e4 exd5 Nf3+ O-O-O#', true],
    [chess, 'e9', false],
    ['root ::= "a" | # none\n  "b" (\n "c" )\n', 'bc', true],
    ['root ::= [^a]{2} . "\\u00e9\\x41"', 'b\n😀éA', true],
    ['root ::= [^a]{2}', 'ba', false],
    ['root ::= [a\\-\\]]{,2}', '-]', true],
    ['root ::= a{2,} \n\na ::= "x" | "yy"', 'xyyx', true],
    ['root ::= a{2,} \n\na ::= "x" | "yy"', 'yy', false],
    // Ambiguous in every way, and with an empty rule that recurs in the middle.
    ['root ::= "a" root "b" root | "a" root "c" root | ""', 'aabcac', true],
    ['root ::= "a" root "b" root | "a" root "c" root | ""', 'aabc a', false],
  ])('%j on %j: %j', (text, answer, expected) => {
    expect(allows(compile(text), tokenizer, answer)).toBe(expected);
  });

  it.each([
    ['root ::= root "a" | "b"', 'it begins with itself (the rule root → the rule root)'],
    ['root ::= e x\ne ::= ""?\nx ::= root', 'it begins with itself'],
    ['start ::= "a"', 'the rule root is used, but not defined'],
    ['root ::= thing', 'the rule thing is used, but not defined'],
    ['root ::= "a"\nroot ::= "b"', 'the rule root is defined twice'],
    ['root ::= ("a"', 'expected )'],
    ['root ::= "a', 'the text ends too early'],
    ['root ::= "\\q"', 'there is no escape \\q'],
    ['root ::= [b-a]', 'a range ends before it begins'],
    ['root ::= "a"{3,2}', 'a repetition ends before it begins'],
    ['root = "a"', 'expected ::= after the name of a rule'],
    ['root ::= "a" )', 'expected the end of the line'],
    ['root ::= "a" root', 'no finite text fits it'],
  ])('says what is wrong with %j: %s', (text, reason) => {
    expect(() => compile(text)).toThrow(reason);
  });

  it('names line and column, and refuses token references', () => {
    expect(() => compile('root ::= x\nx ::= "a" <[1]>')).toThrow(
      'a token reference at line 2, column 11 of the grammar',
    );
  });
});
