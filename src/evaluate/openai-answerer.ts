// Answers by a model behind an OpenAI-compatible endpoint. Log-likelihoods need prompts echoed with their
// log-probabilities, which is tried out once: an endpoint that cannot is refused with the reason, never
// asked and believed.
import { createHash } from 'node:crypto';
import { concurrently } from '../base/concurrently.ts';
import { CorralError } from '../base/define-errors.ts';
import { errors } from '../base/errors.ts';
import { present } from '../base/invariant.ts';
import type { ChatMessage, Tokenizer } from '../tokenizer/index.ts';
import type { Answerer, AnswerOptions, AnswerReport, ModelDescription } from './answerer.ts';
import { RequestEncoder, type ScoredTokens, unanswerable } from './encode-request.ts';
import { EndpointClient, type EndpointClientOptions } from './endpoint/endpoint-client.ts';
import { type EndpointAbilities, EndpointModel } from './endpoint/endpoint-model.ts';
import {
  type CostEstimate,
  costOf,
  type EndpointPrices,
  type EndpointUsage,
  estimateCost,
} from './endpoint/usage.ts';
import type { ModelRequest, ModelResponse, RequestKind } from './request.ts';

/** How an endpoint answers. */
export interface OpenAiAnswererOptions extends EndpointClientOptions {
  /** As the endpoint names it. */
  readonly model: string;
  /** Requests at a time. Default 8. */
  readonly concurrency?: number;
  /** Are contexts conversations that renderChat wrote? They go to the chat endpoint. */
  readonly usesChatTemplate?: boolean;
  /** The model's own: prompts are then sent as token ids, split and cut as the harness does. */
  readonly tokenizer?: Tokenizer;
  /** Put BOS before token ids? Default: as the tokenizer says. */
  readonly bos?: boolean;
  /** Longest sequence in tokens, with a tokenizer. Default 2048, the harness's. */
  readonly maxLength?: number;
  readonly prices?: EndpointPrices;
  readonly signal?: AbortSignal;
}

/** An answerer that costs money. */
export interface EndpointAnswerer extends Answerer {
  /** What these requests will use, before they are asked. */
  estimate(requests: readonly ModelRequest[]): CostEstimate;
  /** What was used until now, as the endpoint counts it. */
  usage(): EndpointUsage;
}

/**
 * Opens an answerer and finds out what its endpoint can. Throws ENDPOINT_FAILED, or ENDPOINT_REFUSED when it
 * does not know the model or the key.
 * @example const answerer = await openOpenAiAnswerer({ model: 'llama', baseUrl: 'http://127.0.0.1:8000/v1' });
 */
export async function openOpenAiAnswerer(
  options: OpenAiAnswererOptions,
): Promise<EndpointAnswerer> {
  const model = new EndpointModel(new EndpointClient(options), options.model);
  const abilities = await model.findAbilities(options.signal);
  return new OpenAiAnswerer(model, abilities, options);
}

class OpenAiAnswerer implements EndpointAnswerer {
  readonly description: ModelDescription;
  readonly #model: EndpointModel;
  readonly #abilities: EndpointAbilities;
  readonly #options: OpenAiAnswererOptions;
  readonly #encoder: RequestEncoder | undefined;
  readonly #maxLength: number;

  constructor(model: EndpointModel, abilities: EndpointAbilities, options: OpenAiAnswererOptions) {
    const { tokenizer, usesChatTemplate = false, maxLength = 2048 } = options;
    const { bos = tokenizer?.addsBos ?? false } = options;
    this.#model = model;
    this.#abilities = abilities;
    this.#options = options;
    this.#maxLength = maxLength;
    this.#encoder =
      tokenizer === undefined
        ? undefined
        : new RequestEncoder({ tokenizer, bos, control: 'plain' });
    const path = this.#usesChat ? 'chat/completions' : 'completions';
    const template = usesChatTemplate ? "the endpoint's own" : null;
    this.description = {
      name: options.model,
      source: 'openai',
      location: options.baseUrl,
      sha256: null,
      quantisation: null,
      parameters: null,
      chatTemplate: template,
      chatTemplateSha256:
        template === null ? null : createHash('sha256').update(template).digest('hex'),
      bosPolicy: tokenizer === undefined ? 'unknown' : bos ? 'always' : 'never',
      maxLength: tokenizer === undefined ? null : maxLength,
      device: path,
      bosToken: tokenizer?.bos === undefined ? null : tokenizer.piece(tokenizer.bos),
      eosToken: tokenizer?.eos === undefined ? null : tokenizer.piece(tokenizer.eos),
    };
  }

  refusal(kind: RequestKind): string | undefined {
    const { model } = this.#options;
    if (kind === 'generate') return undefined;
    if (this.#options.usesChatTemplate === true) {
      return `log-likelihoods of conversations need the chat template, which only the endpoint of ${model} knows`;
    }
    const { noPromptLogprobs } = this.#abilities;
    if (noPromptLogprobs !== undefined) {
      return `${model} gives no log-probabilities of prompts (${noPromptLogprobs})`;
    }
    if (kind === 'rolling' && this.#encoder === undefined) {
      return `texts longer than the context of ${model} are cut by its tokenizer, which was not given`;
    }
    return undefined;
  }

  /** The conversation as JSON: the endpoint applies its template itself. */
  renderChat(messages: readonly ChatMessage[]): string {
    return JSON.stringify(messages);
  }

  estimate(requests: readonly ModelRequest[]): CostEstimate {
    const { prices, tokenizer } = this.#options;
    return estimateCost(requests, {
      ...(prices === undefined ? {} : { prices }),
      ...(tokenizer === undefined
        ? {}
        : { countTokens: (text: string): number => tokenizer.encode(text).length + 1 }),
    });
  }

  usage(): EndpointUsage {
    const { usage } = this.#model;
    const { prices } = this.#options;
    return prices === undefined ? usage : { ...usage, cost: costOf(usage, prices) };
  }

  async answer(requests: readonly ModelRequest[], options: AnswerOptions): Promise<AnswerReport> {
    const before = this.usage();
    const responses = [...(options.known ?? [])];
    // Longest first: the estimate of the time left is rather too long than too short.
    const lengths = requests.map((request) => this.estimate([request]));
    const sizeOf = (index: number): number => {
      const { inputTokens, outputTokensAtMost } = present(lengths[index], 'estimate');
      return inputTokens + outputTokensAtMost;
    };
    const open = [...requests.keys()].filter((index) => responses[index] === undefined);
    const order = open.sort((a, b) => sizeOf(b) - sizeOf(a));
    const total = order.reduce((sum, index) => sum + sizeOf(index), 0);
    const stop = new AbortController();
    const signals = [stop.signal, ...(options.signal === undefined ? [] : [options.signal])];
    const signal = AbortSignal.any(signals);
    let done = 0;
    const limit = this.#options.concurrency ?? 8;
    await concurrently({ count: order.length, limit }, async (at) => {
      const index = present(order[at], 'index');
      const item = options.describe?.(index) ?? `request ${index}`;
      try {
        if (signal.aborted) throw errors.ABORTED({ what: 'Evaluation' });
        const request = present(requests[index], 'request');
        const response = await this.#answerOne(request, { item, signal });
        responses[index] = response;
        options.onAnswer(index, response);
      } catch (error) {
        stop.abort();
        throw refusesText(error) ? unanswerable(error, item) : error;
      }
      done += sizeOf(index);
      options.onProgress?.({ task: 'Evaluating', done, total, unit: 'tokens' });
    });
    const { inputTokens, outputTokens } = this.usage();
    const computedTokens = inputTokens - before.inputTokens + outputTokens - before.outputTokens;
    const tokens = responses.reduce((sum, response) => sum + tokensOf(response), 0);
    return { plannedTokens: tokens, naiveTokens: tokens, computedTokens };
  }

  async close(): Promise<void> {}

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  get #usesChat(): boolean {
    return this.#options.usesChatTemplate === true || this.#abilities.noCompletions !== undefined;
  }

  async #answerOne(
    request: ModelRequest,
    { item, signal }: { readonly item: string; readonly signal: AbortSignal },
  ): Promise<ModelResponse> {
    if (request.kind === 'generate') {
      const prompt = this.#usesChat ? this.#messages(request.context) : request.context;
      return this.#model.generate(prompt, request, signal);
    }
    const encoder = this.#encoder;
    if (request.kind === 'rolling') {
      const windows = present(encoder, 'tokenizer').encodeRolling(
        request.text,
        this.#maxLength - 1,
      );
      let logprob = 0;
      let tokens = 0;
      for (const window of windows) {
        logprob += (await this.#scoreIds(window, signal)).logprob;
        tokens += window.tokens.length - window.from;
      }
      return { kind: 'rolling', logprob, tokens };
    }
    if (encoder === undefined) {
      const score = await this.#model.scoreText(request, signal);
      return { kind: 'loglikelihood', ...score, cut: 0 };
    }
    // One token less than the context: servers want room for the one that is written.
    const pair = encodeFor(item, () => encoder.encodePair(request, this.#maxLength - 2));
    const { logprob, greedy } = await this.#scoreIds(pair, signal);
    const tokens = pair.tokens.length + pair.cut;
    return { kind: 'loglikelihood', logprob, greedy, tokens, cut: pair.cut };
  }

  #scoreIds(
    { tokens, from }: ScoredTokens,
    signal: AbortSignal,
  ): Promise<{ readonly logprob: number; readonly greedy: boolean }> {
    return this.#model.scoreIds(tokens, from, signal);
  }

  #messages(context: string): readonly ChatMessage[] {
    if (this.#options.usesChatTemplate !== true) return [{ role: 'user', content: context }];
    return JSON.parse(context) as ChatMessage[];
  }
}

/** Was it this text that the endpoint would not have, such as one longer than its context? */
function refusesText(error: unknown): boolean {
  if (!CorralError.isInstance(error) || error.code !== 'CORRAL_ENDPOINT_REFUSED') return false;
  return [400, 413, 422].includes(Number(error.data['status']));
}

function encodeFor(item: string, encode: () => ScoredTokens): ScoredTokens {
  try {
    return encode();
  } catch (cause) {
    throw unanswerable(cause, item);
  }
}

/** What an answer took, context and all. */
function tokensOf(response: ModelResponse | undefined): number {
  switch (response?.kind) {
    case 'generate':
      return response.promptTokens - response.cut + response.tokens;
    case 'loglikelihood':
      return response.tokens - response.cut;
    default:
      return response?.tokens ?? 0;
  }
}
