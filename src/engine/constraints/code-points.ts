// Sets of Unicode characters as sorted ranges, and their UTF-8 as expressions over bytes. Surrogates are
// no characters: no set holds them.
import { byteSet } from './byte-set.ts';
import { byte, choice, type Expression, sequence } from './expression.ts';

/** Inclusive, sorted, apart from each other. */
export type CodePoints = readonly (readonly [number, number])[];

const highest = 0x10ffff;
const surrogates = [0xd800, 0xdfff] as const;

/** Every character. */
export const anyCodePoint: CodePoints = [
  [0, surrogates[0] - 1],
  [surrogates[1] + 1, highest],
];

/** Sorted and merged, without surrogates. */
export function codePoints(ranges: Iterable<readonly [number, number]>): CodePoints {
  const sorted = [...ranges].toSorted((a, b) => a[0] - b[0]);
  const merged: [number, number][] = [];
  for (const [low, high] of sorted) {
    const last = merged.at(-1);
    if (last !== undefined && low <= last[1] + 1) last[1] = Math.max(last[1], high);
    else merged.push([low, high]);
  }
  return intersect(merged, anyCodePoint);
}

/** The characters of both. */
export function intersect(a: CodePoints, b: CodePoints): CodePoints {
  const both: [number, number][] = [];
  for (const [low, high] of a) {
    for (const [from, to] of b) {
      if (from <= high && to >= low) both.push([Math.max(low, from), Math.min(high, to)]);
    }
  }
  return both;
}

/** All other characters. */
export function complement(ranges: CodePoints): CodePoints {
  const rest: [number, number][] = [];
  let next = 0;
  for (const [low, high] of ranges) {
    if (low > next) rest.push([next, low - 1]);
    next = high + 1;
  }
  if (next <= highest) rest.push([next, highest]);
  return intersect(rest, anyCodePoint);
}

/** One character of the set in UTF-8. */
export function utf8(ranges: CodePoints): Expression {
  const [ascii, longer]: [[number, number][], Expression[]] = [[], []];
  for (const [low, high] of ranges) {
    if (low < 0x80) ascii.push([low, Math.min(high, 0x7f)]);
    for (const [from, to] of lengthRanges) {
      if (low <= to && high >= from) encodeRange(Math.max(low, from), Math.min(high, to), longer);
    }
  }
  const options = ascii.length > 0 ? [byte(byteSet(...ascii)), ...longer] : longer;
  return choice(...options);
}

// Code points of two, three and four bytes.
const lengthRanges = [
  [0x80, 0x7ff],
  [0x800, 0xffff],
  [0x10000, highest],
] as const;

// Splits a range whose ends take equally many bytes until each byte's range is independent of the others',
// as RE2 and Rust's utf8-ranges do.
function encodeRange(low: number, high: number, out: Expression[]): void {
  const length = low < 0x800 ? 2 : low < 0x10000 ? 3 : 4;
  for (let free = 1; free < length; free++) {
    const mask = 2 ** (6 * free) - 1;
    if (Math.floor(low / (mask + 1)) === Math.floor(high / (mask + 1))) continue;
    if ((low & mask) !== 0) {
      encodeRange(low, low | mask, out);
      encodeRange((low | mask) + 1, high, out);
      return;
    }
    if ((high & mask) !== mask) {
      encodeRange(low, (high & ~mask) - 1, out);
      encodeRange(high & ~mask, high, out);
      return;
    }
  }
  const [first, last] = [encode(low, length), encode(high, length)];
  out.push(sequence(...first.map((from, i) => byte(byteSet([from, last[i] as number])))));
}

function encode(point: number, length: number): number[] {
  const lead = [0, 0, 0xc0, 0xe0, 0xf0][length] as number;
  return Array.from({ length }, (_, i) => {
    const bits = point >> (6 * (length - 1 - i));
    return i === 0 ? lead | bits : 0x80 | (bits & 0x3f);
  });
}
