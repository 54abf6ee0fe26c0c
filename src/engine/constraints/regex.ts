// JavaScript's regular expressions with the flag u, as expressions over bytes. \d, \w, \s and the dot mean
// what they mean there. Look-around, back-references, word boundaries and \p are refused by name and place.
import { errors } from '../../base/errors.ts';
import { messageOf } from '../../base/message-of.ts';
import { anyCodePoint, type CodePoints, codePoints, complement, utf8 } from './code-points.ts';
import { choice, type Expression, nothing, repeat, sequence } from './expression.ts';

/** How a parsed expression is laid on a text. */
export interface RegexOptions {
  /** How one character of a set is written. Default: in UTF-8. */
  readonly write?: (points: CodePoints) => Expression;
  /** `whole` (default): the text is one match. `search`: it holds a match, as in JSON Schema's pattern. */
  readonly mode?: 'whole' | 'search';
  /** How errors call the place. Default: the expression. */
  readonly where?: string;
}

const digits = codePoints([[0x30, 0x39]]);
const wordCharacters = codePoints([
  [0x30, 0x39],
  [0x41, 0x5a],
  [0x5f, 0x5f],
  [0x61, 0x7a],
]);
const spaces = codePoints([
  [0x09, 0x0d],
  [0x20, 0x20],
  [0xa0, 0xa0],
  [0x1680, 0x1680],
  [0x2000, 0x200a],
  [0x2028, 0x2029],
  [0x202f, 0x202f],
  [0x205f, 0x205f],
  [0x3000, 0x3000],
  [0xfeff, 0xfeff],
]);
const dot = complement(
  codePoints([
    [0x0a, 0x0a],
    [0x0d, 0x0d],
    [0x2028, 0x2029],
  ]),
);
const classes: Readonly<Record<string, CodePoints>> = {
  d: digits,
  D: complement(digits),
  w: wordCharacters,
  W: complement(wordCharacters),
  s: spaces,
  S: complement(spaces),
};
const controls: Readonly<Record<string, number>> = { t: 9, n: 10, v: 11, f: 12, r: 13, 0: 0 };
const mostGroups = 200;

/** Parses one. Throws CONSTRAINT_INVALID where JavaScript would, and CONSTRAINT_UNSUPPORTED. */
export function parseRegex(pattern: string, options: RegexOptions = {}): Expression {
  const { write = utf8, mode = 'whole', where = 'the expression' } = options;
  try {
    new RegExp(pattern, 'u');
  } catch (cause) {
    const reason = messageOf(cause);
    throw errors.CONSTRAINT_INVALID({ where, reason });
  }
  return new Parser(pattern, write, mode, where).parse();
}

// Reads what RegExp has found to be well formed.
class Parser {
  readonly #characters: readonly string[];
  readonly #write: (points: CodePoints) => Expression;
  readonly #mode: 'whole' | 'search';
  readonly #where: string;
  #at = 0;
  #depth = 0;

  constructor(
    pattern: string,
    write: (points: CodePoints) => Expression,
    mode: 'whole' | 'search',
    where: string,
  ) {
    this.#characters = [...pattern];
    this.#write = write;
    this.#mode = mode;
    this.#where = where;
  }

  parse(): Expression {
    return this.#alternatives(true);
  }

  // `isOuter`: it is no group, so ^ and $ are the ends of the text.
  #alternatives(isOuter: boolean): Expression {
    const options: Expression[] = [];
    do options.push(this.#alternative(isOuter));
    while (this.#take('|'));
    return choice(...options);
  }

  #alternative(isOuter: boolean): Expression {
    const isSearch = isOuter && this.#mode === 'search';
    const anything = isSearch ? repeat(this.#write(anyCodePoint), 0) : nothing;
    const parts: Expression[] = [isOuter && this.#take('^') ? nothing : anything];
    let end = anything;
    while (!this.#isAtEnd()) {
      const isLast = '|'.includes(this.#characters[this.#at + 1] ?? '|');
      if (isOuter && isLast && this.#take('$')) end = nothing;
      else parts.push(this.#repeated());
    }
    return sequence(...parts, end);
  }

  #isAtEnd(): boolean {
    return '|)'.includes(this.#characters[this.#at] ?? '|');
  }

  #repeated(): Expression {
    const part = this.#atom();
    const [least, most] = this.#quantifier();
    this.#take('?'); // lazy or greedy: the same texts
    return least === 1 && most === 1 ? part : repeat(part, least, most);
  }

  #quantifier(): readonly [number, number] {
    if (this.#take('*')) return [0, Number.POSITIVE_INFINITY];
    if (this.#take('+')) return [1, Number.POSITIVE_INFINITY];
    if (this.#sees('?')) {
      this.#at++;
      return [0, 1];
    }
    if (!this.#take('{')) return [1, 1];
    const [least = '', most] = this.#until('}').split(',');
    if (most === undefined) return [Number(least), Number(least)];
    return [Number(least), most === '' ? Number.POSITIVE_INFINITY : Number(most)];
  }

  #atom(): Expression {
    const start = this.#at;
    const character = this.#next();
    if (character === '(') return this.#group(start);
    if (character === '.') return this.#write(dot);
    if (character === '[') return this.#write(this.#set());
    if (character === '\\') return this.#write(this.#escape(start));
    if (character === '^' || character === '$') {
      this.#refuse(
        start,
        `the anchor ${character} in the middle`,
        'anchors at the two ends of an alternative',
      );
    }
    return this.#write(pointOf(character));
  }

  #group(start: number): Expression {
    if (this.#take('?')) {
      const sign = this.#next();
      const next = this.#characters[this.#at];
      if (sign === '=' || sign === '!' || (sign === '<' && (next === '=' || next === '!'))) {
        const name = sign === '<' ? 'look-behind' : 'look-ahead';
        this.#refuse(start, name, 'groups, (?:…) and (?<name>…)');
      }
      if (sign === '<') this.#until('>');
      else if (sign !== ':')
        this.#refuse(start, 'flags of a group', 'groups, (?:…) and (?<name>…)');
    }
    if (++this.#depth > mostGroups) {
      this.#refuse(start, `more than ${mostGroups} nested groups`, 'fewer');
    }
    const inner = this.#alternatives(false);
    this.#depth--;
    this.#at++;
    return inner;
  }

  // What follows a backslash.
  #escape(start: number): CodePoints {
    const character = this.#next();
    const known = classes[character];
    if (known !== undefined) return known;
    if (character === 'b' || character === 'B') {
      this.#refuse(start, `the word boundary \\${character}`, 'characters, classes and groups');
    }
    if (character === 'k' || (character >= '1' && character <= '9')) {
      this.#refuse(start, 'a back-reference', 'characters, classes and groups');
    }
    if (character === 'p' || character === 'P') {
      this.#refuse(
        start,
        `the property class \\${character}`,
        '\\d, \\w, \\s and classes in brackets',
      );
    }
    const point = this.#code(character);
    return codePoints([[point, point]]);
  }

  #code(character: string): number {
    const control = controls[character];
    if (control !== undefined) return control;
    if (character === 'c') return (this.#next().codePointAt(0) as number) % 32;
    if (character === 'x') return Number.parseInt(this.#next() + this.#next(), 16);
    if (character !== 'u') return character.codePointAt(0) as number;
    if (this.#take('{')) return Number.parseInt(this.#until('}'), 16);
    const unit = this.#unit();
    if (
      unit < 0xd800 ||
      unit > 0xdbff ||
      !this.#sees('\\') ||
      this.#characters[this.#at + 1] !== 'u'
    )
      return unit;
    const before = this.#at;
    this.#at += 2;
    const low = this.#sees('{') ? 0 : this.#unit();
    if (low >= 0xdc00 && low <= 0xdfff) return 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
    this.#at = before;
    return unit;
  }

  #unit(): number {
    return Number.parseInt(this.#next() + this.#next() + this.#next() + this.#next(), 16);
  }

  // After an opening bracket.
  #set(): CodePoints {
    const isNegated = this.#take('^');
    const ranges: (readonly [number, number])[] = [];
    while (!this.#take(']')) {
      const low = this.#member();
      const goesOn = this.#sees('-') && this.#characters[this.#at + 1] !== ']';
      if (typeof low !== 'number' || !goesOn) {
        ranges.push(...(typeof low === 'number' ? ([[low, low]] as const) : low));
        continue;
      }
      this.#at++;
      const high = this.#member();
      if (typeof high === 'number') ranges.push([low, high]);
    }
    const set = codePoints(ranges);
    return isNegated ? complement(set) : set;
  }

  #member(): number | CodePoints {
    const start = this.#at;
    const character = this.#next();
    if (character !== '\\') return character.codePointAt(0) as number;
    const escaped = this.#next();
    if (escaped === 'b') return 8;
    if (escaped === '-') return 0x2d;
    if (classes[escaped] === undefined && escaped !== 'p' && escaped !== 'P')
      return this.#code(escaped);
    this.#at--;
    return this.#escape(start);
  }

  #next(): string {
    return this.#characters[this.#at++] ?? '';
  }

  #sees(character: string): boolean {
    return this.#characters[this.#at] === character;
  }

  #take(character: string): boolean {
    if (!this.#sees(character)) return false;
    this.#at++;
    return true;
  }

  #until(end: string): string {
    const from = this.#at;
    while (this.#next() !== end);
    return this.#characters.slice(from, this.#at - 1).join('');
  }

  #refuse(at: number, found: string, allowed: string): never {
    throw errors.CONSTRAINT_UNSUPPORTED({
      where: `${this.#where}, character ${at + 1}`,
      found,
      allowed,
    });
  }
}

function pointOf(character: string): CodePoints {
  const point = character.codePointAt(0) as number;
  return codePoints([[point, point]]);
}
