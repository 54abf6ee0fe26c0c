// JSON's texts as expressions. Between tokens there is nothing, one space, or a line break with at most
// twenty spaces or tabs: enough for every common layout, too little for a model to ramble in. Numbers have
// few enough digits to be finite; integers stay exact in float64.
import { byteSet } from './byte-set.ts';
import { type CodePoints, codePoints, complement, intersect, utf8 } from './code-points.ts';
import {
  byte,
  choice,
  type Expression,
  type Grammar,
  literal,
  literals,
  optional,
  repeat,
  sequence,
} from './expression.ts';
import { RuleTable } from './rule-table.ts';

/** Digits of an integer at most: all such integers are exact in float64. */
export const mostDigits = 15;

const space: Expression = optional(
  choice(
    literal(' '),
    sequence(literal('\n'), repeat(byte(byteSet([0x20, 0x20], [0x09, 0x09])), 0, 20)),
  ),
);

const digit = byte(byteSet([0x30, 0x39]));
const hex = byte(byteSet([0x30, 0x39], [0x41, 0x46], [0x61, 0x66]));
const unescaped = codePoints([
  [0x20, 0x21],
  [0x23, 0x5b],
  [0x5d, 0x10ffff],
]);

// \uXXXX for characters, and pairs of them for those beyond the first plane; no half pairs.
const unicodeEscape = choice(
  sequence(
    literal('\\u'),
    choice(
      sequence(
        byte(byteSet([0x30, 0x39], [0x41, 0x43], [0x45, 0x46], [0x61, 0x63], [0x65, 0x66])),
        hex,
      ),
      sequence(byte(byteSet([0x44, 0x44], [0x64, 0x64])), byte(byteSet([0x30, 0x37]))),
    ),
    hex,
    hex,
  ),
  sequence(
    halfPair(byteSet([0x38, 0x39], [0x41, 0x42], [0x61, 0x62])),
    halfPair(byteSet([0x43, 0x46], [0x63, 0x66])),
  ),
);

function halfPair(third: Uint8Array): Expression {
  return sequence(literal('\\u'), byte(byteSet([0x44, 0x44], [0x64, 0x64])), byte(third), hex, hex);
}

const stringCharacter: Expression = choice(
  utf8(unescaped),
  literals(['\\"', '\\\\', '\\/', '\\b', '\\f', '\\n', '\\r', '\\t']),
  unicodeEscape,
);

/** One of these characters within a JSON string, as JSON.stringify writes it. */
export function stringCharacterOf(points: CodePoints): Expression {
  const escaped = intersect(points, complement(unescaped)).flatMap(([low, high]) =>
    Array.from({ length: high - low + 1 }, (_, i) =>
      JSON.stringify(String.fromCodePoint(low + i)).slice(1, -1),
    ),
  );
  return choice(utf8(intersect(points, unescaped)), literals(escaped));
}

/** A string whose content is this. */
export function quoted(content: Expression): Expression {
  return sequence(literal('"'), content, literal('"'));
}

const wholeDigits = choice(
  literal('0'),
  sequence(byte(byteSet([0x31, 0x39])), repeat(digit, 0, mostDigits - 1)),
);

const integer: Expression = sequence(optional(literal('-')), wholeDigits);

// Fifteen digits before the point, fifteen after it, and an exponent of two.
const number: Expression = sequence(
  integer,
  optional(sequence(literal('.'), repeat(digit, 1, mostDigits))),
  optional(
    sequence(
      byte(byteSet([0x45, 0x45], [0x65, 0x65])),
      optional(byte(byteSet([0x2b, 0x2b], [0x2d, 0x2d]))),
      repeat(digit, 1, 2),
    ),
  ),
);

/** Texts of JSON over one table of rules; what recurs is a rule there, so that long lists stay small. */
export class JsonTexts {
  readonly rules: RuleTable;
  /** What may stand between tokens. */
  readonly space: Expression;
  /** What separates the items of a list. */
  readonly comma: Expression;
  /** One character within a string, in any of the ways JSON has. */
  readonly character: Expression;
  readonly text: Expression;
  readonly number: Expression;
  readonly integer: Expression;
  readonly value: Expression;
  readonly object: Expression;
  readonly list: Expression;

  constructor(rules: RuleTable) {
    this.rules = rules;
    this.space = rules.add('space', space);
    this.comma = sequence(literal(','), this.space);
    this.character = rules.add('a character', stringCharacter);
    this.text = rules.add('any string', quoted(repeat(stringCharacter, 0)));
    this.number = rules.add('any number', number);
    this.integer = rules.add('any integer', integer);
    const value = rules.declare('any value');
    const members = rules.declare('members of any object');
    const items = rules.declare('items of any list');
    const more = (rest: Expression): Expression => optional(sequence(this.comma, rest));
    rules.define(members, sequence(this.member(this.text, value), more(members)));
    rules.define(items, sequence(value, this.space, more(items)));
    this.object = rules.add('any object', this.bracketed('{}', optional(members)));
    this.list = rules.add('any list', this.bracketed('[]', optional(items)));
    const words = literals(['true', 'false', 'null']);
    rules.define(value, choice(this.object, this.list, this.text, this.number, words));
    this.value = value;
  }

  /** A string of any characters, `least` to `most` of them. */
  stringOf(least: number, most: number): Expression {
    const isFree = least === 0 && most === Number.POSITIVE_INFINITY;
    return isFree ? this.text : quoted(repeat(this.character, least, most));
  }

  /** A name, a value, and the space after it. */
  member(name: Expression, value: Expression): Expression {
    return sequence(name, literal(':'), this.space, value, this.space);
  }

  /** `inner` brings the space after it. */
  bracketed(brackets: '[]' | '{}', inner: Expression): Expression {
    return sequence(literal(brackets.slice(0, 1)), this.space, inner, literal(brackets.slice(1)));
  }
}

/** Any JSON object. */
export function anyObjectGrammar(): Grammar {
  const rules = new RuleTable();
  const root = rules.declare('the object');
  rules.define(root, new JsonTexts(rules).object);
  return rules.build();
}
