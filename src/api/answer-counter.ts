// The answers under way on a server: each is counted from its beginning until what it used has been taken down.
import type { AnswerMeter, AnswerRecord } from './request-context.ts';

/** Whom an answer is for. */
export type AnswerOrigin = Pick<AnswerRecord, 'requestId' | 'caller' | 'path'>;

/** Knows when none is under way. */
export class AnswerCounter {
  readonly #onAnswer: (record: AnswerRecord) => void | Promise<void>;
  #count = 0;
  #none = Promise.withResolvers<void>();

  /** `onAnswer` is told of each answer that has ended; its end waits for what this gives. */
  constructor(onAnswer: (record: AnswerRecord) => void | Promise<void>) {
    this.#onAnswer = onAnswer;
  }

  /** Begins an answer. */
  meter(origin: AnswerOrigin): AnswerMeter {
    const { limits } = origin.caller;
    let spent = 0;
    const spend = (tokens: number): void => {
      spent += tokens;
      limits?.spend(tokens);
    };
    this.#count++;
    return {
      spend,
      cancel: () => {
        spend(-spent);
        this.#end();
      },
      end: async (use) => {
        // What was counted on the way and what is taken down are one number.
        spend(use.promptTokens + use.completionTokens - spent);
        try {
          await this.#onAnswer({ ...use, ...origin });
        } finally {
          this.#end();
        }
      },
    };
  }

  /** Resolves when no answer is under way. */
  async none(): Promise<void> {
    if (this.#count > 0) await this.#none.promise;
  }

  #end(): void {
    if (--this.#count > 0) return;
    this.#none.resolve();
    this.#none = Promise.withResolvers();
  }
}
