// Python's text, its regular expressions and its Jinja against Python itself (golden/make-text.py).
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { pythonRepresentation } from '../python-values.ts';
import { pythonFindAll, pythonRegex } from './python-regex.ts';
import {
  capitalize,
  characterCount,
  leftStrip,
  pythonEqual,
  rightStrip,
  strip,
} from './python-text.ts';
import { compileTemplate } from './template.ts';

interface Golden {
  readonly text: {
    readonly strip: readonly [string, string, string, string, string][];
    readonly capitalize: readonly [string, string][];
    readonly length: readonly [string, number][];
    readonly repr: readonly [unknown, string][];
  };
  readonly regex: readonly [string, string, unknown[]][];
  readonly docs: Readonly<Record<string, unknown>>;
  readonly jinja: readonly [string, string][];
}

const file = join(import.meta.dirname, '..', 'golden', 'text.json');
const golden = JSON.parse(readFileSync(file, 'utf8')) as Golden;

describe('text', () => {
  it.each(golden.text.strip)('strips %j as str does', (text, both, left, right, ofX) => {
    expect([strip(text), leftStrip(text), rightStrip(text), strip(text, 'x')]).toEqual([
      both,
      left,
      right,
      ofX,
    ]);
  });

  it('capitalizes, counts and represents as Python does', () => {
    for (const [text, expected] of golden.text.capitalize) expect(capitalize(text)).toBe(expected);
    for (const [text, expected] of golden.text.length) expect(characterCount(text)).toBe(expected);
    for (const [value, expected] of golden.text.repr) {
      expect(pythonRepresentation(value)).toBe(expected);
    }
  });

  it('compares documents by what they hold, whatever the order of their keys', () => {
    expect(pythonEqual({ a: [1, { b: null }], c: 'x' }, { c: 'x', a: [1, { b: null }] })).toBe(
      true,
    );
    expect(pythonEqual({ a: 1 }, { a: 1, b: undefined })).toBe(false);
    expect(pythonEqual({ a: 1 }, { b: 1 })).toBe(false);
    expect(pythonEqual([1], { 0: 1 })).toBe(false);
  });
});

describe('regular expressions', () => {
  it.each(golden.regex)('finds what %j finds in %j', (pattern, text, matches) => {
    expect(pythonFindAll(text, pythonRegex(pattern))).toEqual(matches);
  });

  it.each([
    ['(?x)a b', /flag/],
    ['\\Qa', /\\Q is not supported/],
    ['(?P=x)', /\(\?P=/],
    ['(open', /Unterminated group/],
  ])('refuses %j by name', (pattern, message) => {
    expect(() => pythonRegex(pattern)).toThrow(message);
  });
});

describe('templates', () => {
  it.each(golden.jinja)('writes %j as Jinja does', (template, expected) => {
    expect(compileTemplate(template).text(golden.docs)).toBe(expected);
  });

  it('gives the value of a single expression, and the text of anything else', () => {
    const variables = { list: ['x', 1], n: 2 };
    expect(compileTemplate('{{list}}').value(variables)).toEqual(['x', 1]);
    expect(compileTemplate('{{[list[0], n]}}').value(variables)).toEqual(['x', 2]);
    expect(compileTemplate('{{n}}').value(variables)).toBe(2);
    expect(compileTemplate(' {{n}}').value(variables)).toBe(' 2');
    expect(compileTemplate('plain').value(variables)).toBe('plain');
  });

  it.each([
    ['{{missing}}', /missing is undefined/],
    ['a {{text.nope}}', /is undefined/],
    ['{{list.index("z")}}', /'z' is not in \['x', 'y'\]/],
    ['{% if %}', /A template of the task failed/],
    ['{{ "open }}', /A template of the task failed/],
  ])('says what is wrong with %j', (template, message) => {
    expect(() => compileTemplate(template).text(golden.docs)).toThrow(message);
  });
});
