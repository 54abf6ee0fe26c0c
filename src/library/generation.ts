// An answer in the making as users see it: iterate it for pieces of text, or await the whole.
import { errors } from '../base/errors.ts';
import type { FinishReason, GenerationEvent, TokenDelta, TokenLogprob } from '../engine/index.ts';
import type { TokenId } from '../tokenizer/tokenizer.ts';

/** A token's log-probability, with the likeliest alternatives asked for. */
export interface TokenLogprobs extends TokenLogprob {
  readonly top: readonly TokenLogprob[];
}

/** How fast an answer came. */
export interface Timing {
  readonly loadSeconds: number;
  readonly prefillTokensPerSecond: number;
  /** 0 when fewer than two tokens came. */
  readonly decodeTokensPerSecond: number;
  /** Tokens that were guessed ahead, and those of them that were right. */
  readonly draftedTokens: number;
  readonly acceptedTokens: number;
}

/** A whole answer. */
export interface GenerationResult {
  /** The completion alone. */
  readonly text: string;
  /** Generated ids; the end token is not among them. */
  readonly tokens: readonly TokenId[];
  readonly promptTokens: number;
  readonly finishReason: FinishReason;
  readonly logprobs?: readonly TokenLogprobs[];
  readonly timing: Timing;
}

interface Collected {
  text: string;
  readonly tokens: TokenId[];
  readonly logprobs: TokenLogprobs[];
  finishReason: FinishReason;
  draftedTokens: number;
  acceptedTokens: number;
  firstAt: number;
  lastAt: number;
}

/** Pieces of text as they come, or the result at the end. A second iteration throws GENERATION_CONSUMED. */
export class Generation implements AsyncIterable<string> {
  readonly #events: () => AsyncIterable<GenerationEvent>;
  readonly #promptTokens: number;
  readonly #loadSeconds: number;
  readonly #now: () => number;
  readonly #finished: Promise<GenerationResult>;
  #finish: (result: GenerationResult) => void = () => {};
  #fail: (error: unknown) => void = () => {};
  #started = false;

  constructor(
    events: () => AsyncIterable<GenerationEvent>,
    facts: { promptTokens: number; loadSeconds: number; now: () => number },
  ) {
    this.#events = events;
    this.#promptTokens = facts.promptTokens;
    this.#loadSeconds = facts.loadSeconds;
    this.#now = facts.now;
    this.#finished = new Promise((resolve, reject) => {
      this.#finish = resolve;
      this.#fail = reject;
    });
    // Whoever iterates sees a failure there; result() is optional.
    this.#finished.catch(() => {});
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<string, void, undefined> {
    if (this.#started) throw errors.GENERATION_CONSUMED();
    this.#started = true;
    const startAt = this.#now();
    const collected: Collected = {
      text: '',
      tokens: [],
      logprobs: [],
      finishReason: 'abort',
      draftedTokens: 0,
      acceptedTokens: 0,
      firstAt: startAt,
      lastAt: startAt,
    };
    try {
      for await (const event of this.#events()) {
        this.#collect(collected, event);
        if (event.text !== '') yield event.text;
      }
    } catch (error) {
      this.#fail(error);
      throw error;
    } finally {
      this.#finish(this.#result(collected, startAt));
    }
  }

  /** The whole answer; runs the generation unless it is being iterated already. */
  async result(): Promise<GenerationResult> {
    if (!this.#started) for await (const _ of this);
    return this.#finished;
  }

  /** The whole text. */
  async text(): Promise<string> {
    return (await this.result()).text;
  }

  #collect(collected: Collected, event: GenerationEvent): void {
    collected.text += event.text;
    if (event.type === 'request-end') {
      collected.finishReason = event.finishReason;
      collected.draftedTokens = event.timings.draftedTokens;
      collected.acceptedTokens = event.timings.acceptedTokens;
    }
    if (event.type !== 'token-delta') return;
    collected.lastAt = this.#now();
    if (collected.tokens.length === 0) collected.firstAt = collected.lastAt;
    collected.tokens.push(event.id);
    const logprobs = logprobsOf(event);
    if (logprobs !== undefined) collected.logprobs.push(logprobs);
  }

  #result(collected: Collected, startAt: number): GenerationResult {
    const { text, tokens, logprobs, finishReason, firstAt, lastAt } = collected;
    const { draftedTokens, acceptedTokens } = collected;
    const perSecond = (count: number, ms: number): number => (ms > 0 ? (count * 1000) / ms : 0);
    return {
      text,
      tokens,
      promptTokens: this.#promptTokens,
      finishReason,
      ...(logprobs.length > 0 ? { logprobs } : {}),
      timing: {
        loadSeconds: this.#loadSeconds,
        prefillTokensPerSecond: perSecond(this.#promptTokens, firstAt - startAt),
        decodeTokensPerSecond: perSecond(Math.max(0, tokens.length - 1), lastAt - firstAt),
        draftedTokens,
        acceptedTokens,
      },
    };
  }
}

function logprobsOf({ id, logprob, topLogprobs }: TokenDelta): TokenLogprobs | undefined {
  return logprob === undefined ? undefined : { id, logprob, top: topLogprobs ?? [] };
}
