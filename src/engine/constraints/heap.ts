// A binary heap of numbers by cost: what Dijkstra's kind of search takes its next from.

/** The cheapest item comes out first, the earlier one among equals of one key. */
export class Heap {
  readonly #costs: number[] = [];
  readonly #items: number[] = [];

  get size(): number {
    return this.#items.length;
  }

  push(item: number, cost: number): void {
    let at = this.#items.length;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if ((this.#costs[parent] as number) <= cost) break;
      this.#move(parent, at);
      at = parent;
    }
    this.#items[at] = item;
    this.#costs[at] = cost;
  }

  /** Takes the cheapest out. There must be one. */
  pop(): number {
    const top = this.#items[0] as number;
    const item = this.#items.pop() as number;
    const cost = this.#costs.pop() as number;
    const size = this.#items.length;
    if (size === 0) return top;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= size) break;
      const right = child + 1;
      if (right < size && (this.#costs[right] as number) < (this.#costs[child] as number))
        child = right;
      if ((this.#costs[child] as number) >= cost) break;
      this.#move(child, at);
      at = child;
    }
    this.#items[at] = item;
    this.#costs[at] = cost;
    return top;
  }

  #move(from: number, to: number): void {
    this.#items[to] = this.#items[from] as number;
    this.#costs[to] = this.#costs[from] as number;
  }
}
