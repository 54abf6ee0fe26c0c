// Python's text where it differs from JavaScript's: strip, capitalize, len, ==. Prompts and metrics of the
// harness were defined by these.

// str.isspace: Unicode's White_Space and the separators U+001C to U+001F, without the byte order mark.
const whitespace =
  '\\t-\\r\\u001c-\\u0020\\u0085\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000';

/** What Python's `\s` and `str.isspace` match, as the inside of a character class. */
export const pythonWhitespace: string = whitespace;

const leading = new RegExp(`^[${whitespace}]+`, 'u');
const trailing = new RegExp(`[${whitespace}]+$`, 'u');
const edgeStart = new RegExp(`^[${whitespace}]`, 'u');
const edgeEnd = new RegExp(`[${whitespace}]$`, 'u');

/** `text.strip(characters)`; whitespace when no characters are given. */
export function strip(text: string, characters?: string): string {
  return rightStrip(leftStrip(text, characters), characters);
}

/** `text.lstrip(characters)`. */
export function leftStrip(text: string, characters?: string): string {
  if (characters === undefined) return text.replace(leading, '');
  const dropped = new Set(characters);
  const symbols = Array.from(text);
  const start = symbols.findIndex((symbol) => !dropped.has(symbol));
  return start < 0 ? '' : symbols.slice(start).join('');
}

/** `text.rstrip(characters)`. */
export function rightStrip(text: string, characters?: string): string {
  if (characters === undefined) return text.replace(trailing, '');
  const dropped = new Set(characters);
  const symbols = Array.from(text);
  const end = symbols.findLastIndex((symbol) => !dropped.has(symbol));
  return symbols.slice(0, end + 1).join('');
}

/** Does the text begin with whitespace? */
export function startsWithSpace(text: string): boolean {
  return edgeStart.test(text);
}

/** Does the text end with whitespace? */
export function endsWithSpace(text: string): boolean {
  return edgeEnd.test(text);
}

/** `text.capitalize()`: the first character in upper case, the rest in lower case. */
export function capitalize(text: string): string {
  const [first = '', ...rest] = text;
  return first.toUpperCase() + rest.join('').toLowerCase();
}

/** `len(text)`: code points, not UTF-16 units. */
export function characterCount(text: string): number {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}

/** `a == b` for what JSON can say. */
export function pythonEqual(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const [left, right] = [Object.entries(a), Object.entries(b)];
  if (left.length !== right.length) return false;
  return left.every(([key, value]) => {
    return Object.hasOwn(b, key) && pythonEqual(value, (b as Record<string, unknown>)[key]);
  });
}
