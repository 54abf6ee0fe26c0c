// Guesses by a second, smaller model of the same vocabulary: an engine of its own. It draws with the random numbers
// that the answer will use, so that where both models think alike they say alike. What it computed of the text lies
// in its shared pages; what a wrong guess computed is found by nobody.
import type { TokenId } from '../tokenizer/tokenizer.ts';
import type { GenerationEvent } from './generate-job.ts';
import type { GenerateRequest } from './generate-request.ts';
import type { SamplingOptions } from './sampling-options.ts';
import type { GuessSource, Prospect } from './speculator.ts';

/** What is needed of the engine that guesses. */
export interface Drafter {
  readonly context: number;
  readonly config: { readonly vocab: number };
  generate(request: GenerateRequest): AsyncIterable<GenerationEvent>;
}

/** The answer to guess for. */
export interface DraftedAnswer {
  /** Its prompt and what came of it until now; grows. */
  readonly tokens: readonly TokenId[];
  readonly sampling: SamplingOptions;
  /** Ids of the model that answers: others are no guesses. */
  readonly vocab: number;
  readonly cacheSalt: string | undefined;
}

/** Guesses for one answer. */
export class DraftModel implements GuessSource {
  readonly isFree = false;
  // Well chosen pairs agree on about two tokens of three (arXiv 2211.17192, table 3).
  readonly expectedRates: readonly number[] = [0.65];
  readonly #drafter: Drafter;
  readonly #answer: DraftedAnswer;
  #state: 'new' | 'reading' | 'ready' | 'failed' = 'new';

  constructor(drafter: Drafter, answer: DraftedAnswer) {
    this.#drafter = drafter;
    this.#answer = answer;
  }

  look(): Prospect | undefined {
    const longest = this.#drafter.context - this.#answer.tokens.length;
    if (longest <= 0) return undefined;
    // The answer goes on while the prompt is read.
    if (this.#state === 'new') void this.#read();
    return this.#state === 'ready' ? { strength: 0, longest } : undefined;
  }

  async guess(count: number): Promise<readonly TokenId[]> {
    const ids = await this.#continue(count);
    const unknown = ids.findIndex((id) => id >= this.#answer.vocab);
    return unknown < 0 ? ids : ids.slice(0, unknown);
  }

  async #read(): Promise<void> {
    this.#state = 'reading';
    await this.#continue(1);
    if (this.#state === 'reading') this.#state = 'ready';
  }

  // A guess that cannot be made is none: whatever goes wrong here must not end the answer.
  async #continue(maxTokens: number): Promise<TokenId[]> {
    const { tokens, sampling, cacheSalt } = this.#answer;
    const { vocab } = this.#drafter.config;
    const ids: TokenId[] = [];
    try {
      const events = this.#drafter.generate({
        ...sampling,
        logitBias: new Map([...sampling.logitBias].filter(([id]) => id < vocab)),
        prompt: [...tokens],
        maxTokens,
        endTokens: [],
        speculate: 'off',
        ...(cacheSalt === undefined ? {} : { cacheSalt }),
      });
      for await (const event of events) if (event.type === 'token-delta') ids.push(event.id);
    } catch {
      this.#state = 'failed';
    }
    return ids;
  }
}
