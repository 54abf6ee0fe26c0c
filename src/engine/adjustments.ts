// Which logits a request changes before sampling: bias, repetition, frequency and presence penalties,
// as the adjust_logits op wants them. Keeps counts as tokens come, so a step costs no recount.
import type { TokenId } from '../tokenizer/tokenizer.ts';
import type { SamplingOptions } from './sampling-options.ts';

/** One changed logit: divided (or multiplied when negative) by `divisor`, then `addend` is added. */
export interface Adjustment {
  readonly id: TokenId;
  readonly divisor: number;
  readonly addend: number;
}

/** The adjustments of one request, kept up to date token by token. */
export class Adjustments {
  readonly #options: SamplingOptions;
  readonly #seen = new Set<TokenId>();
  readonly #answered = new Map<TokenId, number>();

  constructor(options: SamplingOptions, prompt: readonly TokenId[]) {
    this.#options = options;
    if (options.repetitionPenalty !== 1) for (const id of prompt) this.#seen.add(id);
  }

  /** Notes a generated token. */
  add(id: TokenId): void {
    const { repetitionPenalty, frequencyPenalty, presencePenalty } = this.#options;
    if (repetitionPenalty !== 1) this.#seen.add(id);
    if (frequencyPenalty !== 0 || presencePenalty !== 0) {
      this.#answered.set(id, (this.#answered.get(id) ?? 0) + 1);
    }
  }

  /** What the next token's logits are changed by. */
  current(): Adjustment[] {
    const { logitBias, repetitionPenalty, frequencyPenalty, presencePenalty } = this.#options;
    const ids = new Set([...logitBias.keys(), ...this.#seen, ...this.#answered.keys()]);
    return Array.from(ids, (id) => {
      const count = this.#answered.get(id) ?? 0;
      const penalty = count > 0 ? count * frequencyPenalty + presencePenalty : 0;
      return {
        id,
        divisor: this.#seen.has(id) ? repetitionPenalty : 1,
        addend: (logitBias.get(id) ?? 0) - penalty,
      };
    });
  }
}
