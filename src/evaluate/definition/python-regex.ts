// Python's regular expressions as JavaScript's: what task files write in regex_pattern means here what
// it means to Python's `re` on text. Covers what both know; the rest is refused by name.
import { errors } from '../../base/errors.ts';
import { pythonWhitespace } from './python-text.ts';

const classes: Readonly<Record<string, string>> = {
  d: '\\p{Nd}',
  w: '\\p{L}\\p{N}_',
  s: pythonWhitespace,
};
const endOfText = '(?![\\s\\S])';

/** A pattern of Python's `re` as a RegExp with the flags `gu` and those it asks for itself. */
export function pythonRegex(pattern: string): RegExp {
  let rest = pattern;
  let flags = 'gu';
  let dotAll = false;
  let multiline = false;
  const inline = /^\(\?([aimsux]+)\)/u.exec(rest);
  if (inline !== null) {
    const asked = inline[1] as string;
    if (/[aux]/u.test(asked)) throw refused(pattern, `the flag in ${inline[0]}`);
    dotAll = asked.includes('s');
    multiline = asked.includes('m');
    if (asked.includes('i')) flags += 'i';
    if (multiline) flags += 'm';
    rest = rest.slice(inline[0].length);
  }
  let out = '';
  let inClass = false;
  for (let i = 0; i < rest.length; i++) {
    const symbol = rest[i] as string;
    if (symbol === '\\') {
      i += 1;
      out += translateEscape(rest[i] ?? '', { inClass, pattern });
    } else if (inClass) {
      if (symbol === ']') inClass = false;
      out += symbol === '[' ? '\\[' : symbol;
    } else if (symbol === '[') {
      inClass = true;
      out += symbol;
      if (rest[i + 1] === '^') out += rest[++i];
      if (rest[i + 1] === ']') {
        out += '\\]';
        i += 1;
      }
    } else if (symbol === '.') {
      out += dotAll ? '[\\s\\S]' : '[^\\n]';
    } else if (symbol === '$') {
      // without MULTILINE Python's `$` also matches before a newline at the very end
      out += multiline ? '$' : `(?=\\n?${endOfText})`;
    } else if (symbol === '(' && rest.startsWith('(?P', i)) {
      const named = /^\(\?P<(\w+)>/u.exec(rest.slice(i));
      if (named === null) throw refused(pattern, rest.slice(i, i + 4));
      out += `(?<${named[1]}>`;
      i += named[0].length - 1;
    } else {
      out += symbol;
    }
  }
  try {
    return new RegExp(out, flags);
  } catch (cause) {
    throw errors.PATTERN_INVALID({ pattern, reason: (cause as Error).message }, { cause });
  }
}

function translateEscape(
  symbol: string,
  { inClass, pattern }: { readonly inClass: boolean; readonly pattern: string },
): string {
  const members = classes[symbol];
  if (members !== undefined) return inClass ? members : `[${members}]`;
  const negated = classes[symbol.toLowerCase()];
  if (negated !== undefined) {
    if (inClass) throw refused(pattern, `\\${symbol} inside a class`);
    return `[^${negated}]`;
  }
  if (symbol === 'Z') return endOfText;
  if (symbol === 'A') return '(?<![\\s\\S])';
  if (/[bBfnrtvxu0-9]/u.test(symbol)) return `\\${symbol}`;
  if (/[A-Za-z]/u.test(symbol) || symbol === '') throw refused(pattern, `\\${symbol}`);
  // with the flag u JavaScript allows a backslash only before characters that mean something
  return /[\^$\\.*+?()[\]{}|/-]/u.test(symbol) && (inClass || symbol !== '-')
    ? `\\${symbol}`
    : symbol;
}

function refused(pattern: string, what: string): Error {
  return errors.PATTERN_INVALID({ pattern, reason: `${what} is not supported` });
}

/** `re.sub(pattern, replacement, text)` with a replacement that is taken as it is. */
export function pythonReplace(text: string, pattern: string, replacement: string): string {
  return text.replace(pythonRegex(pattern), () => replacement);
}

/** `re.findall(pattern, text)`: whole matches, or the groups where there are some (a list each if several). */
export function pythonFindAll(text: string, regex: RegExp): (string | string[])[] {
  return Array.from(text.matchAll(regex), (match) => {
    const groups = match.slice(1).map((group) => group ?? '');
    if (groups.length === 0) return match[0];
    return groups.length === 1 ? (groups[0] as string) : groups;
  });
}
