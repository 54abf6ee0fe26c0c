// The limits of one key: requests in any minute, tokens in a day of UTC. Tokens count as soon as they are read or written,
// so that whoever asks much at once is not let in at the price of what has ended; an answer under way is never cut
// for them. Held by one server process: requests are forgotten when it ends, tokens of the day are read back.
import { errors } from '../../base/errors.ts';
import type { CallerLimits } from '../request-context.ts';
import { RequestWindow } from './request-window.ts';

const minuteMs = 60_000;
const dayMs = 86_400_000;

/** The clocks of limits, in milliseconds. */
export interface LimitClock {
  /** Never falls. */
  monotonicMs(): number;
  /** Since 1970, UTC. */
  dateMs(): number;
}

/** How limits are made. */
export interface KeyLimitsOptions {
  /** Null for none. */
  readonly requestsPerMinute: number | null;
  readonly tokensPerDay: number | null;
  /** Of today, by answers that have ended before. */
  readonly tokensUsed: number;
  readonly clock: LimitClock;
}

/** What one key may still ask for. */
export class KeyLimits implements CallerLimits {
  readonly #options: KeyLimitsOptions;
  readonly #window: RequestWindow | undefined;
  #day: number;
  #used: number;

  constructor(options: KeyLimitsOptions) {
    const { requestsPerMinute: limit, tokensUsed, clock } = options;
    this.#options = options;
    this.#window = limit === null ? undefined : new RequestWindow({ limit, windowMs: minuteMs });
    this.#day = dayOf(clock.dateMs());
    this.#used = tokensUsed;
  }

  /** Throws TOKENS_EXCEEDED or REQUESTS_EXCEEDED. A request that is refused counts for nothing. */
  admit(): void {
    const { tokensPerDay, clock } = this.#options;
    if (tokensPerDay !== null && this.#tokens() >= tokensPerDay) {
      const retrySeconds = Math.ceil(this.#untilTomorrowMs() / 1000);
      throw errors.TOKENS_EXCEEDED({ used: this.#used, allowed: tokensPerDay, retrySeconds });
    }
    const waitMs = this.#window?.take(clock.monotonicMs()) ?? 0;
    if (waitMs === 0) return;
    const allowed = this.#window?.limit ?? 0;
    throw errors.REQUESTS_EXCEEDED({ allowed, retrySeconds: Math.ceil(waitMs / 1000) });
  }

  spend(tokens: number): void {
    this.#used = this.#tokens() + tokens;
  }

  /** With OpenAI's names; those of tokens are of a day, not of a minute. */
  headers(): Readonly<Record<string, string>> {
    const { tokensPerDay, clock } = this.#options;
    const headers: Record<string, string> = {};
    const add = (kind: string, limit: number, left: number, resetMs: number): void => {
      headers[`x-ratelimit-limit-${kind}`] = String(limit);
      headers[`x-ratelimit-remaining-${kind}`] = String(Math.max(0, left));
      headers[`x-ratelimit-reset-${kind}`] = formatDuration(resetMs);
    };
    if (this.#window !== undefined) {
      const at = clock.monotonicMs();
      const { limit } = this.#window;
      add('requests', limit, this.#window.remaining(at), this.#window.resetMs(at));
    }
    if (tokensPerDay !== null) {
      add('tokens', tokensPerDay, tokensPerDay - this.#tokens(), this.#untilTomorrowMs());
    }
    return headers;
  }

  #tokens(): number {
    const day = dayOf(this.#options.clock.dateMs());
    if (day !== this.#day) {
      this.#day = day;
      this.#used = 0;
    }
    return this.#used;
  }

  #untilTomorrowMs(): number {
    const at = this.#options.clock.dateMs();
    return (dayOf(at) + 1) * dayMs - at;
  }
}

function dayOf(dateMs: number): number {
  return Math.floor(dateMs / dayMs);
}

/** As OpenAI writes them: `450ms`, `6m0s`, `23h59m59s`; whole seconds are rounded up. */
function formatDuration(ms: number): string {
  if (ms < 1000) return `${Math.ceil(ms)}ms`;
  const seconds = Math.ceil(ms / 1000);
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  const text = `${seconds % 60}s`;
  if (hours > 0) return `${hours}h${minutes}m${text}`;
  return minutes > 0 ? `${minutes}m${text}` : text;
}
