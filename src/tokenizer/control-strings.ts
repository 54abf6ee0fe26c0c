// Finds control strings in a text: leftmost, and of several that start at one place the longest.
// Knows nothing of what the tokens mean.
import type { SpaceEating } from './piece-model.ts';
import type { Segment, TokenId } from './tokenizer.ts';

/** One occurrence, in UTF-16 units. */
export interface Occurrence {
  readonly start: number;
  readonly end: number;
  readonly id: TokenId;
}

/** Finds any of a set of strings. */
export interface StringFinder {
  /** The first occurrence at or after `from`. */
  next(text: string, from: number): Occurrence | undefined;
}

/** Makes a finder for these strings. */
export function findStrings(strings: ReadonlyMap<string, TokenId>): StringFinder {
  // by first UTF-16 unit the lengths to try, longest first: thousands of strings share a few lengths
  const lengths = new Map<number, number[]>();
  for (const string of strings.keys()) {
    if (string === '') continue;
    const first = string.charCodeAt(0);
    const known = lengths.get(first) ?? [];
    if (!known.includes(string.length)) known.push(string.length);
    lengths.set(first, known);
  }
  for (const known of lengths.values()) known.sort((a, b) => b - a);
  return {
    next(text: string, from: number): Occurrence | undefined {
      if (lengths.size === 0) return undefined;
      for (let start = from; start < text.length; start++) {
        const known = lengths.get(text.charCodeAt(start));
        if (!known) continue;
        for (const length of known) {
          const id = strings.get(text.slice(start, start + length));
          if (id !== undefined) return { start, end: start + length, id };
        }
      }
      return undefined;
    },
  };
}

/** How cut stretches are to be treated. */
export interface CutOptions {
  readonly bos: TokenId | undefined;
  /** Where a dummy space goes: see PieceModel. */
  readonly dummySpace: 'every' | 'first' | 'none';
  readonly spaceEating: ReadonlyMap<TokenId, SpaceEating>;
}

/** Cuts a text at the strings a finder finds. Empty stretches are left out. */
export function cutAtControls(text: string, finder: StringFinder, options: CutOptions): Segment[] {
  const { bos, dummySpace, spaceEating } = options;
  const segments: Segment[] = [];
  let start: 'text' | 'continuation' = 'text';
  let from = 0;
  let eatsStart = false;
  const addText = (until: number, eatsEnd: boolean): void => {
    let stretch = text.slice(from, until);
    if (eatsStart) stretch = stretch.trimStart();
    const at = until - stretch.length;
    if (eatsEnd) stretch = stretch.trimEnd();
    if (stretch !== '') segments.push({ at, text: stretch, start });
  };
  for (;;) {
    const found = finder.next(text, from);
    if (!found) break;
    const eats = spaceEating.get(found.id);
    addText(found.start, eats?.before ?? false);
    segments.push({ at: found.start, control: found.id });
    from = found.end;
    eatsStart = eats?.after ?? false;
    start = dummySpace === 'every' || found.id === bos ? 'text' : 'continuation';
  }
  addText(text.length, false);
  return segments;
}
