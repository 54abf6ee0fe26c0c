// Guessing for one answer: where guesses come from, and how often they were right. An answer is the same
// whatever is guessed; only its pace is not.
import type { TokenId } from '../tokenizer/tokenizer.ts';
import { type Draftable, longestDraft } from './draft-lengths.ts';

/** What a source could say now. */
export interface Prospect {
  /** How sure it is: which of its expected rates is meant. */
  readonly strength: number;
  /** Tokens it can guess at most. Default: as many as are wanted. */
  readonly longest?: number;
}

/** Where the guesses of one answer come from. */
export interface GuessSource {
  /** Guessing costs nothing worth counting. */
  readonly isFree: boolean;
  /** By strength: the share of guesses that may be right before any was tried. */
  readonly expectedRates: readonly number[];
  /** Can something be guessed after the tokens there are? */
  look(): Prospect | undefined;
  /** The next tokens, after a look that found something; may be fewer than asked for. */
  guess(count: number): readonly TokenId[] | Promise<readonly TokenId[]>;
}

// Of what was seen, each newer guess leaves this share: about the last ten count.
const kept = 0.9;
// An expected rate counts as so many guesses seen.
const expectedWeight = 2;
// Beyond it the gain of one more guess would not fall with its depth.
const highestRate = 0.98;

// Steps without guesses after which some are tried though they do not seem to pay; twice as many each time.
const firstPause = 16;
const longestPause = 256;
const trialLength = 4;

interface Rate {
  hits: number;
  trials: number;
}

/** The state of one answer's guessing. */
export class Speculator {
  readonly source: GuessSource;
  readonly #rates: readonly Rate[];
  #pause = firstPause;
  #pausedSteps = 0;
  #prospect: Prospect | undefined;
  #guess: readonly TokenId[] = [];
  #from = 0;

  constructor(source: GuessSource) {
    this.source = source;
    this.#rates = source.expectedRates.map((rate) => ({
      hits: rate * expectedWeight,
      trials: expectedWeight,
    }));
  }

  /** Learns what became of the last guesses, and what can be expected of others after the tokens there are. */
  look(tokens: readonly TokenId[]): Draftable | undefined {
    this.#settle(tokens);
    this.#prospect = this.source.look();
    this.#guess = [];
    this.#from = tokens.length;
    if (this.#prospect === undefined) return undefined;
    const { strength, longest = longestDraft } = this.#prospect;
    const { hits, trials } = this.#rates[strength] as Rate;
    return {
      rate: Math.min(hits / trials, highestRate),
      longest: Math.min(longest, longestDraft),
    };
  }

  /** How many to guess where `count` seems best: now and then some although none seem to pay. */
  temper(count: number, longest: number): number {
    if (count > 0) {
      this.#pause = firstPause;
      this.#pausedSteps = 0;
      return count;
    }
    if (++this.#pausedSteps < this.#pause) return 0;
    this.#pause = Math.min(2 * this.#pause, longestPause);
    this.#pausedSteps = 0;
    return Math.min(trialLength, longest);
  }

  /** The guesses to try. Of a free source one is looked at in any case: whether it was right is learned for nothing. */
  async guess(count: number): Promise<readonly TokenId[]> {
    if (count === 0 && !this.source.isFree) return [];
    this.#guess = await this.source.guess(Math.max(count, 1));
    return count === 0 ? [] : this.#guess;
  }

  #settle(tokens: readonly TokenId[]): void {
    if (this.#prospect === undefined) return;
    const rate = this.#rates[this.#prospect.strength] as Rate;
    for (const [index, id] of this.#guess.entries()) {
      const chosen = tokens[this.#from + index];
      if (chosen === undefined) return;
      rate.hits = kept * rate.hits + (chosen === id ? 1 : 0);
      rate.trials = kept * rate.trials + 1;
      if (chosen !== id) return;
    }
  }
}
