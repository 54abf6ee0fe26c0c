// Times one request and tells the observer. The clock is an argument; seconds.
import type { EngineObserver, RequestKind, RequestReport, RequestTimings } from './observer.ts';
import type { Priority } from './request-scope.ts';

/** What a timer needs to know of its request. */
export interface TimedRequest {
  readonly kind: RequestKind;
  readonly priority: Priority;
  readonly promptTokens: number;
}

/** Started when it is made; the first end counts. */
export class RequestTimer {
  readonly #request: TimedRequest;
  readonly #now: () => number;
  readonly #observer: EngineObserver;
  readonly #startedAt: number;
  #servedAt: number | undefined;
  #firstTokenAt: number | undefined;
  #lastTokenAt = 0;
  #tokens = 0;
  #timings: RequestTimings | undefined;

  constructor(request: TimedRequest, now: () => number, observer: EngineObserver) {
    this.#request = request;
    this.#now = now;
    this.#observer = observer;
    this.#startedAt = now();
  }

  /** Its first rows go into a step; later calls do nothing. */
  serve(): void {
    this.#servedAt ??= this.#now();
  }

  /** A token of the answer is there. */
  token(): void {
    const at = this.#now();
    this.#tokens++;
    if (this.#firstTokenAt === undefined) {
      this.#firstTokenAt = at;
      this.#observer.onFirstToken?.(at - this.#startedAt);
    } else {
      this.#observer.onInterToken?.(at - this.#lastTokenAt);
    }
    this.#lastTokenAt = at;
  }

  /** Nothing more comes. Gives the times, at every call those of the first. */
  end(finishReason: RequestReport['finishReason'], cachedTokens: number): RequestTimings {
    if (this.#timings !== undefined) return this.#timings;
    const at = this.#now();
    const first = this.#firstTokenAt;
    this.#timings = {
      queueSeconds: (this.#servedAt ?? at) - this.#startedAt,
      firstTokenSeconds: first === undefined ? undefined : first - this.#startedAt,
      totalSeconds: at - this.#startedAt,
    };
    this.#observer.onEnd?.({
      ...this.#request,
      ...this.#timings,
      cachedTokens,
      completionTokens: this.#tokens,
      finishReason,
    });
    return this.#timings;
  }
}
