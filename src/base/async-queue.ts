// A queue between one producer and one async iterator. Nothing is dropped; a failure reaches the
// consumer after what came before it.

/** Push on one side, `for await` on the other. */
export class AsyncQueue<T> implements AsyncIterable<T> {
  readonly #items: T[] = [];
  readonly #onReturn: () => void;
  #end: { readonly error?: unknown } | undefined;
  #wake: (() => void) | undefined;

  /** `onReturn` is called when the consumer leaves before the end. */
  constructor(onReturn: () => void = () => {}) {
    this.#onReturn = onReturn;
  }

  push(item: T): void {
    this.#items.push(item);
    this.#wake?.();
  }

  /** No more items; with an error, iteration throws it after the last item. */
  end(failure?: { readonly error: unknown }): void {
    this.#end ??= failure ?? {};
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    let ended = false;
    try {
      while (true) {
        while (this.#items.length > 0) yield this.#items.shift() as T;
        if (this.#end !== undefined) {
          ended = true;
          if ('error' in this.#end) throw this.#end.error;
          return;
        }
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        this.#wake = undefined;
      }
    } finally {
      if (!ended) this.#onReturn();
    }
  }
}
