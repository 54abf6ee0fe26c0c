// Counts the words of a corpus for learning pieces. A word is as far as one piece may reach: it ends
// at spaces, newlines, digits and changes of script, so that what is learned later never crosses them.
// Memory grows with the number of different words, not with the text.
import { findStrings, type StringFinder } from './control-strings.ts';
import { characterClass, classOf } from './scripts.ts';

const SPACE = 0x2581;
const NEWLINE = 0x0a;
const NOTHING = '\0';
// class of a word that has only spaces so far, or nothing
const SPACES = -1;
// class of a character that is always a word of its own
const ALONE = -2;

/** Where words end, besides spaces and newlines. */
export interface WordOptions {
  /** Each digit is a word of its own. Default true, as in Llama's tokenizer. */
  readonly splitDigits?: boolean;
  /** Words end where the script changes, also between letters and punctuation. Default true. */
  readonly splitScripts?: boolean;
  /** Every text begins with a space, as SentencePiece's dummy prefix makes it. Default true. */
  readonly dummyPrefix?: boolean;
  /** Strings that are pieces already: they are cut out of the text. */
  readonly symbols?: readonly string[];
}

/** Words of a corpus and how often each occurs. Spaces are U+2581, as in pieces. */
export class WordCounts {
  /** Words of two characters and more. */
  readonly words: Map<string, number> = new Map();
  /** How often each character occurs, spaces (dummy ones too) and newlines included. */
  readonly characters: Map<string, number> = new Map();
  /** UTF-8 bytes of the texts. */
  bytes = 0;
  readonly dummyPrefix: boolean;
  readonly #splitDigits: boolean;
  readonly #splitScripts: boolean;
  readonly #symbols: StringFinder;
  readonly #codes: number[] = [];

  constructor(options: WordOptions = {}) {
    const { splitDigits = true, splitScripts = true, dummyPrefix = true, symbols = [] } = options;
    this.#symbols = findStrings(new Map(symbols.map((symbol, id) => [symbol, id])));
    this.#splitDigits = splitDigits;
    this.#splitScripts = splitScripts;
    this.dummyPrefix = dummyPrefix;
  }

  /**
   * Adds a text. A long one may come in parts that end at newlines: `start: 'continuation'` for all
   * but the first.
   */
  add(raw: string, start: 'text' | 'continuation' = 'text'): void {
    if (raw === '') return;
    this.bytes += Buffer.byteLength(raw);
    // what a literal U+2581 is to encoding, too: no character that a piece can have
    const whole = raw.toWellFormed().replaceAll('\u2581', NOTHING);
    const text = start === 'text' && this.dummyPrefix ? ` ${whole}` : whole;
    let from = 0;
    // symbols may have spaces, so they are looked for before those are replaced
    for (let found = this.#symbols.next(text, 0); found; ) {
      this.#addStretch(text.slice(from, found.start));
      from = found.end;
      found = this.#symbols.next(text, from);
    }
    this.#addStretch(from === 0 ? text : text.slice(from));
  }

  #addStretch(stretch: string): void {
    const text = stretch.replaceAll(' ', '\u2581');
    let from = 0;
    let last: number = SPACES;
    for (let at = 0; at < text.length; ) {
      const point = text.codePointAt(at) as number;
      const next = at + (point > 0xffff ? 2 : 1);
      const own = point === SPACE ? SPACES : this.#classOf(point);
      const joins =
        own !== ALONE &&
        (last === SPACES || own === last || isInherited(own) || (isInherited(last) && own >= 0));
      if (!joins && at > from) {
        this.#take(text, from, at);
        from = at;
      }
      if (own === ALONE) {
        this.#take(text, at, next);
        from = next;
      }
      // a combining mark takes the class of what it stands on
      if (!(isInherited(own) && last >= 0)) last = own === ALONE ? SPACES : own;
      at = next;
    }
    if (from < text.length) this.#take(text, from, text.length);
  }

  #classOf(point: number): number {
    if (point === NEWLINE || point === 0) return ALONE;
    const found = classOf(point);
    if (found === characterClass.digit) return this.#splitDigits ? ALONE : this.#class(found);
    return this.#class(found);
  }

  #class(found: number): number {
    if (found === characterClass.inherited) return found;
    if (!this.#splitScripts) return characterClass.other;
    return found === characterClass.digit ? characterClass.common : found;
  }

  #take(text: string, from: number, until: number): void {
    const word = text.slice(from, until);
    for (const character of word) {
      if (character === NOTHING) continue;
      this.characters.set(character, (this.characters.get(character) ?? 0) + 1);
    }
    if (until - from < 2) return;
    const before = this.words.get(word);
    if (before !== undefined) this.words.set(word, before + 1);
    else this.words.set(this.#copy(word), 1);
  }

  // a slice would keep the whole text alive
  #copy(word: string): string {
    if (word.length > 4096) return Buffer.from(word, 'utf16le').toString('utf16le');
    const codes = this.#codes;
    codes.length = 0;
    for (let i = 0; i < word.length; i++) codes.push(word.charCodeAt(i));
    return String.fromCharCode(...codes);
  }
}

function isInherited(found: number): boolean {
  return found === characterClass.inherited;
}
