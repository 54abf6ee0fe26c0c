// One model of an OpenAI-compatible endpoint: what it can, completions, conversations, and scores of
// prompts. Every answer is checked before it is believed.
import { z } from 'zod';
import { errors } from '../../base/errors.ts';
import { present } from '../../base/invariant.ts';
import type { ChatMessage, TokenId } from '../../tokenizer/index.ts';
import type { GenerateRequest, GenerateResponse } from '../request.ts';
import type { EndpointClient, Refusal } from './endpoint-client.ts';
import {
  type EchoedCompletion,
  type EndpointUsageFields,
  echoedCompletion,
  type PromptScore,
  scoreIds,
  scoreText,
  usageFields,
} from './prompt-logprobs.ts';

/** What an endpoint can; a reason for each thing it cannot. */
export interface EndpointAbilities {
  /** Why there are no log-probabilities of prompts. */
  readonly noPromptLogprobs: string | undefined;
  /** Why there are no plain completions, only conversations. */
  readonly noCompletions: string | undefined;
}

const finishReason = z.string().nullish();
const completion = z.object({
  choices: z.array(z.object({ text: z.string(), finish_reason: finishReason })).min(1),
  usage: usageFields,
});
const conversation = z.object({
  choices: z
    .array(
      z.object({
        message: z.object({ content: z.string().nullish() }),
        finish_reason: finishReason,
      }),
    )
    .min(1),
  usage: usageFields,
});

// OpenAI takes no more; the rest is looked for here.
const mostStops = 4;

const probe = { context: 'The capital of France is', continuation: ' Paris' };

/** Asks one model. */
export class EndpointModel {
  readonly #client: EndpointClient;
  readonly #name: string;
  readonly usage = { requests: 0, inputTokens: 0, outputTokens: 0 };
  // Newer models of OpenAI call it max_completion_tokens and refuse the other name.
  #limitName = 'max_tokens';
  #takesStops = true;

  constructor(client: EndpointClient, name: string) {
    this.#client = client;
    this.#name = name;
  }

  /** Asks one small question. Throws ENDPOINT_REFUSED for a wrong key or model, ENDPOINT_FAILED. */
  async findAbilities(signal?: AbortSignal): Promise<EndpointAbilities> {
    const path = 'completions';
    const prompt = probe.context + probe.continuation;
    const { body, refusal } = await this.#client.post(path, this.#scoring(prompt), signal);
    if (refusal?.status === 401 || refusal?.status === 403) throw this.#refused(path, refusal);
    if (refusal !== undefined) {
      const plain = await this.#client.post(
        path,
        { ...this.#plain(prompt), max_tokens: 1 },
        signal,
      );
      const noCompletions = plain.refusal?.message;
      return { noCompletions, noPromptLogprobs: refusal.message };
    }
    const echoed = echoedCompletion.safeParse(body).data;
    if (echoed === undefined) {
      return { noCompletions: undefined, noPromptLogprobs: 'it does not echo prompts' };
    }
    this.#count(echoed.usage);
    const score = scoreText(echoed, probe);
    const noPromptLogprobs = typeof score === 'string' ? `it answered ${score}` : undefined;
    return { noCompletions: undefined, noPromptLogprobs };
  }

  /** Log-probability of a continuation as text. Throws ENDPOINT_ANSWER_INVALID. */
  async scoreText(
    text: { readonly context: string; readonly continuation: string },
    signal: AbortSignal,
  ): Promise<PromptScore> {
    const echoed = await this.#echo(text.context + text.continuation, signal);
    return this.#believe(scoreText(echoed, text));
  }

  /** Log-probability of tokens[from] and all after it. Throws ENDPOINT_ANSWER_INVALID. */
  async scoreIds(
    tokens: readonly TokenId[],
    from: number,
    signal: AbortSignal,
  ): Promise<PromptScore> {
    const echoed = await this.#echo(tokens, signal);
    return this.#believe(scoreIds(echoed, { from, count: tokens.length }));
  }

  /** Continues a text, or answers a conversation. */
  async generate(
    prompt: string | readonly ChatMessage[],
    request: GenerateRequest,
    signal: AbortSignal,
  ): Promise<GenerateResponse> {
    const isText = typeof prompt === 'string';
    const path = isText ? 'completions' : 'chat/completions';
    const stops = request.until.filter((text) => text !== '');
    const ask = (): Record<string, unknown> => ({
      model: this.#name,
      ...(isText ? { prompt } : { messages: prompt }),
      [this.#limitName]: request.maxTokens,
      temperature: request.temperature,
      top_p: request.topP,
      seed: request.seed,
      ...(this.#takesStops && stops.length > 0 ? { stop: stops.slice(0, mostStops) } : {}),
    });
    let answer = await this.#client.post(path, ask(), signal);
    while (answer.refusal !== undefined) {
      if (!this.#adapt(answer.refusal)) throw this.#refused(path, answer.refusal);
      answer = await this.#client.post(path, ask(), signal);
    }
    const { text, finish, usage } = isText
      ? this.#readCompletion(path, answer.body)
      : this.#readConversation(path, answer.body);
    this.#count(usage);
    const ends = stops.map((stop) => text.indexOf(stop)).filter((at) => at >= 0);
    return {
      kind: 'generate',
      text: text.slice(0, Math.min(text.length, ...ends)),
      promptTokens: usage?.prompt_tokens ?? 0,
      tokens: usage?.completion_tokens ?? 0,
      finish: ends.length === 0 && finish === 'length' ? 'length' : 'stop',
      cut: 0,
    };
  }

  // True when asking in another way may help, at most once for each way.
  #adapt({ status, message, parameter }: Refusal): boolean {
    if (status !== 400) return false;
    const isAbout = (name: string): boolean => parameter === name || message.includes(`'${name}'`);
    if (this.#limitName === 'max_tokens' && isAbout('max_tokens')) {
      this.#limitName = 'max_completion_tokens';
      return true;
    }
    if (this.#takesStops && isAbout('stop')) {
      this.#takesStops = false;
      return true;
    }
    return false;
  }

  async #echo(prompt: string | readonly TokenId[], signal: AbortSignal): Promise<EchoedCompletion> {
    const path = 'completions';
    const { body, refusal } = await this.#client.post(path, this.#scoring(prompt), signal);
    if (refusal !== undefined) throw this.#refused(path, refusal);
    const echoed = this.#parse(echoedCompletion, path, body);
    this.#count(echoed.usage);
    return echoed;
  }

  // As lm-evaluation-harness asks (lm_eval/models/openai_completions.py).
  #scoring(prompt: string | readonly TokenId[]): Record<string, unknown> {
    return { ...this.#plain(prompt), max_tokens: 1, logprobs: 1, echo: true };
  }

  #plain(prompt: string | readonly TokenId[]): Record<string, unknown> {
    return { model: this.#name, prompt, temperature: 0, seed: 1234 };
  }

  #readCompletion(path: string, body: unknown): Written {
    const { choices, usage } = this.#parse(completion, path, body);
    const { text, finish_reason: finish } = present(choices[0], 'choice');
    return { text, finish, usage };
  }

  #readConversation(path: string, body: unknown): Written {
    const { choices, usage } = this.#parse(conversation, path, body);
    const { message, finish_reason: finish } = present(choices[0], 'choice');
    return { text: message.content ?? '', finish, usage };
  }

  #parse<T>(schema: z.ZodType<T>, path: string, body: unknown): T {
    const parsed = schema.safeParse(body);
    if (parsed.success) return parsed.data;
    const issue = parsed.error.issues[0];
    const found = `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'another shape'}`;
    throw errors.ENDPOINT_ANSWER_INVALID({ url: this.#client.url(path), found });
  }

  #believe(score: PromptScore | string): PromptScore {
    if (typeof score !== 'string') return score;
    throw errors.ENDPOINT_ANSWER_INVALID({ url: this.#client.url('completions'), found: score });
  }

  #count(usage: EndpointUsageFields): void {
    this.usage.requests++;
    this.usage.inputTokens += usage?.prompt_tokens ?? 0;
    this.usage.outputTokens += usage?.completion_tokens ?? 0;
  }

  #refused(path: string, { status, message }: Refusal): Error {
    const reason = message.replace(/\.$/u, '');
    return errors.ENDPOINT_REFUSED({ url: this.#client.url(path), status, reason });
  }
}

interface Written {
  readonly text: string;
  readonly finish: string | null | undefined;
  readonly usage: EndpointUsageFields;
}
