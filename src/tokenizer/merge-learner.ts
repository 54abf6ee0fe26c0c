// Learns byte-pair merges over counted words: always the pair that occurs most often, with counts kept
// up to date merge by merge (Sennrich et al., arXiv 1508.07909, made incremental). Equal corpora give
// equal merges. Knows nothing of vocabularies: symbols are strings with numbers.
import { MergeRules } from './merge-rules.ts';
import { PairQueue } from './pair-queue.ts';

const SPACE = '\u2581';
const NONE = -1;
// what a pair is that must never merge
const FORBIDDEN = -2;

/** A word as symbols, with its count. A negative symbol never merges. */
export interface LearnerWord {
  readonly symbols: Int32Array | readonly number[];
  readonly count: number;
}

/** What a learner starts from. */
export interface LearnerOptions {
  /** The strings of symbols 0, 1, 2 … */
  readonly symbols: readonly string[];
  /** Symbols that are results already: a pair that makes one of these merges at once. */
  readonly made: ReadonlyMap<string, number>;
  readonly words: readonly LearnerWord[];
  /** Longest result in characters. */
  readonly maxLength: number;
}

/** The state of learning; `step` makes one new symbol. */
export class MergeLearner {
  readonly #texts: string[];
  readonly #lengths: number[];
  readonly #made: Map<string, number>;
  readonly #maxLength: number;
  // every place of every word: its symbol, its neighbours in the word, the count of the word
  readonly #symbols: Int32Array;
  readonly #next: Int32Array;
  readonly #previous: Int32Array;
  readonly #counts: Float64Array;
  // pairs by number; `#pairs` finds the number
  readonly #pairs = new MergeRules(1 << 16);
  readonly #left: number[] = [];
  readonly #right: number[] = [];
  readonly #pairCounts: number[] = [];
  /** What a pair makes: NONE as long as that is no symbol yet. */
  readonly #results: number[] = [];
  /** Latest place seen of each pair, then along `#older`: places may have changed since. */
  readonly #latest: number[] = [];
  readonly #places: Int32Array;
  readonly #older: Int32Array;
  #placeCount = 0;
  readonly #queue: PairQueue;
  /** Pairs whose result exists: merged before anything else is chosen, as encoding will. */
  #due = new Set<number>();

  constructor({ symbols, made, words, maxLength }: LearnerOptions) {
    this.#texts = [...symbols];
    this.#lengths = symbols.map(countCharacters);
    this.#made = new Map(made);
    this.#maxLength = maxLength;
    let size = 0;
    for (const word of words) size += word.symbols.length;
    this.#symbols = new Int32Array(size);
    this.#next = new Int32Array(size);
    this.#previous = new Int32Array(size);
    this.#counts = new Float64Array(size);
    // each merge takes one symbol away and makes at most two new pairs
    this.#places = new Int32Array(size * 3);
    this.#older = new Int32Array(size * 3);
    this.#queue = new PairQueue({
      countOf: (pair) => this.#pairCounts[pair] as number,
      comesBefore: (a, b) => this.#comesBefore(a, b),
    });
    let at = 0;
    for (const { symbols: word, count } of words) {
      const end = at + word.length;
      for (let i = 0; at < end; i++, at++) {
        this.#symbols[at] = word[i] as number;
        this.#previous[at] = i === 0 ? NONE : at - 1;
        this.#next[at] = at + 1 < end ? at + 1 : NONE;
        this.#counts[at] = count;
        if (i > 0) this.#addPair(at - 1, at);
      }
    }
    this.#queue.settle();
    this.#mergeDue();
  }

  /** Makes a symbol of the pair that occurs most often, at least `minimum` times; its string, or undefined. */
  step(minimum: number): string | undefined {
    const pair = this.#queue.take(minimum);
    if (pair === undefined) return undefined;
    const text = this.#textOf(pair);
    const symbol = this.#texts.length;
    this.#texts.push(text);
    this.#lengths.push(this.#lengthOf(pair));
    this.#made.set(text, symbol);
    // other pairs that spell the same string: encoding makes the new piece of those, too
    const places = this.#placesOf(pair);
    for (let cut = 1; cut < text.length; cut++) {
      const other = this.#findPair(text.slice(0, cut), text.slice(cut));
      if (other < 0) continue;
      this.#results[other] = symbol;
      if (other !== pair) for (const place of this.#placesOf(other)) places.push(place);
    }
    this.#merge(places, symbol);
    this.#mergeDue();
    return text;
  }

  #mergeDue(): void {
    while (this.#due.size > 0) {
      const due = this.#due;
      this.#due = new Set();
      for (const pair of due) this.#merge(this.#placesOf(pair), this.#results[pair] as number);
    }
  }

  #merge(places: number[], symbol: number): void {
    // leftmost first, as encoding does: it matters in runs of one letter
    places.sort((a, b) => a - b);
    for (const at of places) {
      const after = this.#next[at] as number;
      if (after < 0 || this.#resultAt(at, after) !== symbol) continue;
      const before = this.#previous[at] as number;
      const beyond = this.#next[after] as number;
      this.#dropPair(at, after);
      if (before >= 0) this.#dropPair(before, at);
      if (beyond >= 0) this.#dropPair(after, beyond);
      this.#symbols[at] = symbol;
      this.#symbols[after] = NONE;
      this.#next[after] = NONE;
      this.#next[at] = beyond;
      if (beyond >= 0) this.#previous[beyond] = at;
      if (before >= 0) this.#addPair(before, at);
      if (beyond >= 0) this.#addPair(at, beyond);
    }
    this.#queue.settle();
  }

  #resultAt(at: number, after: number): number {
    const pair = this.#pairAt(at, after);
    return pair < 0 ? NONE : (this.#results[pair] as number);
  }

  #pairAt(at: number, after: number): number {
    const slot = this.#pairs.find(this.#symbols[at] as number, this.#symbols[after] as number);
    return slot < 0 ? NONE : this.#pairs.resultAt(slot);
  }

  #findPair(left: string, right: string): number {
    const [first, second] = [this.#made.get(left), this.#made.get(right)];
    if (first === undefined || second === undefined) return NONE;
    const slot = this.#pairs.find(first, second);
    return slot < 0 ? NONE : this.#pairs.resultAt(slot);
  }

  #dropPair(at: number, after: number): void {
    const pair = this.#pairAt(at, after);
    if (pair < 0) return;
    this.#pairCounts[pair] = (this.#pairCounts[pair] as number) - (this.#counts[at] as number);
  }

  #addPair(at: number, after: number): void {
    const left = this.#symbols[at] as number;
    const right = this.#symbols[after] as number;
    if (left < 0 || right < 0) return;
    const slot = this.#pairs.find(left, right);
    const pair = slot < 0 ? this.#newPair(left, right) : this.#pairs.resultAt(slot);
    if (pair < 0) return;
    this.#pairCounts[pair] = (this.#pairCounts[pair] as number) + (this.#counts[at] as number);
    this.#places[this.#placeCount] = at;
    this.#older[this.#placeCount] = this.#latest[pair] as number;
    this.#latest[pair] = this.#placeCount;
    this.#placeCount += 1;
    if (this.#results[pair] === NONE) this.#queue.grew(pair);
    else this.#due.add(pair);
  }

  #newPair(left: number, right: number): number {
    const pair = this.#left.length;
    const isAllowed = this.#allows(left, right);
    this.#pairs.add(left, right, isAllowed ? pair : FORBIDDEN, 0);
    if (!isAllowed) return FORBIDDEN;
    this.#left.push(left);
    this.#right.push(right);
    this.#pairCounts.push(0);
    this.#results.push(this.#made.get(this.#textOf(pair)) ?? NONE);
    this.#latest.push(NONE);
    return pair;
  }

  #allows(left: number, right: number): boolean {
    const length = (this.#lengths[left] as number) + (this.#lengths[right] as number);
    if (length > this.#maxLength) return false;
    // a piece has one space, at its start, or nothing but spaces
    const [first, second] = [this.#texts[left] as string, this.#texts[right] as string];
    const isSpaces = (text: string): boolean =>
      text.startsWith(SPACE) && text.replaceAll(SPACE, '') === '';
    if (second.startsWith(SPACE)) return isSpaces(first) && isSpaces(second);
    return first === SPACE || !isSpaces(first);
  }

  #placesOf(pair: number): number[] {
    const places: number[] = [];
    let place = this.#latest[pair] as number;
    while (place >= 0) {
      places.push(this.#places[place] as number);
      place = this.#older[place] as number;
    }
    this.#latest[pair] = NONE;
    return places;
  }

  #textOf(pair: number): string {
    const [left, right] = [this.#left[pair] as number, this.#right[pair] as number];
    return (this.#texts[left] as string) + (this.#texts[right] as string);
  }

  #lengthOf(pair: number): number {
    const [left, right] = [this.#left[pair] as number, this.#right[pair] as number];
    return (this.#lengths[left] as number) + (this.#lengths[right] as number);
  }

  /** Of equal counts the shorter string comes first, then the one that sorts first: SentencePiece's order. */
  #comesBefore(a: number, b: number): boolean {
    const [lengthA, lengthB] = [this.#lengthOf(a), this.#lengthOf(b)];
    return lengthA === lengthB ? this.#textOf(a) < this.#textOf(b) : lengthA < lengthB;
  }
}

function countCharacters(text: string): number {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}
