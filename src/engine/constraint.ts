// What an answer must look like, as the engine sees it: which tokens may come next. Knows nothing of
// grammars or schemas; constraints/ compiles those.
import { CorralError } from '../base/define-errors.ts';
import { invariant } from '../base/invariant.ts';
import type { TokenId } from '../tokenizer/tokenizer.ts';

/** What an answer must look like, for one vocabulary. Immutable, shared between requests. */
export interface Constraint {
  /** Tokens that are always enough for a whole answer, the end token not counted. */
  readonly shortest: number;
  start(): ConstraintWalk;
}

/** One answer's way through a constraint. */
export interface ConstraintWalk {
  /** May the answer end here? True at the latest when mask() allows nothing. */
  readonly mayEnd: boolean;
  /**
   * Tokens of text that may come next when at most `left` more may follow, that one included: bit id & 31
   * of word id >> 5. After each of them the answer can still be completed within the rest. End tokens and
   * other control tokens are never in it. Valid until the next accept(); not to be written to.
   */
  mask(left: number): Uint32Array;
  /** Goes on by a token that the last mask allowed. */
  accept(id: TokenId): void;
  /** A walk of its own from here: what happens to it does not happen to this one. */
  fork(): ConstraintWalk;
}

/** What a row's next token may be: tokens of text, and perhaps the tokens that end the answer. */
export interface TokenMask {
  /** Bit id & 31 of word id >> 5. Ids beyond it may not come. */
  readonly words: Uint32Array;
  readonly endTokens: ReadonlySet<TokenId>;
  readonly mayEnd: boolean;
}

/** Writes a row of the mask_logits op. `row` holds zeros. */
export function writeMask({ words, endTokens, mayEnd }: TokenMask, row: Int32Array): void {
  row.set(words.length > row.length ? words.subarray(0, row.length) : words);
  for (const id of endTokens) {
    const bit = 1 << (id & 31);
    const word = row[id >> 5] as number;
    row[id >> 5] = mayEnd ? word | bit : word & ~bit;
  }
}

/** A constraint with the tokens that end the answer: what one request knows of it. */
export class ConstrainedAnswer {
  readonly #walk: ConstraintWalk;
  readonly #endTokens: ReadonlySet<TokenId>;

  constructor(walk: ConstraintWalk, endTokens: ReadonlySet<TokenId>) {
    this.#walk = walk;
    this.#endTokens = endTokens;
  }

  mask(left: number): TokenMask {
    const { mayEnd } = this.#walk;
    return { words: this.#walk.mask(left), endTokens: this.#endTokens, mayEnd };
  }

  accept(id: TokenId): void {
    this.#walk.accept(id);
  }

  /** How it would be after this token with `left` to come after it; undefined where it may not come, or is the last. */
  foresee(
    id: TokenId,
    left: number,
  ): { readonly answer: ConstrainedAnswer; readonly mask: TokenMask } | undefined {
    const allowed = (this.#walk.mask(left + 1)[id >> 5] ?? 0) & (1 << (id & 31));
    if (allowed === 0) return undefined;
    const answer = new ConstrainedAnswer(this.#walk.fork(), this.#endTokens);
    try {
      answer.accept(id);
      return answer.isComplete(left) ? undefined : { answer, mask: answer.mask(left) };
    } catch (error) {
      // What would be too much work there is no fault of an answer that may never come there.
      if (CorralError.isInstance(error)) return undefined;
      throw error;
    }
  }

  /** Is the answer whole, with nothing that could follow it in `left` more tokens? */
  isComplete(left: number): boolean {
    if (!this.#walk.mayEnd) {
      invariant(left > 0, 'a constraint lets no answer run out of tokens');
      return false;
    }
    return this.#walk.mask(Math.max(left, 1)).every((word) => word === 0);
  }
}
