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
  const byFirst = new Map<number, string[]>();
  for (const string of strings.keys()) {
    if (string === '') continue;
    const first = string.charCodeAt(0);
    const list = byFirst.get(first);
    if (list) list.push(string);
    else byFirst.set(first, [string]);
  }
  for (const list of byFirst.values()) list.sort((a, b) => b.length - a.length);
  return {
    next(text: string, from: number): Occurrence | undefined {
      if (byFirst.size === 0) return undefined;
      for (let i = from; i < text.length; i++) {
        const list = byFirst.get(text.charCodeAt(i));
        if (!list) continue;
        for (const string of list) {
          if (text.startsWith(string, i)) {
            return { start: i, end: i + string.length, id: strings.get(string) as TokenId };
          }
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
