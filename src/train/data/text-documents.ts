// Documents of a plain text file, streamed: cut at a separator, or the whole file as one. A long
// document comes in parts that end at newlines, so that memory stays flat.
import { readText } from './read-text.ts';

// about what is tokenised in one go
const PART_CHARACTERS = 1 << 20;

/** A document, or a stretch of a long one. */
export interface TextPart {
  /** Line of the file where it begins, from 1. */
  readonly line: number;
  readonly text: string;
  /** Does the document begin with this part? */
  readonly opens: boolean;
  /** Does it end with this part? The last part of a long document may be empty. */
  readonly closes: boolean;
}

/**
 * Reads a text file. `separator` stands between documents wherever it occurs: `<|endoftext|>`, `\n\n`
 * for blank lines, `\n` for one document a line. With one, newlines at the ends of documents are
 * dropped and empty documents left out; without, the file is one document as it is.
 */
export async function* readDocuments(
  path: string,
  { separator }: { readonly separator: string | undefined },
): AsyncGenerator<TextPart> {
  let held = '';
  let line = 1;
  let opens = true;
  function* emit(until: number, closes: boolean): Generator<TextPart> {
    const raw = held.slice(0, until);
    const first = opens && separator !== undefined ? raw.replace(/^[\r\n]+/, '') : raw;
    const text = closes && separator !== undefined ? first.replace(/[\r\n]+$/, '') : first;
    const skipped = raw.slice(0, raw.length - first.length);
    if (!(opens && text === '')) {
      yield { line: line + countNewlines(skipped), text, opens, closes };
      opens = false;
    }
    if (closes) opens = true;
    line += countNewlines(raw);
    held = held.slice(until);
  }
  for await (const text of readText(path)) {
    held += text;
    if (separator !== undefined) {
      for (let at = held.indexOf(separator); at >= 0; at = held.indexOf(separator)) {
        yield* emit(at, true);
        line += countNewlines(separator);
        held = held.slice(separator.length);
      }
    }
    if (held.length >= PART_CHARACTERS) {
      // never inside what may turn out to be a separator
      const cut = held.lastIndexOf('\n', held.length - (separator?.length ?? 1));
      if (cut > 0) yield* emit(cut + 1, false);
    }
  }
  yield* emit(held.length, true);
}

function countNewlines(text: string): number {
  let count = 0;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) count += 1;
  return count;
}
