// A few kinds of bytes, one bit each, so that what lies below a node of the vocabulary's tree is one number:
// "letters and digits only", "whole characters beyond ASCII too". And UTF-8 byte by byte, which tells whole
// characters from broken ones.

const groups = [
  'abcdefghijklmnopqrstuvwxyz',
  'ABCDEFGHIJKLMNOPQRSTUVWXYZ',
  '0123456789',
  ...[' ', '_', '-', '.', ',', ':', '/', "'", '"', '\\', '\n', '\r', '\t'],
  ...['{}', '[]', '()', '<>', '+*=%', '!?;', '@#$&', '^~|`'],
];

/** The ASCII bytes of each kind, by the number of its bit. The last kind has all that no other has. */
export const asciiKinds: readonly (readonly number[])[] = [
  ...groups.map((group) => Array.from(group, (character) => character.charCodeAt(0))),
  Array.from({ length: 128 }, (_, byte) => byte).filter(
    (byte) => !groups.join('').includes(String.fromCharCode(byte)),
  ),
];

/** The bit of whole characters beyond ASCII. */
export const wideKind: number = 1 << asciiKinds.length;

/** The bit of what is no whole character. */
export const brokenKind: number = wideKind << 1;

const bitOf = new Uint32Array(128);
for (const [bit, bytes] of asciiKinds.entries()) for (const byte of bytes) bitOf[byte] = 1 << bit;

/** The bit of an ASCII byte, or that of wide characters. */
export function kindOf(byte: number): number {
  return byte < 128 ? (bitOf[byte] as number) : wideKind;
}

type Range = readonly [number, number];
const rest: Range = [0x80, 0xbf];

/** The well-formed characters beyond ASCII: ranges of their bytes (Unicode 16, table 3-7). */
export const wideCharacters: readonly (readonly Range[])[] = [
  [[0xc2, 0xdf], rest],
  [[0xe0, 0xe0], [0xa0, 0xbf], rest],
  [[0xe1, 0xec], rest, rest],
  [[0xed, 0xed], [0x80, 0x9f], rest],
  [[0xee, 0xef], rest, rest],
  [[0xf0, 0xf0], [0x90, 0xbf], rest, rest],
  [[0xf1, 0xf3], rest, rest, rest],
  [[0xf4, 0xf4], [0x80, 0x8f], rest, rest],
];

/** Between characters; other states of UTF-8 are `row * 4 + bytes read`, and `broken`. */
export const betweenCharacters = 255;
export const broken = 254;

/** The state of UTF-8 after one more byte. */
export function nextUtf8(state: number, byte: number): number {
  if (state === broken) return broken;
  if (state === betweenCharacters) {
    if (byte < 128) return betweenCharacters;
    const row = wideCharacters.findIndex(([first]) => first !== undefined && isIn(first, byte));
    return row < 0 ? broken : row * 4 + 1;
  }
  const ranges = wideCharacters[state >> 2] as readonly Range[];
  const read = state & 3;
  if (!isIn(ranges[read] as Range, byte)) return broken;
  return read + 1 === ranges.length ? betweenCharacters : state + 1;
}

function isIn([low, high]: Range, byte: number): boolean {
  return byte >= low && byte <= high;
}
