// The server as this page sees it: models, answers as they are made, metrics. Speaks HTTP and nothing else; what goes
// wrong is a RequestProblem.
import type { AnswerToken, Sampling, Timing } from '../conversation/message.ts';
import { brokenStream, lostConnection, RequestProblem, refusalOf } from './problem.ts';
import { tokenReader } from './read-tokens.ts';
import { type ChatChunk, chatChunk, modelList, type ServedModel } from './schemas.ts';
import { readServerSentEvents } from './server-sent-events.ts';

/** How many alternatives are asked for with each token. */
const ALTERNATIVES = 8;

/** What a client needs from outside. */
export interface ClientOptions {
  /** Where the server is, without a slash at its end. */
  readonly baseUrl: string;
  readonly fetch: typeof fetch;
  /** The key to show, if any. */
  readonly key: () => string | undefined;
  /** Milliseconds, rising. */
  readonly now: () => number;
}

/** A message as the server takes it. */
export interface ChatTurn {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string;
}

/** What to answer, and how. */
export interface ChatQuestion {
  readonly model: string;
  readonly turns: readonly ChatTurn[];
  readonly sampling: Sampling;
  /** Go on with the last turn, which is the assistant's? */
  readonly continues: boolean;
  /** Ask for each token's probability and its rivals'? */
  readonly probabilities: boolean;
  readonly signal: AbortSignal;
}

/** What happens while an answer is made; `end` comes last, once. */
export type ChatEvent =
  | { readonly type: 'piece'; readonly text: string; readonly tokens: readonly AnswerToken[] }
  | { readonly type: 'end'; readonly reason: string; readonly timing: Timing };

/** A way to talk to one server. */
export interface Client {
  models(signal?: AbortSignal): Promise<ServedModel[]>;
  /** Prometheus' text. */
  metrics(signal?: AbortSignal): Promise<string>;
  chat(question: ChatQuestion): AsyncGenerator<ChatEvent, void>;
}

/** Makes a client. */
export function createClient(options: ClientOptions): Client {
  const { baseUrl, now } = options;

  async function request(path: string, init: RequestInit): Promise<Response> {
    const key = options.key();
    const headers = new Headers(init.headers);
    if (key !== undefined) headers.set('authorization', `Bearer ${key}`);
    const response = await options
      .fetch(`${baseUrl}${path}`, { ...init, headers, credentials: 'omit' })
      .catch(rethrow(init.signal ?? undefined));
    if (!response.ok) throw await refusalOf(response);
    return response;
  }

  async function* chat(question: ChatQuestion): AsyncGenerator<ChatEvent, void> {
    const { signal } = question;
    const startedAt = now();
    const response = await request('/v1/chat/completions', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(bodyOf(question)),
      signal,
    });
    if (response.body === null) throw lostConnection();
    const readToken = tokenReader();
    const progress = new Progress(startedAt, now);
    let reason: string | undefined;
    try {
      for await (const { data } of readServerSentEvents(response.body)) {
        if (data === '[DONE]') break;
        const chunk = chatChunk.parse(JSON.parse(data));
        if (chunk.error !== undefined) throw brokenStream(chunk.error.message);
        const choice = chunk.choices?.[0];
        reason = choice?.finish_reason ?? reason;
        const text = choice?.delta?.content ?? '';
        const tokens = (choice?.logprobs?.content ?? []).map(readToken);
        progress.see(chunk, { text, tokens: tokens.length });
        if (text !== '' || tokens.length > 0) yield { type: 'piece', text, tokens };
      }
    } catch (error) {
      rethrow(signal)(error);
    }
    if (reason === undefined) throw lostConnection();
    yield { type: 'end', reason, timing: progress.timing() };
  }

  return {
    chat,
    models: async (signal) => {
      const response = await request('/v1/models', { signal: signal ?? null });
      return modelList.parse(await response.json()).data;
    },
    metrics: async (signal) => (await request('/metrics', { signal: signal ?? null })).text(),
  };
}

// What the caller stopped stays an AbortError; a refusal stays itself; the rest is a lost connection.
function rethrow(signal: AbortSignal | undefined): (error: unknown) => never {
  return (error) => {
    if (signal?.aborted === true || error instanceof RequestProblem) throw error;
    throw lostConnection();
  };
}

function bodyOf({ model, turns, sampling, continues, probabilities }: ChatQuestion): object {
  const { temperature, topP, topK, minP, maxTokens, seed, stop } = sampling;
  return {
    model,
    messages: turns,
    stream: true,
    stream_options: { include_usage: true },
    corral: { timings: true },
    ...(probabilities ? { logprobs: true, top_logprobs: ALTERNATIVES } : {}),
    ...(continues ? { continue_final_message: true, add_generation_prompt: false } : {}),
    temperature,
    top_p: topP,
    top_k: topK,
    min_p: minP,
    max_completion_tokens: maxTokens,
    seed,
    stop: stop !== undefined && stop.length > 0 ? stop : undefined,
  };
}

/** Times an answer: by this clock, and by the server's where it tells. */
class Progress {
  readonly #startedAt: number;
  readonly #now: () => number;
  #firstAt: number | undefined;
  #lastAt = 0;
  #pieces = 0;
  #usage: ChatChunk['usage'];
  #serverSpeed: number | undefined;

  constructor(startedAt: number, now: () => number) {
    this.#startedAt = startedAt;
    this.#now = now;
  }

  see(
    chunk: ChatChunk,
    { text, tokens }: { readonly text: string; readonly tokens: number },
  ): void {
    if (text !== '' || tokens > 0) {
      this.#lastAt = this.#now();
      this.#firstAt ??= this.#lastAt;
      this.#pieces += Math.max(tokens, 1);
    }
    this.#usage = chunk.usage ?? this.#usage;
    this.#serverSpeed = chunk.corral?.timings?.predicted_per_second ?? this.#serverSpeed;
  }

  timing(): Timing {
    const firstAt = this.#firstAt ?? this.#now();
    const completion = this.#usage?.completion_tokens ?? this.#pieces;
    const seconds = (this.#lastAt - firstAt) / 1000;
    const ownSpeed = seconds > 0 && completion > 1 ? (completion - 1) / seconds : undefined;
    const speed = this.#serverSpeed || ownSpeed;
    const cached = this.#usage?.prompt_tokens_details?.cached_tokens;
    return {
      firstTokenMs: Math.round(firstAt - this.#startedAt),
      completionTokens: completion,
      ...(speed === undefined ? {} : { tokensPerSecond: speed }),
      ...(this.#usage ? { promptTokens: this.#usage.prompt_tokens } : {}),
      ...(cached == null ? {} : { cachedTokens: cached }),
    };
  }
}
