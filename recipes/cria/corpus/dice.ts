// Chance for the corpus: a stream of draws that is a function of (seed, document), so that any document
// can be made again alone and in any order.
import { invariant } from '../../../src/base/invariant.ts';
import { philox } from '../../../src/base/random.ts';

/** Draws for one document. */
export class Dice {
  readonly #key: readonly [number, number];
  readonly #document: number;
  #count = 0;
  #words: readonly number[] = [];

  constructor(seed: number, document: number) {
    this.#key = [seed >>> 0, 0x63726961]; // "cria": apart from any other use of the same seed
    this.#document = document;
  }

  /** A number in [0, 1) with 32 random bits. */
  next(): number {
    const at = this.#count++ & 3;
    if (at === 0) this.#words = philox([this.#count >>> 2, this.#document, 0, 0], this.#key);
    return (this.#words[at] as number) / 2 ** 32;
  }

  /** An integer from `low` to `high`, both included. */
  integer(low: number, high: number): number {
    return low + Math.floor(this.next() * (high - low + 1));
  }

  /** True with this probability. */
  chance(probability: number): boolean {
    return this.next() < probability;
  }

  /** One of these, all equally likely. */
  pick<Item>(items: readonly Item[]): Item {
    invariant(items.length > 0, 'nothing to pick from');
    return items[Math.floor(this.next() * items.length)] as Item;
  }

  /** One of these, likely in proportion to its weight. */
  weighted<Item>(items: readonly (readonly [Item, number])[]): Item {
    let rest = this.next() * items.reduce((sum, [, weight]) => sum + weight, 0);
    for (const [item, weight] of items) {
      rest -= weight;
      if (rest < 0) return item;
    }
    return (items.at(-1) as readonly [Item, number])[0];
  }

  /** A copy in random order. */
  shuffle<Item>(items: readonly Item[]): Item[] {
    const left = [...items];
    for (let at = left.length - 1; at > 0; at--) {
      const other = this.integer(0, at);
      [left[at], left[other]] = [left[other] as Item, left[at] as Item];
    }
    return left;
  }
}
