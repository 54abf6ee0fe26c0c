// Rows of a JSON data set, streamed: one value a line, or the elements of one top-level array. A row
// that is no JSON is handed on with the reason; what to do about it is the caller's choice.
import { errors } from '../../base/errors.ts';
import { messageOf } from '../../base/message-of.ts';
import { readLines, readText } from './read-text.ts';

// far above any conversation; bounds what an unclosed string can make us hold
const MAX_ROW_CHARACTERS = 2 ** 26;

/** A row, or why it is none. `line` counts from 1. */
export type JsonRow =
  | { readonly line: number; readonly value: unknown }
  | { readonly line: number; readonly reason: string };

/** Reads rows. A file whose first character is `[` is an array, every other has one value a line. */
export async function* readJsonRows(path: string): AsyncGenerator<JsonRow> {
  if (await beginsWithBracket(path)) yield* readArray(path);
  else {
    for await (const { number, text } of readLines(path)) {
      if (text.trim() !== '') yield parseRow(text, number);
    }
  }
}

async function beginsWithBracket(path: string): Promise<boolean> {
  for await (const text of readText(path)) {
    const start = text.trimStart();
    if (start !== '') return start.startsWith('[');
  }
  return false;
}

function parseRow(text: string, line: number): JsonRow {
  try {
    return { line, value: JSON.parse(text) as unknown };
  } catch (cause) {
    const reason = messageOf(cause);
    return { line, reason: `it is not JSON (${reason.replaceAll(/\s+/g, ' ').slice(0, 120)})` };
  }
}

/** Elements of an array, told apart by depth and quotes; each is then parsed by itself. */
async function* readArray(path: string): AsyncGenerator<JsonRow> {
  const scanner = new ArrayScanner();
  let held = '';
  // line where `held` begins: just after a bracket or a comma
  let line = 1;
  const take = (text: string): JsonRow => {
    const lead = text.length - text.trimStart().length;
    const row = parseRow(text, line + countNewlines(text.slice(0, lead)));
    line += countNewlines(text);
    return row;
  };
  for await (const text of readText(path)) {
    let from = 0;
    for (let at = 0; at < text.length; at++) {
      const event = scanner.push(text[at] as string);
      if (event === undefined) continue;
      const element = held + text.slice(from, at);
      held = '';
      from = at + 1;
      if (event === 'begins') line += countNewlines(element);
      else if (event === 'divides' || element.trim() !== '') yield take(element);
    }
    held += text.slice(from);
    if (held.length > MAX_ROW_CHARACTERS) {
      const reason = `it has more than ${MAX_ROW_CHARACTERS} characters`;
      throw errors.DATA_ROW_INVALID({ path, line, reason });
    }
  }
  if (!scanner.ended) yield { line, reason: 'the array does not end' };
  else if (held.trim() !== '') yield { line, reason: 'there is more after the end of the array' };
}

/** Follows brackets and strings of one array, character by character. */
class ArrayScanner {
  #depth = 0;
  #inString = false;
  #escaped = false;
  ended = false;

  /** Does this character begin the array, divide two elements, or end it? */
  push(character: string): 'begins' | 'divides' | 'ends' | undefined {
    if (this.ended) return undefined;
    if (this.#inString) {
      if (this.#escaped) this.#escaped = false;
      else if (character === '\\') this.#escaped = true;
      else if (character === '"') this.#inString = false;
      return undefined;
    }
    switch (character) {
      case '"':
        this.#inString = true;
        return undefined;
      case '[':
      case '{':
        this.#depth += 1;
        return this.#depth === 1 ? 'begins' : undefined;
      case ']':
      case '}':
        this.#depth -= 1;
        this.ended = this.#depth === 0;
        return this.ended ? 'ends' : undefined;
      case ',':
        return this.#depth === 1 ? 'divides' : undefined;
      default:
        return undefined;
    }
  }
}

function countNewlines(text: string): number {
  let count = 0;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) count += 1;
  return count;
}
