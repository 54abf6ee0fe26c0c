// Keeps control strings in users' text from becoming control tokens: before a template sees a text,
// each is replaced by one private-use character that occurs nowhere in the conversation, and comes
// back as ordinary text after the control strings of the template itself have been found.
import { errors } from '../base/errors.ts';
import { findStrings, type StringFinder } from './control-strings.ts';
import type { TokenId } from './tokenizer.ts';

// the private-use areas: 6,400 characters in the basic plane, then planes 15 and 16
const AREAS = [
  [0xe000, 0xf8ff],
  [0xf0000, 0xffffd],
  [0x100000, 0x10fffd],
] as const;

// control strings are some ten characters; bounds the square of the length of a damaged file's
const MAX_EDGE = 64;

/** The control strings of a tokenizer, prepared once. */
interface ControlStrings {
  readonly finder: StringFinder;
  /** Proper beginnings and ends of control strings. */
  readonly openings: ReadonlySet<string>;
  readonly endings: ReadonlySet<string>;
  readonly longestEdge: number;
  readonly privateUse: ReadonlySet<string>;
}

const prepared = new WeakMap<ReadonlyMap<string, TokenId>, ControlStrings>();

function prepare(controls: ReadonlyMap<string, TokenId>): ControlStrings {
  const known = prepared.get(controls);
  if (known) return known;
  const openings = new Set<string>();
  const endings = new Set<string>();
  let longestEdge = 0;
  for (const control of controls.keys()) {
    const edge = Math.min(control.length - 1, MAX_EDGE);
    longestEdge = Math.max(longestEdge, edge);
    for (let length = 1; length <= edge; length++) {
      openings.add(control.slice(0, length));
      endings.add(control.slice(-length));
    }
  }
  const strings: ControlStrings = {
    finder: findStrings(controls),
    openings,
    endings,
    longestEdge,
    privateUse: privateUseIn(controls.keys()),
  };
  prepared.set(controls, strings);
  return strings;
}

function privateUseIn(texts: Iterable<string>): Set<string> {
  const found = new Set<string>();
  for (const text of texts) {
    for (const [character] of text.matchAll(/\p{Co}/gu)) found.add(character);
  }
  return found;
}

/** Stand-ins for one conversation. */
export class StandIns {
  readonly #controls: ControlStrings;
  readonly #taken: ReadonlySet<string>;
  readonly #byText = new Map<string, string>();
  readonly #byStandIn = new Map<string, string>();
  #area = 0;
  #next: number = AREAS[0][0];

  /**
   * Stand-ins for these control strings that are no characters of `texts`: give everything that the
   * template will see, the template included.
   */
  constructor(controls: ReadonlyMap<string, TokenId>, texts: Iterable<string>) {
    this.#controls = prepare(controls);
    this.#taken = new Set([...this.#controls.privateUse, ...privateUseIn(texts)]);
  }

  /** A fresh private-use character that stands for nothing. */
  mark(): string {
    for (let area = AREAS[this.#area]; area; area = AREAS[this.#area]) {
      while (this.#next <= area[1]) {
        const character = String.fromCodePoint(this.#next);
        this.#next += 1;
        if (!this.#taken.has(character)) return character;
      }
      this.#area += 1;
      this.#next = AREAS[this.#area]?.[0] ?? 0;
    }
    throw errors.CHAT_INVALID({
      reason: 'its messages use every private-use character, so none is left to stand for others',
    });
  }

  /** The text with each control string replaced, and with edges that could become part of one. */
  protect(raw: string): string {
    const text = raw.toWellFormed();
    let safe = '';
    let from = 0;
    for (
      let found = this.#controls.finder.next(text, 0);
      found;
      found = this.#controls.finder.next(text, from)
    ) {
      safe += text.slice(from, found.start) + this.#standFor(text.slice(found.start, found.end));
      from = found.end;
    }
    return this.#protectEdges(safe + text.slice(from));
  }

  /** Puts the replaced strings back. */
  restore(text: string): string {
    if (this.#byStandIn.size === 0) return text;
    return text.replace(/\p{Co}/gu, (character) => this.#byStandIn.get(character) ?? character);
  }

  // A message that ends in `<|eot_` before a template's `id|>`, or begins with the rest of one, would
  // make a control string with the template's help. Templates trim, so the trimmed edges count.
  #protectEdges(text: string): string {
    const trimmed = text.trim();
    if (trimmed === '') return text;
    const lead = text.indexOf(trimmed);
    const { openings, endings, longestEdge } = this.#controls;
    let body = trimmed;
    for (let length = Math.min(longestEdge, body.length); length > 0; length--) {
      if (openings.has(body.slice(-length))) {
        body = this.#replaceCharacter(body, body.length - length);
      }
    }
    for (let length = Math.min(longestEdge, body.length); length > 0; length--) {
      if (endings.has(body.slice(0, length))) {
        body = this.#replaceCharacter(body, length - 1);
      }
    }
    return text.slice(0, lead) + body + text.slice(lead + trimmed.length);
  }

  /** The whole character that `at` lies in becomes a stand-in. */
  #replaceCharacter(text: string, at: number): string {
    const unit = text.charCodeAt(at);
    const start = unit >= 0xdc00 && unit < 0xe000 ? at - 1 : at;
    const character = String.fromCodePoint(text.codePointAt(start) as number);
    return text.slice(0, start) + this.#standFor(character) + text.slice(start + character.length);
  }

  #standFor(text: string): string {
    let standIn = this.#byText.get(text);
    if (standIn === undefined) {
      standIn = this.mark();
      this.#byText.set(text, standIn);
      this.#byStandIn.set(standIn, text);
    }
    return standIn;
  }
}
