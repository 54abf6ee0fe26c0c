// A small grammar for sentences: `[a|b]` is a choice (they nest, and `[a|]` may be nothing), `{A.his}` a
// slot with a form. Patterns are parsed once; discourse.ts says what stands in a slot.
import { invariant } from '../../../src/base/invariant.ts';

/** A parsed pattern: text, choices among patterns, slots. */
export type PatternNode =
  | string
  | { readonly choice: readonly Pattern[] }
  | { readonly slot: string; readonly form: string };
export type Pattern = readonly PatternNode[];

const parsed = new Map<string, Pattern>();

/** The parts of a pattern. Throws on brackets that do not match. */
export function parsePattern(source: string): Pattern {
  const known = parsed.get(source);
  if (known !== undefined) return known;
  const [pattern, end] = parseUntil(source, 0, '');
  invariant(end === source.length, `bracket out of place in: ${source}`);
  parsed.set(source, pattern);
  return pattern;
}

function parseUntil(source: string, start: number, stops: string): [Pattern, number] {
  const nodes: PatternNode[] = [];
  let at = start;
  while (at < source.length && !stops.includes(source[at] as string)) {
    const character = source[at] as string;
    if (character === '[') {
      const choice: Pattern[] = [];
      do {
        const [branch, end] = parseUntil(source, at + 1, '|]');
        choice.push(branch);
        at = end;
      } while (source[at] === '|');
      invariant(source[at] === ']', `choice without end in: ${source}`);
      nodes.push({ choice });
      at++;
    } else if (character === '{') {
      const end = source.indexOf('}', at);
      invariant(end > at, `slot without end in: ${source}`);
      const [slot = '', form = ''] = source.slice(at + 1, end).split('.');
      nodes.push({ slot, form });
      at = end + 1;
    } else {
      let end = at;
      while (end < source.length && !'[]{|}'.includes(source[end] as string)) end++;
      invariant(end > at, `bracket out of place in: ${source}`);
      nodes.push(source.slice(at, end));
      at = end;
    }
  }
  return [nodes, at];
}
