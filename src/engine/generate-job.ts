// One answer in the making: samples a token whenever its last row has been computed, turns it into
// text, and looks for the end. Knows nothing of other answers.
import { AsyncQueue } from '../base/async-queue.ts';
import { errors } from '../base/errors.ts';
import { present } from '../base/invariant.ts';
import { random } from '../base/random.ts';
import type { Detokenizer, TokenId } from '../tokenizer/tokenizer.ts';
import { type AdjustedLogits, Adjustments, noAdjustments } from './adjustments.ts';
import { ConstrainedAnswer, type Constraint, type TokenMask } from './constraint.ts';
import type { Job, JobPlace } from './job.ts';
import type { RequestTimings } from './observer.ts';
import { type Candidates, choose } from './sampling.ts';
import type { SamplingOptions } from './sampling-options.ts';
import type { Speculator } from './speculator.ts';
import type { RowWish, StepResult } from './step.ts';
import { candidateCount, type StepWish } from './step-program.ts';
import { StopStrings } from './stop-strings.ts';
import {
  readLogprobs,
  readTargetLogprobs,
  type TokenLogprob,
  type TokenWithAlternatives,
} from './token-logprobs.ts';

/** Why an answer ended: an end token or stop string, the token limit, or the caller's signal. */
export type FinishReason = 'stop' | 'length' | 'abort';

/** The prompt has been computed; the answer begins. */
export interface PromptEnd {
  readonly type: 'prompt-end';
  readonly text: '';
  /** Tokens of the prompt that were not computed, since their keys and values were in the cache. */
  readonly cachedTokens: number;
  /** Where asked for: each token of the prompt but the first, given all before it. */
  readonly logprobs?: readonly TokenWithAlternatives[];
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
  readonly timings: RequestTimings;
}

/** What a generation yields, in order: the prompt's end, tokens, one end. */
export type GenerationEvent = PromptEnd | TokenDelta | RequestEnd;

/** What a generate job needs besides its place. */
export interface GenerateJobOptions {
  readonly prompt: readonly TokenId[];
  readonly sampling: SamplingOptions;
  readonly maxTokens: number;
  readonly endTokens: ReadonlySet<TokenId>;
  readonly stop: readonly string[];
  readonly constraint: Constraint | undefined;
  /** Number of alternatives per token, or undefined for no log-probabilities. */
  readonly logprobs: number | undefined;
  /** The same for the tokens of the prompt. */
  readonly promptLogprobs: number | undefined;
  readonly detokenizer: Detokenizer | undefined;
  readonly speculator: Speculator | undefined;
  /** Called when the consumer leaves early. */
  readonly onLeave: () => void;
}

const promptWishes: ReadonlySet<StepWish> = new Set(['score']);

/** Generates one answer; its events come out of `events`. */
export class GenerateJob implements Job {
  readonly place: JobPlace;
  readonly events: AsyncQueue<GenerationEvent>;
  readonly speculator: Speculator | undefined;
  readonly #options: GenerateJobOptions;
  readonly #adjustments: Adjustments;
  readonly #stops: StopStrings;
  readonly #constrained: ConstrainedAnswer | undefined;
  readonly #wishes: ReadonlySet<StepWish>;
  readonly #promptLogprobs: TokenWithAlternatives[] = [];
  #answering = false;

  constructor(place: JobPlace, options: GenerateJobOptions) {
    this.place = place;
    this.#options = options;
    this.speculator = options.speculator;
    this.events = new AsyncQueue(options.onLeave);
    this.#adjustments = new Adjustments(options.sampling, options.prompt);
    this.#stops = new StopStrings(options.stop);
    if (options.constraint !== undefined) {
      this.#constrained = new ConstrainedAnswer(options.constraint.start(), options.endTokens);
    }
    const choosing: StepWish = options.sampling.temperature > 0 ? 'sample' : 'greedy';
    this.#wishes = new Set(options.logprobs === undefined ? [choosing] : [choosing, 'logprobs']);
  }

  wish(position: number): RowWish {
    const { prompt } = this.#options;
    if (position < prompt.length - 1) {
      const target = present(prompt[position + 1], 'token');
      return { wishes: promptWishes, temperature: 1, adjustments: noAdjustments, target };
    }
    return this.#choosing(this.#adjustments.current(), this.#constrained?.mask(this.#left()));
  }

  foresee(draft: readonly TokenId[]): RowWish[] {
    const wishes: RowWish[] = [];
    const adjustments = this.#adjustments.ahead(draft);
    let constrained = this.#constrained;
    for (const [index, id] of draft.entries()) {
      // After the guess so many may still come; a last token needs no row after it.
      const left = this.#left() - index - 1;
      if (left <= 0 || this.#options.endTokens.has(id)) break;
      const next = constrained?.foresee(id, left);
      if (constrained !== undefined && next === undefined) break;
      constrained = next?.answer;
      wishes.push(this.#choosing(present(adjustments[index], 'adjustments'), next?.mask));
    }
    return wishes;
  }

  async accept(result: StepResult, row: number, position: number): Promise<boolean> {
    const { prompt, maxTokens, endTokens, logprobs: count } = this.#options;
    if (position < prompt.length - 1) {
      this.#readPrompt(result, row, position);
      return maxTokens === 0 && position === prompt.length - 2 && this.#end('length');
    }
    this.#endPrompt();
    const id = await this.#choose(result, row);
    if (endTokens.has(id)) return this.#end('stop');
    const logprobs = count === undefined ? {} : await readLogprobs(result, row, { id, count });
    const { sequence, timer } = this.place;
    sequence.tokens.push(id);
    timer.token();
    this.#adjustments.add(id);
    const { text, stop } = this.#stops.push(this.#options.detokenizer?.push(id) ?? '');
    this.events.push({ ...logprobs, type: 'token-delta', id, text });
    if (stop !== undefined) return this.#end('stop', stop);
    this.#constrained?.accept(id);
    if (this.#constrained?.isComplete(this.#left()) === true) return this.#end('stop');
    return this.#left() <= 0 && this.#end('length');
  }

  /** Ends an answer of no tokens about whose prompt nothing was asked. */
  endEmpty(): void {
    this.#end('length');
  }

  abort(): void {
    this.#end('abort');
  }

  fail(error: unknown): void {
    this.place.timer.end('error', this.place.sequence.reused);
    this.events.end({ error });
  }

  #choosing(adjustments: AdjustedLogits, mask: TokenMask | undefined): RowWish {
    const { temperature } = this.#options.sampling;
    return { wishes: this.#wishes, temperature, adjustments, target: 0, ...(mask && { mask }) };
  }

  // Tokens that may still come.
  #left(): number {
    const { maxTokens, prompt } = this.#options;
    return maxTokens - (this.place.sequence.tokens.length - prompt.length);
  }

  #readPrompt(result: StepResult, row: number, position: number): void {
    const { prompt, promptLogprobs: count = 0 } = this.#options;
    this.#checkMass(result, row, position);
    const id = present(prompt[position + 1], 'token');
    this.#promptLogprobs.push(readTargetLogprobs(result, row, { id, count }));
  }

  #endPrompt(): void {
    if (this.#answering) return;
    this.#answering = true;
    this.events.push({
      type: 'prompt-end',
      text: '',
      cachedTokens: this.place.sequence.reused,
      ...(this.#options.promptLogprobs === undefined ? {} : { logprobs: this.#promptLogprobs }),
    });
  }

  async #choose(result: StepResult, row: number): Promise<TokenId> {
    const { sampling } = this.#options;
    const isGreedy = sampling.temperature === 0;
    this.#checkLogits(result, row, isGreedy ? 'best.values' : 'candidates.values');
    if (isGreedy) return result.row('best.ids', row)[0] as TokenId;
    const draw = random(sampling.seed, sampling.choice, this.place.sequence.tokens.length);
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
    this.#checkMass(result, row, this.place.sequence.tokens.length);
    if (result.row(values, row)[0] === Number.NEGATIVE_INFINITY) {
      throw errors.OPTION_INVALID({
        option: 'logitBias',
        found: 'a ban of every token that may come next',
        allowed: 'a ban that leaves at least one',
      });
    }
  }

  #checkMass(result: StepResult, row: number, position: number): void {
    if (!Number.isFinite(result.row('mass', row)[0])) throw errors.LOGITS_INVALID({ position });
  }

  #end(finishReason: FinishReason, stop?: string): true {
    const { sequence, timer } = this.place;
    if (finishReason === 'length') this.#endPrompt();
    // After a stop string nothing that was held back belongs to the answer.
    const rest = stop === undefined ? this.#rest() : '';
    this.events.push({
      type: 'request-end',
      text: rest,
      finishReason,
      cachedTokens: sequence.reused,
      timings: timer.end(finishReason, sequence.reused),
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
