// Does a server's memory stay flat? Its cache takes memory when it is first written, in pieces of 2 MiB where the
// system has huge pages, so what counts is the rest.
import { setTimeout as sleep } from 'node:timers/promises';
import type { ServeTarget } from './serve-target.ts';

/** Memory of a server at one moment, in MiB. */
export interface MemorySample {
  /** Minutes since the first. */
  readonly minutes: number;
  readonly rss: number;
  /** The most of its cache that was ever written, as far as it was seen. */
  readonly cache: number;
  readonly rest: number;
}

const periodMs = 1000;
const pieceBytes = 2 * 2 ** 20;

/** How a cache lies in memory. */
export interface CacheShape {
  /** Keys and values of each layer lie apart. */
  readonly buffers: number;
  /** Of one page, in one of them. */
  readonly pageBytes: number;
}

/** Looks at a server every second. */
export class MemoryWatch {
  readonly #samples: MemorySample[] = [];
  readonly #target: ServeTarget;
  readonly #cache: CacheShape;
  readonly #startedAt = performance.now();
  readonly #looking: Promise<void>;
  #ended = false;
  #pages = 0;

  constructor(target: ServeTarget, cache: CacheShape) {
    this.#target = target;
    this.#cache = cache;
    this.#looking = this.#lookOn();
  }

  /** Looks now; also done every second. */
  async look(): Promise<MemorySample> {
    const { rssBytes, pages } = await this.#target.look();
    this.#pages = Math.max(this.#pages, pages);
    const { buffers, pageBytes } = this.#cache;
    const pieces = buffers * Math.ceil((this.#pages * pageBytes) / pieceBytes);
    const [rss, cache] = [rssBytes / 2 ** 20, (pieces * pieceBytes) / 2 ** 20];
    const minutes = (performance.now() - this.#startedAt) / 60_000;
    const sample = { minutes, rss, cache, rest: rss - cache };
    this.#samples.push(sample);
    return sample;
  }

  /** Ends the looking. Everything seen, and how much the rest grew in each minute: least squares. */
  async end(): Promise<{
    readonly samples: readonly MemorySample[];
    readonly restPerMinute: number;
  }> {
    this.#ended = true;
    await this.#looking;
    // The first tenth belongs to loading and to what is made once.
    const samples = this.#samples.slice(Math.floor(this.#samples.length / 10));
    const mean = (read: (sample: MemorySample) => number): number =>
      samples.reduce((sum, sample) => sum + read(sample), 0) / samples.length;
    const [time, rest] = [mean((each) => each.minutes), mean((each) => each.rest)];
    const spread = mean((each) => (each.minutes - time) ** 2);
    const together = mean((each) => (each.minutes - time) * (each.rest - rest));
    return { samples: this.#samples, restPerMinute: together / spread };
  }
  async #lookOn(): Promise<void> {
    while (!this.#ended) {
      await this.look();
      await sleep(periodMs);
    }
  }
}
