// Answers by Corral's own engine: many requests in flight, shared beginnings computed once.
import { concurrently } from '../base/concurrently.ts';
import { errors } from '../base/errors.ts';
import { present } from '../base/invariant.ts';
import type { Engine, RequestEnd } from '../engine/index.ts';
import { type ChatMessage, encodeChat } from '../tokenizer/index.ts';
import type { Answerer, AnswerOptions, AnswerReport, ModelDescription } from './answerer.ts';
import { type DescribeOptions, describeModel, type EvaluatedModel } from './describe-model.ts';
import { RequestEncoder } from './encode-request.ts';
import {
  computedOf,
  type Plan,
  type PlannedWork,
  planCost,
  planRequests,
  remainingWork,
  type Use,
  type Work,
} from './plan-requests.ts';
import type { ModelRequest, ModelResponse, RequestKind } from './request.ts';

// Enough that each step of the engine is full, few enough that what shares a page is close together.
const workAtOnce = 32;

/** How an engine answers. */
export interface EngineAnswererOptions extends Omit<DescribeOptions, 'bos' | 'usesChatTemplate'> {
  /** Put BOS before texts? Default: as the tokenizer says. */
  readonly bos?: boolean;
  /** Are contexts conversations that renderChat wrote? Their control strings are then control tokens. */
  readonly usesChatTemplate?: boolean;
  /** Does the engine compute equal beginnings once, as it was opened? What is planned depends on it. Default true. */
  readonly sharesPrefixes?: boolean;
}

/**
 * Opens an answerer over a loaded model and hashes its files. Closing it closes the model.
 * Throws what opening its checkpoint throws.
 * @example const answerer = await openEngineAnswerer(await load('model.gguf'), { database });
 */
export async function openEngineAnswerer(
  model: EvaluatedModel,
  options: EngineAnswererOptions,
): Promise<Answerer> {
  const {
    bos = model.tokenizer.addsBos,
    usesChatTemplate = false,
    sharesPrefixes = true,
  } = options;
  const { description, endTokens } = await describeModel(model, {
    ...options,
    bos,
    usesChatTemplate,
  });
  const { tokenizer } = model;
  const encoder = new RequestEncoder({
    tokenizer,
    bos,
    control: usesChatTemplate ? 'parse' : 'plain',
  });
  const eos = tokenizer.eos === undefined ? [] : [tokenizer.eos];
  return new EngineAnswerer(model, {
    description,
    encoder,
    endTokens: [...endTokens, ...eos],
    sharesPrefixes,
  });
}

interface EngineAnswererParts {
  readonly description: ModelDescription;
  readonly encoder: RequestEncoder;
  readonly endTokens: readonly number[];
  readonly sharesPrefixes: boolean;
}

class EngineAnswerer implements Answerer {
  readonly description: ModelDescription;
  readonly #model: EvaluatedModel;
  readonly #parts: EngineAnswererParts;

  constructor(model: EvaluatedModel, parts: EngineAnswererParts) {
    this.#model = model;
    this.#parts = parts;
    this.description = parts.description;
  }

  refusal(_: RequestKind, maxTokens = 0): string | undefined {
    const { context } = this.#model.engine;
    if (maxTokens < context) return undefined;
    return `answers of up to ${maxTokens} tokens do not fit the model's context of ${context}`;
  }

  renderChat(messages: readonly ChatMessage[]): string {
    const { chatTemplate, name, tokenizer } = this.#model;
    if (chatTemplate === undefined) throw errors.CHAT_TEMPLATE_MISSING({ model: name });
    return encodeChat(tokenizer, messages, { template: chatTemplate }).text;
  }

  async answer(requests: readonly ModelRequest[], options: AnswerOptions): Promise<AnswerReport> {
    const { signal, describe, onProgress } = options;
    const { engine, tokenizer } = this.#model;
    const { encoder, sharesPrefixes } = this.#parts;
    // All of them, also those with answers: the cost is that of a run without a break.
    const plan = await planRequests(requests, {
      encoder,
      maxLength: engine.context,
      sharesPrefixes,
      ...(signal === undefined ? {} : { signal }),
      ...(describe === undefined ? {} : { describe }),
      ...(onProgress === undefined ? {} : { onProgress }),
    });
    const round = new Round({
      ...this.#parts,
      engine,
      plan,
      options,
      controls: tokenizer.controls,
    });
    return round.run();
  }

  close(): Promise<void> {
    return this.#model.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

interface RoundParts extends Pick<EngineAnswererParts, 'endTokens' | 'sharesPrefixes'> {
  readonly engine: Engine;
  readonly controls: ReadonlyMap<string, number>;
  readonly plan: Plan;
  readonly options: AnswerOptions;
}

interface OpenRolling {
  missing: number;
  tokens: number;
  readonly sums: number[];
}

// One call of answer(): the work under way and what is known of requests whose windows are not all in.
class Round {
  readonly #parts: RoundParts;
  readonly #open = new Map<number, OpenRolling>();
  readonly #stop = new AbortController();
  readonly #signal: AbortSignal;
  readonly #work: readonly PlannedWork[];
  readonly #responses: (ModelResponse | undefined)[];
  readonly #total: number;
  #done = 0;
  #computed = 0;

  constructor(parts: RoundParts) {
    this.#parts = parts;
    const { signal } = parts.options;
    this.#signal = AbortSignal.any([this.#stop.signal, ...(signal === undefined ? [] : [signal])]);
    this.#responses = [...(parts.options.known ?? [])];
    const isOpen = (request: number): boolean => this.#responses[request] === undefined;
    this.#work = remainingWork(parts.plan, isOpen, parts);
    this.#total = this.#work.reduce((sum, work) => sum + work.expectedTokens, 0);
    for (const [request, missing] of parts.plan.windows) {
      if (isOpen(request)) this.#open.set(request, { missing, tokens: 0, sums: [] });
    }
  }

  async run(): Promise<AnswerReport> {
    const work = this.#work;
    for (const [request, { missing }] of this.#open) {
      // A text without tokens has no windows: its log-probability is that of certainty.
      if (missing === 0) this.#answer(request, { kind: 'rolling', logprob: 0, tokens: 0 });
    }
    await concurrently({ count: work.length, limit: workAtOnce }, async (index) => {
      this.#throwIfAborted();
      try {
        await this.#do(present(work[index], 'work'));
      } catch (error) {
        this.#stop.abort();
        throw error;
      }
    });
    const cost = planCost(this.#parts.plan, this.#responses);
    return { ...cost, computedTokens: this.#computed };
  }

  async #do({ work, expectedTokens }: PlannedWork): Promise<void> {
    if (work.kind === 'score') await this.#score(work);
    else if (work.kind === 'choices') await this.#scoreChoices(work);
    else await this.#generate(work);
    this.#done += expectedTokens;
    this.#parts.options.onProgress?.({
      task: 'Evaluating',
      done: this.#done,
      total: this.#total,
      unit: 'tokens',
    });
  }

  async #score({ tokens, from, uses }: Extract<Work, { kind: 'score' }>): Promise<void> {
    const score = await this.#parts.engine.score(Array.from(tokens), {
      from,
      priority: 'batch',
      signal: this.#signal,
    });
    this.#computed += tokens.length - 1 - score.cachedTokens;
    const logprob = score.logprobs.reduce((sum, each) => sum + each, 0);
    const greedy = score.greedy.every((each) => each);
    for (const use of uses) this.#scored(use, { logprob, greedy, tokens: tokens.length, from });
  }

  async #scoreChoices({ tokens, choices }: Extract<Work, { kind: 'choices' }>): Promise<void> {
    const ids = [...choices.keys()];
    const score = await this.#parts.engine.scoreChoices(Array.from(tokens), ids, {
      priority: 'batch',
      signal: this.#signal,
    });
    this.#computed += tokens.length - score.cachedTokens;
    for (const [index, id] of ids.entries()) {
      const logprob = present(score.logprobs[index], 'log-probability');
      const greedy = present(score.greedy[index], 'greedy');
      const found = { logprob, greedy, tokens: tokens.length + 1, from: tokens.length };
      for (const use of present(choices.get(id), 'uses')) this.#scored(use, found);
    }
  }

  // An answer to a pair, or one window of a rolling request.
  #scored(
    { request, window, cut }: Use,
    found: { logprob: number; greedy: boolean; tokens: number; from: number },
  ): void {
    const { logprob, greedy, tokens, from } = found;
    const open = this.#open.get(request);
    if (open === undefined) {
      this.#answer(request, { kind: 'loglikelihood', logprob, greedy, tokens: tokens + cut, cut });
      return;
    }
    open.sums[window] = logprob;
    open.tokens += tokens - from;
    open.missing--;
    if (open.missing > 0) return;
    // Added up in the order of the text, whichever window came first.
    const sum = open.sums.reduce((total, each) => total + each, 0);
    this.#answer(request, { kind: 'rolling', logprob: sum, tokens: open.tokens });
  }

  async #generate({ tokens, request, uses }: Extract<Work, { kind: 'generate' }>): Promise<void> {
    const { engine, controls, endTokens } = this.#parts;
    const { until, maxTokens, temperature, topP, seed } = request;
    // Control tokens have no text to stop at: a stop string that names one is that token.
    const named = until.flatMap((text) => controls.get(text) ?? []);
    let text = '';
    let count = 0;
    let end: RequestEnd | undefined;
    const events = engine.generate({
      prompt: Array.from(tokens),
      maxTokens,
      temperature,
      topP,
      seed,
      stop: until.filter((each) => each !== ''),
      endTokens: [...endTokens, ...named],
      priority: 'batch',
      signal: this.#signal,
    });
    for await (const event of events) {
      text += event.text;
      if (event.type === 'token-delta') count++;
      else if (event.type === 'request-end') end = event;
    }
    this.#throwIfAborted();
    const { finishReason, cachedTokens } = present(end, 'end');
    this.#computed += tokens.length + computedOf(count) - cachedTokens;
    for (const { request: index, cut } of uses) {
      this.#answer(index, {
        kind: 'generate',
        text,
        promptTokens: tokens.length + cut,
        tokens: count,
        finish: finishReason === 'length' ? 'length' : 'stop',
        cut,
      });
    }
  }

  #answer(request: number, response: ModelResponse): void {
    this.#responses[request] = response;
    this.#parts.options.onAnswer(request, response);
  }

  #throwIfAborted(): void {
    if (this.#signal.aborted) throw errors.ABORTED({ what: 'Evaluation' });
  }
}
