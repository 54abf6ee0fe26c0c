// The pair that occurs most often, while counts change: a heap whose entries may be out of date and
// are put right when they come up. Pairs are numbers.

/** What the queue asks about pairs. */
export interface PairOrder {
  readonly countOf: (pair: number) => number;
  /** Which of two pairs with equal counts comes first; a strict order. */
  readonly comesBefore: (a: number, b: number) => boolean;
}

/** A queue of pairs by count. */
export class PairQueue {
  readonly #order: PairOrder;
  // parallel: the pair, and its count when it was put in
  readonly #pairs: number[] = [];
  readonly #counts: number[] = [];
  readonly #grown = new Set<number>();

  constructor(order: PairOrder) {
    this.#order = order;
  }

  /** Says that the count of a pair went up: it enters anew with `settle`. */
  grew(pair: number): void {
    this.#grown.add(pair);
  }

  /** Puts in what grew, with the counts of now. */
  settle(): void {
    for (const pair of this.#grown) this.#push(pair);
    this.#grown.clear();
  }

  /** Takes out the pair with the highest count of now; undefined when none reaches `minimum`. */
  take(minimum: number): number | undefined {
    for (;;) {
      const pair = this.#pairs[0];
      const count = this.#counts[0];
      if (pair === undefined || count === undefined || count < minimum) return undefined;
      const now = this.#order.countOf(pair);
      if (now === count) {
        this.#removeFirst();
        return pair;
      }
      this.#removeFirst();
      if (now >= minimum) this.#push(pair);
    }
  }

  #push(pair: number): void {
    const count = this.#order.countOf(pair);
    let hole = this.#pairs.length;
    this.#pairs.push(pair);
    this.#counts.push(count);
    while (hole > 0) {
      const parent = (hole - 1) >> 1;
      if (!this.#before(pair, count, parent)) break;
      this.#move(parent, hole);
      hole = parent;
    }
    this.#pairs[hole] = pair;
    this.#counts[hole] = count;
  }

  #removeFirst(): void {
    const pair = this.#pairs.pop() as number;
    const count = this.#counts.pop() as number;
    const size = this.#pairs.length;
    if (size === 0) return;
    let hole = 0;
    for (;;) {
      let child = 2 * hole + 1;
      if (child >= size) break;
      const [other, otherCount] = [this.#pairs[child + 1], this.#counts[child + 1]];
      if (other !== undefined && this.#before(other, otherCount as number, child)) child += 1;
      if (this.#before(pair, count, child)) break;
      this.#move(child, hole);
      hole = child;
    }
    this.#pairs[hole] = pair;
    this.#counts[hole] = count;
  }

  #before(pair: number, count: number, slot: number): boolean {
    const otherCount = this.#counts[slot] as number;
    if (count !== otherCount) return count > otherCount;
    const other = this.#pairs[slot] as number;
    return other !== pair && this.#order.comesBefore(pair, other);
  }

  #move(from: number, to: number): void {
    this.#pairs[to] = this.#pairs[from] as number;
    this.#counts[to] = this.#counts[from] as number;
  }
}
