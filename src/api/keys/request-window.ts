// At most so many requests in any stretch of time of a given length, wherever it begins. The clock is an argument.

const compactFrom = 1024;

/** How a window is made. */
export interface RequestWindowOptions {
  /** Requests in one stretch. */
  readonly limit: number;
  readonly windowMs: number;
}

/** The requests of one caller. Times are milliseconds that never fall. */
export class RequestWindow {
  readonly limit: number;
  readonly #windowMs: number;
  // Times of what was let in and still counts, from #first on, in order.
  #times: number[] = [];
  #first = 0;

  constructor({ limit, windowMs }: RequestWindowOptions) {
    this.limit = limit;
    this.#windowMs = windowMs;
  }

  /** Lets a request in and counts it. Where it may not come in, gives the time to wait, above 0; it is not counted. */
  take(at: number): number {
    this.#forget(at);
    const waitMs = this.#waitMs(at);
    if (waitMs === 0) this.#times.push(at);
    return waitMs;
  }

  /** Requests that would be let in now. */
  remaining(at: number): number {
    this.#forget(at);
    return this.limit - (this.#times.length - this.#first);
  }

  /** Milliseconds until nothing counts any more. */
  resetMs(at: number): number {
    this.#forget(at);
    const last = this.#times.at(-1);
    return last === undefined || this.#first === this.#times.length ? 0 : this.#left(last, at);
  }

  #waitMs(at: number): number {
    const oldest = this.#times[this.#times.length - this.limit];
    if (this.#times.length - this.#first < this.limit || oldest === undefined) return 0;
    return this.#left(oldest, at);
  }

  #left(time: number, at: number): number {
    return time + this.#windowMs - at;
  }

  #forget(at: number): void {
    while (this.#first < this.#times.length && this.#isOver(this.#times[this.#first], at)) {
      this.#first++;
    }
    if (this.#first < compactFrom || this.#first * 2 < this.#times.length) return;
    this.#times = this.#times.slice(this.#first);
    this.#first = 0;
  }

  #isOver(time: number | undefined, at: number): boolean {
    return time === undefined || this.#left(time, at) <= 0;
  }
}
