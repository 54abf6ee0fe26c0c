// Which two symbols next to each other become which one, and in what order: the rules of byte-pair
// encoding as a hash table over pairs of symbol numbers. Knows nothing of text.
import { invariant } from '../base/invariant.ts';

const EMPTY = -1;

/** Rules by pair. Ranks are small integers; the lowest rank is merged first. */
export class MergeRules {
  #left: Int32Array;
  #right: Int32Array;
  #result: Int32Array;
  #rank: Int32Array;
  #mask: number;
  #count = 0;

  /** A table that holds `expected` rules before it has to grow. */
  constructor(expected: number) {
    let capacity = 16;
    while (capacity < expected * 2) capacity *= 2;
    this.#mask = capacity - 1;
    this.#left = new Int32Array(capacity).fill(EMPTY);
    this.#right = new Int32Array(capacity);
    this.#result = new Int32Array(capacity);
    this.#rank = new Int32Array(capacity);
  }

  get count(): number {
    return this.#count;
  }

  /** Adds a rule; of two for one pair the lower rank stays. */
  add(left: number, right: number, result: number, rank: number): void {
    invariant(left >= 0 && right >= 0 && rank >= 0, 'a merge rule has negative numbers');
    if (this.#count * 2 >= this.#left.length) this.#grow();
    let slot = this.#hash(left, right);
    while (this.#left[slot] !== EMPTY) {
      if (this.#left[slot] === left && this.#right[slot] === right) {
        if (rank >= (this.#rank[slot] as number)) return;
        this.#result[slot] = result;
        this.#rank[slot] = rank;
        return;
      }
      slot = (slot + 1) & this.#mask;
    }
    this.#left[slot] = left;
    this.#right[slot] = right;
    this.#result[slot] = result;
    this.#rank[slot] = rank;
    this.#count += 1;
  }

  /** The slot of the rule for this pair, or -1. Negative symbols have no rules. */
  find(left: number, right: number): number {
    if (left < 0 || right < 0) return EMPTY;
    let slot = this.#hash(left, right);
    for (;;) {
      const found = this.#left[slot];
      if (found === EMPTY) return EMPTY;
      if (found === left && this.#right[slot] === right) return slot;
      slot = (slot + 1) & this.#mask;
    }
  }

  rankAt(slot: number): number {
    return this.#rank[slot] as number;
  }

  resultAt(slot: number): number {
    return this.#result[slot] as number;
  }

  #hash(left: number, right: number): number {
    const mixed = Math.imul(left, 0x9e3779b1) ^ Math.imul(right, 0x85ebca6b);
    return (mixed ^ (mixed >>> 15)) & this.#mask;
  }

  #grow(): void {
    const [left, right, result, rank] = [this.#left, this.#right, this.#result, this.#rank];
    const capacity = left.length * 2;
    this.#mask = capacity - 1;
    this.#left = new Int32Array(capacity).fill(EMPTY);
    this.#right = new Int32Array(capacity);
    this.#result = new Int32Array(capacity);
    this.#rank = new Int32Array(capacity);
    this.#count = 0;
    for (let i = 0; i < left.length; i++) {
      if (left[i] === EMPTY) continue;
      this.add(left[i] as number, right[i] as number, result[i] as number, rank[i] as number);
    }
  }
}
