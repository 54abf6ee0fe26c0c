// The `logprobs` of completions: parallel lists of tokens, their log-probabilities, the likeliest in their
// place, and where each begins in the text, in code points.
import type { TokenDelta, TokenLogprob, TokenWithAlternatives } from '../../engine/index.ts';
import type { TokenId, Tokenizer } from '../../tokenizer/index.ts';
import { tokenText } from '../token-text.ts';

/** As OpenAI writes it. */
export interface CompletionLogprobs {
  readonly tokens: string[];
  readonly token_logprobs: (number | null)[];
  readonly top_logprobs: (Record<string, number> | null)[];
  readonly text_offset: number[];
}

/** Collects tokens; a stream takes what came since it last took. */
export class TokenList {
  readonly #tokenizer: Tokenizer;
  #list: CompletionLogprobs = emptyList();
  #offset = 0;

  constructor(tokenizer: Tokenizer) {
    this.#tokenizer = tokenizer;
  }

  /** The prompt's tokens without the `added` first; `logprobs` are those of all but the very first. */
  addPrompt(
    ids: readonly TokenId[],
    added: number,
    logprobs: readonly TokenWithAlternatives[],
  ): void {
    const detokenizer = this.#tokenizer.detokenizer();
    for (const [at, id] of ids.entries()) {
      const text = detokenizer.push(id) + (at === ids.length - 1 ? detokenizer.flush() : '');
      if (at >= added) this.#push(id, text, logprobs[at - 1]);
    }
  }

  /** A token of the answer. */
  add({ id, text, logprob = 0, topLogprobs = [] }: TokenDelta): void {
    this.#push(id, text, { id, logprob, topLogprobs });
  }

  take(): CompletionLogprobs {
    const list = this.#list;
    this.#list = emptyList();
    return list;
  }

  #push(id: TokenId, text: string, known: TokenWithAlternatives | undefined): void {
    const list = this.#list;
    list.tokens.push(this.#name(id));
    list.token_logprobs.push(known?.logprob ?? null);
    list.top_logprobs.push(
      known === undefined
        ? null
        : Object.fromEntries([known, ...known.topLogprobs].map((one) => this.#entry(one))),
    );
    list.text_offset.push(this.#offset);
    this.#offset += [...text].length;
  }

  #entry({ id, logprob }: TokenLogprob): [string, number] {
    return [this.#name(id), logprob];
  }

  #name(id: TokenId): string {
    return tokenText(this.#tokenizer, id).token;
  }
}

function emptyList(): CompletionLogprobs {
  return { tokens: [], token_logprobs: [], top_logprobs: [], text_offset: [] };
}
