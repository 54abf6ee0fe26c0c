// Numbers within bounds, digit by digit: an expression that only such numbers fit.
import { byteSet } from './byte-set.ts';
import {
  byte,
  choice,
  type Expression,
  literal,
  never,
  nothing,
  optional,
  repeat,
  sequence,
} from './expression.ts';
import { mostDigits } from './json-values.ts';
import type { RuleTable } from './rule-table.ts';

const largest = 10 ** mostDigits - 1;
const digit = digits(0, 9);

/** Bounds of a number; none where absent. */
export interface Bounds {
  readonly low?: number | undefined;
  readonly lowIsOpen?: boolean;
  readonly high?: number | undefined;
  readonly highIsOpen?: boolean;
}

/** Integers within bounds, of at most fifteen digits. */
export function integersWithin({ low, lowIsOpen, high, highIsOpen }: Bounds): Expression {
  let from = low === undefined ? -largest : Math.ceil(low);
  if (from === low && lowIsOpen === true) from++;
  let to = high === undefined ? largest : Math.floor(high);
  if (to === high && highIsOpen === true) to--;
  from = Math.max(from, -largest);
  to = Math.min(to, largest);
  const negative = sequence(literal('-'), wholeWithin(Math.max(1, -to), -from));
  return choice(...(from < 0 ? [negative] : []), wholeWithin(Math.max(from, 0), to));
}

/** Decimals within bounds that are integers. */
export function decimalsWithin({
  low,
  lowIsOpen = false,
  high,
  highIsOpen = false,
}: Bounds): Expression {
  const [from, to] = [low ?? -largest, high ?? largest];
  // An exclusive bound must not be reached by rounding to float64 either.
  const sharp = Math.max(lowIsOpen ? Math.abs(from) : 0, highIsOpen ? Math.abs(to) : 0);
  const places = Math.max(1, mostDigits - String(sharp).length);
  const options: Expression[] = [];
  if (from < 0) {
    const [least, leastIsOpen] = to < 0 ? [-to, highIsOpen] : [0, true];
    options.push(sequence(literal('-'), positive(least, leastIsOpen, -from, lowIsOpen, places)));
  }
  if (to >= 0) {
    const [least, leastIsOpen] = from >= 0 ? [from, lowIsOpen] : [0, false];
    options.push(positive(least, leastIsOpen, to, highIsOpen, places));
  }
  return choice(...options);
}

/** Multiples of a positive integer, of at most fifteen digits: one rule per remainder and digits left. */
export function multiplesOf(divisor: number, rules: RuleTable): Expression {
  const name = `multiples of ${divisor}`;
  const table = Array.from({ length: mostDigits }, () =>
    Array.from({ length: divisor }, () => rules.declare(name)),
  );
  const from = (remainder: number, left: number, first: number): Expression[] =>
    Array.from({ length: 10 - first }, (_, i) => {
      const next = (remainder * 10 + first + i) % divisor;
      return sequence(digits(first + i, first + i), table[left]?.[next] ?? never);
    });
  for (const [left, row] of table.entries()) {
    for (const [remainder, rule] of row.entries()) {
      const end = remainder === 0 ? [nothing] : [];
      const more = left === 0 ? [] : from(remainder, left - 1, 0);
      rules.define(rule, choice(...end, ...more));
    }
  }
  const positiveMultiple = choice(...from(0, mostDigits - 1, 1));
  return choice(literal('0'), sequence(optional(literal('-')), positiveMultiple));
}

function positive(
  low: number,
  lowIsOpen: boolean,
  high: number,
  highIsOpen: boolean,
  places: number,
): Expression {
  if (low > high || (low === high && (lowIsOpen || highIsOpen))) return never;
  const fraction = sequence(literal('.'), repeat(digit, 1, places));
  const zeros = optional(sequence(literal('.'), repeat(digits(0, 0), 1, places)));
  const half = Math.floor((places - 1) / 2);
  const something = sequence(
    literal('.'),
    repeat(digit, 0, half),
    digits(1, 9),
    repeat(digit, 0, half),
  );
  const options: Expression[] = [];
  if (low < high) {
    options.push(sequence(wholeWithin(low, low), lowIsOpen ? something : optional(fraction)));
    options.push(sequence(wholeWithin(low + 1, high - 1), optional(fraction)));
  }
  if (!highIsOpen) options.push(sequence(wholeWithin(high, high), zeros));
  return choice(...options);
}

// Integers from 0, without leading zeros.
function wholeWithin(low: number, high: number): Expression {
  const options: Expression[] = [];
  for (let length = 1; length <= mostDigits; length++) {
    const from = Math.max(low, length === 1 ? 0 : 10 ** (length - 1));
    const to = Math.min(high, 10 ** length - 1);
    if (from <= to) options.push(between(String(from), String(to)));
  }
  return choice(...options);
}

// Two bounds of equally many digits.
function between(low: string, high: string): Expression {
  if (low === '') return nothing;
  if (/^0+$/.test(low) && /^9+$/.test(high)) return repeat(digit, low.length, low.length);
  const [first, last] = [Number(low[0]), Number(high[0])];
  const rest = low.length - 1;
  if (first === last) return sequence(digits(first, first), between(low.slice(1), high.slice(1)));
  const options = [
    sequence(digits(first, first), between(low.slice(1), '9'.repeat(rest))),
    sequence(digits(last, last), between('0'.repeat(rest), high.slice(1))),
  ];
  if (last - first > 1)
    options.push(sequence(digits(first + 1, last - 1), repeat(digit, rest, rest)));
  return choice(...options);
}

function digits(first: number, last: number): Expression {
  return byte(byteSet([0x30 + first, 0x30 + last]));
}
