// A queue between one producer and one async iterator. Nothing is dropped; a failure reaches the
// consumer after what came before it; a consumer that leaves is noticed at once.
import { invariant } from './invariant.ts';

/** Push on one side, `for await` on the other, once. */
export class AsyncQueue<T> implements AsyncIterable<T> {
  readonly #items: T[] = [];
  readonly #onReturn: () => void;
  #end: { readonly error?: unknown } | undefined;
  #waiting: PromiseWithResolvers<IteratorResult<T, undefined>> | undefined;
  #iterated = false;

  /** `onReturn` is called once when the consumer leaves before the end. */
  constructor(onReturn: () => void = () => {}) {
    this.#onReturn = onReturn;
  }

  /** Adds an item; after the end it does nothing. */
  push(item: T): void {
    if (this.#end !== undefined) return;
    this.#items.push(item);
    this.#serve();
  }

  /** No more items; with an error, iteration throws it after the last item. */
  end(failure?: { readonly error: unknown }): void {
    this.#end ??= failure ?? {};
    this.#serve();
  }

  [Symbol.asyncIterator](): AsyncIterator<T, undefined> {
    invariant(!this.#iterated, 'a queue has one consumer');
    this.#iterated = true;
    return {
      next: () => {
        invariant(this.#waiting === undefined, 'a consumer asks for one item at a time');
        const waiting = Promise.withResolvers<IteratorResult<T, undefined>>();
        this.#waiting = waiting;
        this.#serve();
        return waiting.promise;
      },
      return: async () => {
        const left = this.#end === undefined;
        this.#items.length = 0;
        this.#end = {};
        this.#serve();
        if (left) this.#onReturn();
        return { value: undefined, done: true };
      },
    };
  }

  // Gives whoever waits the next item, or the end.
  #serve(): void {
    const waiting = this.#waiting;
    if (waiting === undefined) return;
    const end = this.#end;
    if (this.#items.length > 0) {
      waiting.resolve({ value: this.#items.shift() as T, done: false });
    } else if (end === undefined) {
      return;
    } else if ('error' in end) {
      waiting.reject(end.error);
      this.#end = {};
    } else {
      waiting.resolve({ value: undefined, done: true });
    }
    this.#waiting = undefined;
  }
}
