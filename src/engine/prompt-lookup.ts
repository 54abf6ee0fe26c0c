// Guesses what follows from the text itself: where its last tokens stood before, what came after them
// there may come again (prompt lookup, github.com/apoorvumang/prompt-lookup-decoding). Earlier places are
// found as zlib finds matches: chains of positions that end in the same two tokens.
import type { TokenId } from '../tokenizer/tokenizer.ts';
import type { GuessSource, Prospect } from './speculator.ts';

// Tokens that must agree; two that agree by chance cost a guess or two until that is noticed.
const pair = 2;
// Longer matches are no better; bounds the comparing.
const longestMatch = 16;
const placesTried = 16;

// Where matches of another strength begin, and how often guesses after them may be right: a first idea.
const strengths = [
  { length: 2, rate: 0.35 },
  { length: 3, rate: 0.5 },
  { length: 4, rate: 0.65 },
  { length: 8, rate: 0.85 },
] as const;

/** Looks up one growing text. */
export class PromptLookup implements GuessSource {
  readonly isFree = true;
  readonly expectedRates: readonly number[] = strengths.map(({ rate }) => rate);
  readonly #tokens: readonly TokenId[];
  /** By two tokens: the position after their latest occurrence. */
  readonly #latest = new Map<number, number>();
  /** By such a position: the one before with the same two tokens; 0 for none. */
  readonly #earlier: number[] = [];
  #indexed = pair;
  #place = 0;

  /** `tokens` may grow. */
  constructor(tokens: readonly TokenId[]) {
    this.#tokens = tokens;
  }

  look(): Prospect | undefined {
    const end = this.#tokens.length;
    if (end < pair) return undefined;
    for (; this.#indexed < end; this.#indexed++) {
      const key = this.#keyAt(this.#indexed);
      this.#earlier[this.#indexed] = this.#latest.get(key) ?? 0;
      this.#latest.set(key, this.#indexed);
    }
    let longest = 0;
    let place = this.#latest.get(this.#keyAt(end)) ?? 0;
    for (let tried = 0; place > 0 && tried < placesTried && longest < longestMatch; tried++) {
      const length = this.#matchAt(place);
      // Of equal matches the latest: texts go on as they lately did.
      if (length > longest) [longest, this.#place] = [length, place];
      place = this.#earlier[place] ?? 0;
    }
    if (longest === 0) return undefined;
    return { strength: strengths.findLastIndex(({ length }) => length <= longest) };
  }

  /** Where the earlier place runs into the end of the text, what was guessed repeats. */
  guess(count: number): TokenId[] {
    const known = this.#tokens.length - this.#place;
    const guessed: TokenId[] = [];
    for (let i = 0; i < count; i++) {
      const id = i < known ? this.#tokens[this.#place + i] : guessed[i - known];
      guessed.push(id as TokenId);
    }
    return guessed;
  }

  #keyAt(end: number): number {
    return (this.#tokens[end - 2] as number) * 2 ** 26 + (this.#tokens[end - 1] as number);
  }

  // Tokens before `place` that equal the last tokens of the text.
  #matchAt(place: number): number {
    const end = this.#tokens.length;
    const most = Math.min(longestMatch, place);
    let length = 0;
    while (length < most && this.#tokens[place - 1 - length] === this.#tokens[end - 1 - length]) {
      length++;
    }
    return length;
  }
}
