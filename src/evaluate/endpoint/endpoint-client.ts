// Posts to an OpenAI-compatible endpoint: waits its turn, gives up on answers that never come, tries again
// after failures that pass, and counts. Knows nothing of what is asked.
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { errors } from '../../base/errors.ts';

/** How an endpoint is reached. */
export interface EndpointClientOptions {
  /** Such as `https://api.openai.com/v1`. */
  readonly baseUrl: string;
  /** Sent as a bearer token and shown nowhere. */
  readonly apiKey?: string;
  /** After which an answer counts as never coming. Default 120,000. */
  readonly timeoutMs?: number;
  /** Tries after the first. Default 6. */
  readonly retries?: number;
  /** Wait before the first retry; doubles each time. Default 500. */
  readonly backoffMs?: number;
  /** From 0 to 1; spreads retries. Default Math.random: waiting changes no answer. */
  readonly random?: () => number;
}

/** A refusal that trying again would not change, with what the endpoint said of it. */
export interface Refusal {
  readonly status: number;
  readonly message: string;
  /** The parameter that the endpoint does not take, if it named one. */
  readonly parameter: string | undefined;
}

/** What came back: the body, or a refusal. */
export type EndpointAnswer =
  | { readonly body: unknown; readonly refusal?: never }
  | { readonly refusal: Refusal; readonly body?: never };

const longestWaitMs = 60_000;
// A server that asks for more than this is not waited for.
const longestRetryAfterMs = 600_000;

const errorBody = z.object({
  error: z.object({ message: z.string(), param: z.string().nullish() }),
});

type Attempt =
  | { readonly kind: 'answer'; readonly answer: EndpointAnswer }
  | { readonly kind: 'again'; readonly reason: string; readonly waitMs: number | undefined };

/** Posts JSON and gets JSON. */
export class EndpointClient {
  readonly #options: EndpointClientOptions;
  // Until then nobody asks: an endpoint that is asked less often means everyone.
  #pausedUntilMs = 0;

  constructor(options: EndpointClientOptions) {
    this.#options = options;
  }

  url(path: string): string {
    return `${this.#options.baseUrl.replace(/\/+$/u, '')}/${path}`;
  }

  /** Throws ENDPOINT_FAILED when all tries fail, ABORTED by the signal. */
  async post(path: string, body: unknown, signal?: AbortSignal): Promise<EndpointAnswer> {
    const { retries = 6, backoffMs = 500, random = Math.random } = this.#options;
    for (let attempt = 0; ; attempt++) {
      await this.#wait(this.#pausedUntilMs - performance.now(), signal);
      const result = await this.#try(path, body, signal);
      if (result.kind === 'answer') return result.answer;
      const { reason, waitMs } = result;
      if (attempt >= retries || (waitMs ?? 0) > longestRetryAfterMs) {
        throw errors.ENDPOINT_FAILED({ url: this.url(path), reason, attempts: attempt + 1 });
      }
      if (waitMs !== undefined) {
        this.#pausedUntilMs = Math.max(this.#pausedUntilMs, performance.now() + waitMs);
      }
      await this.#wait(Math.min(backoffMs * 2 ** attempt, longestWaitMs) * random(), signal);
    }
  }

  async #try(path: string, body: unknown, signal: AbortSignal | undefined): Promise<Attempt> {
    const { apiKey, timeoutMs = 120_000 } = this.#options;
    const timeout = AbortSignal.timeout(timeoutMs);
    try {
      const response = await fetch(this.url(path), {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }),
        },
        body: JSON.stringify(body),
        signal: AbortSignal.any([timeout, ...(signal === undefined ? [] : [signal])]),
        // A redirect would carry the key elsewhere.
        redirect: 'error',
      });
      const text = await response.text();
      if (response.ok) {
        const parsed = parseJson(text);
        if (parsed !== undefined) return { kind: 'answer', answer: { body: parsed } };
        return { kind: 'again', reason: 'its answer was no JSON', waitMs: undefined };
      }
      const said = errorBody.safeParse(parseJson(text)).data?.error;
      const message = said?.message ?? (text.slice(0, 200).trim() || response.statusText);
      const { status } = response;
      if (status === 408 || status === 429 || status >= 500) {
        const waitMs = readRetryAfter(response.headers.get('retry-after'));
        return { kind: 'again', reason: `${status} ${message}`, waitMs };
      }
      const parameter = said?.param ?? undefined;
      return { kind: 'answer', answer: { refusal: { status, message, parameter } } };
    } catch (error) {
      if (signal?.aborted === true) throw errors.ABORTED({ what: 'Evaluation' });
      const reason = timeout.aborted ? `no answer in ${timeoutMs / 1000} s` : reasonOf(error);
      return { kind: 'again', reason, waitMs: undefined };
    }
  }

  async #wait(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
    if (signal?.aborted === true) throw errors.ABORTED({ what: 'Evaluation' });
    if (milliseconds <= 0) return;
    try {
      await sleep(milliseconds, undefined, signal === undefined ? {} : { signal });
    } catch {
      throw errors.ABORTED({ what: 'Evaluation' });
    }
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

// RFC 9110, 10.2.3: seconds or a date.
function readRetryAfter(header: string | null): number | undefined {
  if (header === null) return undefined;
  const seconds = Number(header);
  const waitMs = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(header) - Date.now();
  return Number.isFinite(waitMs) ? Math.max(0, waitMs) : undefined;
}

// fetch says "fetch failed" and keeps the reason in the cause.
function reasonOf(error: unknown): string {
  const { cause, message } = error as Error;
  return cause instanceof Error && cause.message !== '' ? cause.message : message;
}
