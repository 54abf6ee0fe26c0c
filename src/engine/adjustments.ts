// Which logits a request changes before sampling: bias, repetition, frequency and presence penalties,
// in the arrays the adjust_logits op wants. Kept up to date token by token: a step recounts nothing.
import type { TokenId } from '../tokenizer/tokenizer.ts';
import type { SamplingOptions } from './sampling-options.ts';

/** Changed logits of one row: ids, and for each a divisor and an addend. */
export interface AdjustedLogits {
  readonly ids: Int32Array;
  /** [ids, 2]: positive logits are divided by the first, others multiplied; then the second is added. */
  readonly how: Float32Array;
}

/** Nothing is changed. */
export const noAdjustments: AdjustedLogits = { ids: new Int32Array(), how: new Float32Array() };

/** The adjustments of one request. */
export class Adjustments {
  readonly #options: SamplingOptions;
  readonly #places = new Map<TokenId, number>();
  readonly #answered = new Set<TokenId>();
  #ids = new Int32Array(16);
  #how = new Float32Array(32);

  constructor(options: SamplingOptions, prompt: readonly TokenId[]) {
    this.#options = options;
    for (const [id, bias] of options.logitBias) this.#change(id, 1, bias);
    if (options.repetitionPenalty !== 1) for (const id of prompt) this.#penaliseRepetition(id);
  }

  /** Notes a generated token. */
  add(id: TokenId): void {
    const { repetitionPenalty, frequencyPenalty, presencePenalty } = this.#options;
    if (repetitionPenalty !== 1) this.#penaliseRepetition(id);
    if (frequencyPenalty === 0 && presencePenalty === 0) return;
    this.#change(id, 1, -frequencyPenalty - (this.#answered.has(id) ? 0 : presencePenalty));
    this.#answered.add(id);
  }

  /** What the next token's logits are changed by; valid until the next add(). */
  current(): AdjustedLogits {
    const count = this.#places.size;
    return { ids: this.#ids.subarray(0, count), how: this.#how.subarray(0, 2 * count) };
  }

  /** What the logits after each of these tokens would be changed by, if they came next. */
  ahead(ids: readonly TokenId[]): AdjustedLogits[] {
    const { repetitionPenalty, frequencyPenalty, presencePenalty } = this.#options;
    if (repetitionPenalty === 1 && frequencyPenalty === 0 && presencePenalty === 0) {
      return ids.map(() => this.current());
    }
    const next = this.#copy();
    return ids.map((id) => {
      next.add(id);
      const { ids: changed, how } = next.current();
      return { ids: changed.slice(), how: how.slice() };
    });
  }

  #copy(): Adjustments {
    const copy = new Adjustments({ ...this.#options, logitBias: new Map() }, []);
    for (const [id, place] of this.#places) copy.#places.set(id, place);
    for (const id of this.#answered) copy.#answered.add(id);
    [copy.#ids, copy.#how] = [this.#ids.slice(), this.#how.slice()];
    return copy;
  }

  #penaliseRepetition(id: TokenId): void {
    const place = this.#places.get(id);
    const known = place !== undefined && this.#how[2 * place] !== 1;
    if (!known) this.#change(id, this.#options.repetitionPenalty, 0);
  }

  #change(id: TokenId, divisor: number, addend: number): void {
    const known = this.#places.get(id);
    const place = known ?? this.#places.size;
    if (known === undefined) this.#append(id, place);
    this.#how[2 * place] = (this.#how[2 * place] as number) * divisor;
    this.#how[2 * place + 1] = (this.#how[2 * place + 1] as number) + addend;
  }

  #append(id: TokenId, place: number): void {
    if (place === this.#ids.length) {
      const ids = new Int32Array(2 * place);
      const how = new Float32Array(4 * place);
      ids.set(this.#ids);
      how.set(this.#how);
      [this.#ids, this.#how] = [ids, how];
    }
    this.#places.set(id, place);
    this.#ids[place] = id;
    this.#how.set([1, 0], 2 * place);
  }
}
