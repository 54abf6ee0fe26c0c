// Times one request and tells the observer. The clock is an argument; seconds.
import type { EngineObserver, RequestKind, RequestReport, RequestTimings } from './observer.ts';
import type { Priority } from './request-scope.ts';

/** What a timer needs to know of its request. */
export interface TimedRequest {
  readonly kind: RequestKind;
  readonly priority: Priority;
  readonly promptTokens: number;
}

/** Whom a timer tells, by which clock. */
export interface RequestTimerOptions {
  /** Seconds. */
  readonly now: () => number;
  readonly observer: EngineObserver;
  /** Told of the end, too. */
  readonly onEnd: EngineObserver['onEnd'] | undefined;
}

/** Started when it is made; the first end counts. */
export class RequestTimer {
  readonly #request: TimedRequest;
  readonly #now: () => number;
  readonly #observer: EngineObserver;
  readonly #onEnd: EngineObserver['onEnd'];
  readonly #startedAt: number;
  #servedAt: number | undefined;
  #firstTokenAt: number | undefined;
  #lastTokenAt = 0;
  #tokens = 0;
  #engineSeconds = 0;
  #draftedTokens = 0;
  #acceptedTokens = 0;
  #timings: RequestTimings | undefined;

  constructor(request: TimedRequest, { now, observer, onEnd }: RequestTimerOptions) {
    this.#request = request;
    this.#now = now;
    this.#observer = observer;
    this.#onEnd = onEnd;
    this.#startedAt = now();
  }

  /** Its first rows go into a step; later calls do nothing. */
  serve(): void {
    this.#servedAt ??= this.#now();
  }

  /** A step that held rows of it has taken so many seconds for them. */
  work(seconds: number): void {
    this.#engineSeconds += seconds;
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

  /** So many guesses of its next tokens have been computed. */
  draft(tokens: number): void {
    this.#draftedTokens += tokens;
  }

  /** One of them was right. */
  acceptDraft(): void {
    this.#acceptedTokens++;
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
      draftedTokens: this.#draftedTokens,
      acceptedTokens: this.#acceptedTokens,
    };
    const report: RequestReport = {
      ...this.#request,
      ...this.#timings,
      engineSeconds: this.#engineSeconds,
      cachedTokens,
      completionTokens: this.#tokens,
      finishReason,
    };
    this.#observer.onEnd?.(report);
    this.#onEnd?.(report);
    return this.#timings;
  }
}
