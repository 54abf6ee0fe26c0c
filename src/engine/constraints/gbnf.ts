// Grammars in llama.cpp's notation (GBNF): rules of literals, character ranges, groups, alternatives and
// repetitions. Left recursion is refused later, by the automaton; token references by name here.
import { errors } from '../../base/errors.ts';
import { anyCodePoint, codePoints, complement, utf8 } from './code-points.ts';
import { choice, type Expression, type Grammar, literal, repeat, sequence } from './expression.ts';
import { RuleTable } from './rule-table.ts';

const mostGroups = 200;

const plainEscapes: Readonly<Record<string, number>> = {
  t: 9,
  r: 13,
  n: 10,
  '\\': 0x5c,
  '"': 0x22,
  '[': 0x5b,
  ']': 0x5d,
  '-': 0x2d,
};

/** Parses one; its rule `root` is where a text begins. Throws CONSTRAINT_INVALID or CONSTRAINT_UNSUPPORTED. */
export function parseGbnf(text: string): Grammar {
  return new Parser(text).parse();
}

class Parser {
  readonly #text: string;
  readonly #rules = new RuleTable();
  readonly #calls = new Map<string, { call: { kind: 'rule'; rule: number }; at: number }>();
  readonly #defined = new Set<string>();
  #at = 0;
  #depth = 0;

  constructor(text: string) {
    this.#text = text;
    this.#call('root');
  }

  parse(): Grammar {
    this.#skip(true);
    while (this.#at < this.#text.length) this.#rule();
    for (const [name, { at }] of this.#calls) {
      if (!this.#defined.has(name)) this.#fail(at, `the rule ${name} is used, but not defined`);
    }
    return this.#rules.build();
  }

  #rule(): void {
    const start = this.#at;
    const name = this.#name();
    this.#skip(false);
    if (!this.#takeText('::=')) this.#fail(this.#at, 'expected ::= after the name of a rule');
    if (this.#defined.has(name)) this.#fail(start, `the rule ${name} is defined twice`);
    this.#defined.add(name);
    this.#skip(true);
    this.#rules.define(this.#call(name), this.#alternatives(false));
    if (this.#at < this.#text.length && !/[\r\n]/.test(this.#text[this.#at] as string)) {
      this.#fail(this.#at, 'expected the end of the line');
    }
    this.#skip(true);
  }

  #call(name: string): { kind: 'rule'; rule: number } {
    const known = this.#calls.get(name);
    if (known !== undefined) return known.call;
    const call = this.#rules.declare(`the rule ${name}`);
    this.#calls.set(name, { call: { ...call }, at: this.#at });
    return { ...call };
  }

  // Within parentheses line breaks are spaces.
  #alternatives(isNested: boolean): Expression {
    const options = [this.#sequence(isNested)];
    while (this.#takeText('|')) {
      this.#skip(true);
      options.push(this.#sequence(isNested));
    }
    return choice(...options);
  }

  #sequence(isNested: boolean): Expression {
    const parts: Expression[] = [];
    for (;;) {
      const start = this.#at;
      const part = this.#atom();
      if (part === undefined) return sequence(...parts);
      this.#skip(isNested);
      const [least, most] = this.#quantifier(start);
      this.#skip(isNested);
      parts.push(least === 1 && most === 1 ? part : repeat(part, least, most));
    }
  }

  #atom(): Expression | undefined {
    const start = this.#at;
    const character = this.#text[this.#at] ?? '';
    if (character === '"') return this.#literal();
    if (character === '[') return this.#set();
    if (character === '(') return this.#group();
    if (character === '<' || character === '!') {
      throw errors.CONSTRAINT_UNSUPPORTED({
        where: this.#place(start),
        found: 'a token reference',
        allowed: 'literals, ranges, groups and rules',
      });
    }
    if (character === '.') {
      this.#at++;
      return utf8(anyCodePoint);
    }
    return /[a-zA-Z0-9-]/.test(character) ? this.#call(this.#name()) : undefined;
  }

  #literal(): Expression {
    this.#at++;
    let content = '';
    while (!this.#takeText('"')) content += String.fromCodePoint(this.#character());
    return literal(content);
  }

  #set(): Expression {
    this.#at++;
    const isNegated = this.#takeText('^');
    const ranges: (readonly [number, number])[] = [];
    while (!this.#takeText(']')) {
      const low = this.#character();
      const goesOn = this.#text[this.#at] === '-' && this.#text[this.#at + 1] !== ']';
      if (goesOn) this.#at++;
      const high = goesOn ? this.#character() : low;
      if (high < low) this.#fail(this.#at, 'a range ends before it begins');
      ranges.push([low, high]);
    }
    const set = codePoints(ranges);
    return utf8(isNegated ? complement(set) : set);
  }

  #group(): Expression {
    const start = this.#at++;
    if (++this.#depth > mostGroups)
      this.#fail(start, `more than ${mostGroups} groups in each other`);
    this.#skip(true);
    const inner = this.#alternatives(true);
    this.#depth--;
    if (!this.#takeText(')')) this.#fail(this.#at, 'expected )');
    return inner;
  }

  #quantifier(start: number): readonly [number, number] {
    if (this.#takeText('*')) return [0, Number.POSITIVE_INFINITY];
    if (this.#takeText('+')) return [1, Number.POSITIVE_INFINITY];
    if (this.#takeText('?')) return [0, 1];
    const braces = /^\{\s*(\d*)\s*(?:(,)\s*(\d*)\s*)?\}/.exec(
      this.#text.slice(this.#at, this.#at + 40),
    );
    if (braces === null) {
      if (this.#text[this.#at] === '{') this.#fail(this.#at, 'expected {n}, {n,} or {n,m}');
      return [1, 1];
    }
    this.#at += braces[0].length;
    const [, from = '', separator, to = ''] = braces;
    if (from === '' && to === '') this.#fail(start, 'a repetition has no number');
    const least = Number(from);
    const most =
      separator === undefined ? least : to === '' ? Number.POSITIVE_INFINITY : Number(to);
    if (most < least) this.#fail(start, 'a repetition ends before it begins');
    return [least, most];
  }

  // One character of a literal or a set, as a code point.
  #character(): number {
    const point = this.#text.codePointAt(this.#at);
    if (point === undefined) return this.#fail(this.#at, 'the text ends too early');
    this.#at += point > 0xffff ? 2 : 1;
    if (point !== 0x5c) return point;
    const sign = this.#text[this.#at++] ?? '';
    const length = { x: 2, u: 4, U: 8 }[sign];
    if (length !== undefined) {
      const digits = this.#text.slice(this.#at, this.#at + length);
      const value = Number.parseInt(digits, 16);
      if (!/^[0-9a-fA-F]+$/.test(digits) || digits.length !== length || value > 0x10ffff) {
        this.#fail(this.#at, `expected ${length} hexadecimal digits of a character`);
      }
      this.#at += length;
      return value;
    }
    const known = plainEscapes[sign];
    return known ?? this.#fail(this.#at - 1, `there is no escape \\${sign}`);
  }

  #name(): string {
    const name = /^[a-zA-Z0-9-]+/.exec(this.#text.slice(this.#at, this.#at + 200))?.[0];
    if (name === undefined) return this.#fail(this.#at, 'expected the name of a rule');
    this.#at += name.length;
    return name;
  }

  #skip(lineBreaksToo: boolean): void {
    const blank = lineBreaksToo ? /(?:[ \t\r\n]|#[^\r\n]*)*/y : /(?:[ \t]|#[^\r\n]*)*/y;
    blank.lastIndex = this.#at;
    blank.exec(this.#text);
    this.#at = blank.lastIndex;
  }

  #takeText(text: string): boolean {
    if (!this.#text.startsWith(text, this.#at)) return false;
    this.#at += text.length;
    return true;
  }

  #fail(at: number, reason: string): never {
    throw errors.CONSTRAINT_INVALID({ where: this.#place(at), reason });
  }

  #place(at: number): string {
    const lines = this.#text.slice(0, at).split('\n');
    return `line ${lines.length}, column ${(lines.at(-1) ?? '').length + 1} of the grammar`;
  }
}
