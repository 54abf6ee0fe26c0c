// One answer in the making: samples a token whenever its last row has been computed, turns it into
// text, and looks for the end.
import { AsyncQueue } from '../base/async-queue.ts';
import { errors } from '../base/errors.ts';
import { random } from '../base/random.ts';
import type { Detokenizer, TokenId } from '../tokenizer/tokenizer.ts';
import { Adjustments } from './adjustments.ts';
import { ConstrainedAnswer, type Constraint } from './constraint.ts';
import type { Job } from './job.ts';
import { type Candidates, choose } from './sampling.ts';
import type { SamplingOptions } from './sampling-options.ts';
import type { Sequence } from './sequence.ts';
import type { RowWish, StepResult } from './step.ts';
import { candidateCount, type StepWish } from './step-program.ts';
import { StopStrings } from './stop-strings.ts';

/** Why an answer ended: an end token or stop string, the token limit, or the caller's signal. */
export type FinishReason = 'stop' | 'length' | 'abort';

/** A token's log-probability under the model, before penalties and at temperature 1. */
export interface TokenLogprob {
  readonly id: TokenId;
  readonly logprob: number;
}

/** One generated token. */
export interface TokenDelta {
  readonly type: 'token-delta';
  readonly id: TokenId;
  /** Text that became certain with this token; may be empty. */
  readonly text: string;
  readonly logprob?: number;
  readonly topLogprobs?: readonly TokenLogprob[];
}

/** The end of an answer. */
export interface RequestEnd {
  readonly type: 'request-end';
  /** Text that was held back until now. */
  readonly text: string;
  readonly finishReason: FinishReason;
  /** The stop string that ended it, if one did. */
  readonly stop?: string;
  /** Tokens of the prompt that were not computed, since their keys and values were in the cache. */
  readonly cachedTokens: number;
}

/** What a generation yields, in order: tokens, then one end. */
export type GenerationEvent = TokenDelta | RequestEnd;

/** What a generate job needs besides its sequence. */
export interface GenerateJobOptions {
  readonly sequence: Sequence;
  readonly frequencies: Float32Array;
  readonly sampling: SamplingOptions;
  readonly maxTokens: number;
  readonly endTokens: ReadonlySet<TokenId>;
  readonly stop: readonly string[];
  readonly constraint: Constraint | undefined;
  /** Number of alternatives per token, or undefined for no log-probabilities. */
  readonly logprobs: number | undefined;
  readonly detokenizer: Detokenizer | undefined;
  readonly signal: AbortSignal | undefined;
  /** Called when the consumer leaves early. */
  readonly onLeave: () => void;
}

/** Generates one answer; its events come out of `events`. */
export class GenerateJob implements Job {
  readonly sequence: Sequence;
  readonly frequencies: Float32Array;
  readonly signal: AbortSignal | undefined;
  readonly events: AsyncQueue<GenerationEvent>;
  readonly #options: GenerateJobOptions;
  readonly #adjustments: Adjustments;
  readonly #stops: StopStrings;
  readonly #constrained: ConstrainedAnswer | undefined;
  readonly #wishes: ReadonlySet<StepWish>;
  readonly #promptTokens: number;

  constructor(options: GenerateJobOptions) {
    this.#options = options;
    this.sequence = options.sequence;
    this.frequencies = options.frequencies;
    this.signal = options.signal;
    this.events = new AsyncQueue(options.onLeave);
    this.#promptTokens = options.sequence.tokens.length;
    this.#adjustments = new Adjustments(options.sampling, options.sequence.tokens);
    this.#stops = new StopStrings(options.stop);
    if (options.constraint !== undefined) {
      this.#constrained = new ConstrainedAnswer(options.constraint, options.endTokens);
    }
    const choosing: StepWish = options.sampling.temperature > 0 ? 'sample' : 'greedy';
    this.#wishes = new Set(options.logprobs === undefined ? [choosing] : [choosing, 'logprobs']);
  }

  wish(): RowWish {
    return {
      wishes: this.#wishes,
      temperature: this.#options.sampling.temperature,
      adjustments: this.#adjustments.current(),
      target: 0,
      ...(this.#constrained && { mask: this.#constrained.mask(this.#left()) }),
    };
  }

  async accept(result: StepResult, row: number): Promise<boolean> {
    const id = await this.#choose(result, row);
    if (this.#options.endTokens.has(id)) return this.#end('stop');
    const logprobs = await this.#logprobs(result, row, id);
    this.sequence.tokens.push(id);
    this.#adjustments.add(id);
    const { text, stop } = this.#stops.push(this.#options.detokenizer?.push(id) ?? '');
    this.events.push({ type: 'token-delta', id, text, ...logprobs });
    if (stop !== undefined) return this.#end('stop', stop);
    this.#constrained?.accept(id);
    if (this.#constrained?.isComplete(this.#left()) === true) return this.#end('stop');
    return this.#left() <= 0 ? this.#end('length') : false;
  }

  abort(): void {
    this.#end('abort');
  }

  fail(error: unknown): void {
    this.events.end({ error });
  }

  // Tokens that may still come.
  #left(): number {
    return this.#options.maxTokens - (this.sequence.tokens.length - this.#promptTokens);
  }

  async #choose(result: StepResult, row: number): Promise<TokenId> {
    const { sampling } = this.#options;
    const isGreedy = sampling.temperature === 0;
    this.#checkLogits(result, row, isGreedy ? 'best.values' : 'candidates.values');
    if (isGreedy) return result.row('best.ids', row)[0] as TokenId;
    const draw = random(sampling.seed, sampling.choice, this.sequence.tokens.length);
    const ids = result.row('candidates.ids', row) as Int32Array;
    const candidates: Candidates = {
      ids,
      logits: result.row('candidates.values', row) as Float32Array,
      logSumExp: result.row('candidates.mass', row)[0] as number,
      complete: ids.length < candidateCount,
    };
    const choice = choose(candidates, sampling, draw);
    if (choice !== 'needs-all') return choice.id;
    const all = await result.ranked(row);
    const decided = choose({ ...candidates, ...all, complete: true }, sampling, draw);
    return decided === 'needs-all' ? (all.ids[0] as TokenId) : decided.id;
  }

  // A model whose weights are damaged, and a bias that bans everything, must not look like answers.
  #checkLogits(result: StepResult, row: number, values: string): void {
    if (!Number.isFinite(result.row('mass', row)[0])) {
      throw errors.LOGITS_INVALID({ position: this.sequence.tokens.length });
    }
    if (result.row(values, row)[0] === Number.NEGATIVE_INFINITY) {
      throw errors.OPTION_INVALID({
        option: 'logitBias',
        found: 'a ban of every token that may come next',
        allowed: 'a ban that leaves at least one',
      });
    }
  }

  async #logprobs(
    result: StepResult,
    row: number,
    id: TokenId,
  ): Promise<Pick<TokenDelta, 'logprob' | 'topLogprobs'>> {
    const count = this.#options.logprobs;
    if (count === undefined) return {};
    const mass = result.row('mass', row)[0] as number;
    const ids = result.row('top.ids', row) as Int32Array;
    const values = result.row('top.values', row) as Float32Array;
    const top = Array.from(ids, (topId, rank) => ({
      id: topId,
      logprob: (values[rank] as number) - mass,
    }));
    const listed = top.find((entry) => entry.id === id)?.logprob;
    const logprob = listed ?? ((await result.logits(row))[id] as number) - mass;
    return { logprob, topLogprobs: top.slice(0, count) };
  }

  #end(finishReason: FinishReason, stop?: string): true {
    // After a stop string nothing that was held back belongs to the answer.
    const rest = stop === undefined ? this.#rest() : '';
    this.events.push({
      type: 'request-end',
      text: rest,
      finishReason,
      cachedTokens: this.sequence.reused,
      ...(stop === undefined ? {} : { stop }),
    });
    this.events.end();
    return true;
  }

  #rest(): string {
    const { text, stop } = this.#stops.push(this.#options.detokenizer?.flush() ?? '');
    return stop === undefined ? text + this.#stops.flush() : text;
  }
}
