// A loaded model as programs use it: complete, chat, score, measure. A thin face of the engine that
// adds text, chat templates and defaults; the command line calls nothing else.
import { errors } from '../base/errors.ts';
import type { OnProgress } from '../base/progress.ts';
import type { Device, DeviceInfo } from '../device/device.ts';
import {
  type Engine,
  type GenerateRequest,
  measurePerplexity,
  type Perplexity,
  type SamplingRequest,
  type Score,
  type Speculate,
} from '../engine/index.ts';
import type { GenerationDefaults } from '../formats/checkpoint.ts';
import type { LlamaConfig } from '../formats/llama-config.ts';
import { type ChatMessage, encodeChat } from '../tokenizer/chat.ts';
import type { TokenId, Tokenizer } from '../tokenizer/tokenizer.ts';
import { Generation } from './generation.ts';

// What Meta's own Llama 2 code samples with; used where neither caller nor checkpoint says.
const defaultTemperature = 0.6;
const defaultTopP = 0.9;

/** What an answer may be asked for. Sampling defaults come from the checkpoint, then temperature 0.6, top-p 0.9. */
export interface GenerateOptions extends SamplingRequest {
  /** Default: what is left of the context. */
  readonly maxTokens?: number;
  /** Strings that end the answer; they are not part of it. */
  readonly stop?: string | readonly string[];
  /** Alternatives to report per token, 0 to 32. */
  readonly logprobs?: number;
  /** How the next tokens are guessed ahead; the answer is the same with any. Default: as the model was loaded. */
  readonly speculate?: Speculate;
  /** Ends the answer, which then has finishReason `abort` and what was said so far. */
  readonly signal?: AbortSignal;
}

/** What a Llama is put together from. */
export interface LlamaParts {
  readonly name: string;
  readonly path: string;
  readonly config: LlamaConfig;
  readonly tokenizer: Tokenizer | undefined;
  readonly chatTemplate: string | undefined;
  readonly generation: GenerationDefaults;
  readonly engine: Engine;
  /** Guesses for it. */
  readonly drafter: Engine | undefined;
  readonly device: Device;
  readonly loadSeconds: number;
}

/** A model that answers. Free it with close(), `using` or `await using`. */
export class Llama implements Disposable, AsyncDisposable {
  readonly #parts: LlamaParts;
  #closing: Promise<void> | undefined;

  constructor(parts: LlamaParts) {
    this.#parts = parts;
  }

  get name(): string {
    return this.#parts.name;
  }

  get path(): string {
    return this.#parts.path;
  }

  get config(): LlamaConfig {
    return this.#parts.config;
  }

  /** Longest sequence in tokens, prompt and answer together. */
  get context(): number {
    return this.#parts.engine.context;
  }

  get device(): DeviceInfo {
    return this.#parts.device.info;
  }

  get loadSeconds(): number {
    return this.#parts.loadSeconds;
  }

  /** Jinja source of the chat template, `llama-2`, or undefined when the model has none. */
  get chatTemplate(): string | undefined {
    return this.#parts.chatTemplate;
  }

  /** What the model's authors sample with. */
  get generation(): GenerationDefaults {
    return this.#parts.generation;
  }

  /** The engine beneath, for requests in tokens. */
  get engine(): Engine {
    return this.#parts.engine;
  }

  /** Throws TOKENIZER_NEEDED when the checkpoint carries none and none was given. */
  get tokenizer(): Tokenizer {
    const { tokenizer, path } = this.#parts;
    if (tokenizer === undefined) throw errors.TOKENIZER_NEEDED({ path });
    return tokenizer;
  }

  /**
   * Continues a prompt. A string gets BOS as the tokenizer says; ids are taken as they are.
   * @example for await (const piece of llama.complete('Once upon a time')) process.stdout.write(piece);
   */
  complete(prompt: string | readonly TokenId[], options: GenerateOptions = {}): Generation {
    const ids = typeof prompt === 'string' ? this.#encodePrompt(prompt) : prompt;
    if (!Array.isArray(ids)) {
      throw errors.OPTION_INVALID({
        option: 'prompt',
        found: typeof ids,
        allowed: 'a string or a list of token ids',
      });
    }
    // An answer that follows nothing but BOS is a text of its own, without the dummy space.
    const empty = ids.length === 1 && ids[0] === this.#parts.tokenizer?.bos;
    return this.#generate(ids, empty ? 'text' : 'continuation', options);
  }

  /**
   * Answers the last message of a conversation by the model's chat template.
   * @example for await (const piece of llama.chat([{ role: 'user', content: 'Hello' }])) process.stdout.write(piece);
   */
  chat(messages: readonly ChatMessage[], options: GenerateOptions = {}): Generation {
    if (!Array.isArray(messages)) {
      throw errors.OPTION_INVALID({
        option: 'messages',
        found: typeof messages,
        allowed: 'a list such as [{ role: "user", content: "Hello" }]',
      });
    }
    const { chatTemplate } = this.#parts;
    const { ids } = encodeChat(this.tokenizer, messages, {
      ...(chatTemplate === undefined ? {} : { template: chatTemplate }),
      addGenerationPrompt: true,
    });
    return this.#generate(ids, 'text', options);
  }

  /**
   * Log-probabilities of a text's tokens, each given BOS and all before it, or of ids after the first.
   * @example const { logprobs } = await llama.score('The sky is blue.');
   */
  async score(
    text: string | readonly TokenId[],
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<Score & { readonly tokens: readonly TokenId[] }> {
    const ids = typeof text === 'string' ? [this.#bos(), ...this.tokenizer.encode(text)] : text;
    const score = await this.#parts.engine.score(ids, options);
    return { ...score, tokens: ids.slice(1) };
  }

  /** Perplexity of a text of any length; see measurePerplexity for windows and stride. */
  async perplexity(
    text: string,
    options: {
      readonly stride?: number;
      readonly onProgress?: OnProgress;
      readonly signal?: AbortSignal;
    } = {},
  ): Promise<Perplexity> {
    return measurePerplexity(this.#parts.engine, {
      ...options,
      tokens: this.tokenizer.encode(text),
      bos: this.#bos(),
      bytes: Buffer.byteLength(text),
    });
  }

  /** Ends what runs and frees model and device. Calls after the first await the same end. */
  close(): Promise<void> {
    this.#closing ??= this.#closeOnce();
    return this.#closing;
  }

  async #closeOnce(): Promise<void> {
    await this.#parts.engine.close();
    await this.#parts.drafter?.close();
    await this.#parts.device.close();
  }

  [Symbol.dispose](): void {
    // Freed in the background: nothing can use it any more.
    void this.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #generate(
    prompt: readonly TokenId[],
    start: 'text' | 'continuation',
    options: GenerateOptions,
  ): Generation {
    const { engine, generation, loadSeconds } = this.#parts;
    const { endTokens, ...defaults } = generation;
    const request: GenerateRequest = {
      temperature: defaultTemperature,
      topP: defaultTopP,
      ...defaults,
      // An option that is undefined is one that was not given.
      ...Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)),
      prompt,
      start,
      ...(endTokens.length > 0 ? { endTokens } : {}),
    };
    return new Generation(() => engine.generate(request), {
      promptTokens: prompt.length,
      loadSeconds,
      now: () => performance.now(),
    });
  }

  #encodePrompt(text: string): TokenId[] {
    const ids = this.tokenizer.encode(text, { bos: this.tokenizer.addsBos });
    return ids.length > 0 ? ids : [this.#bos()];
  }

  #bos(): TokenId {
    const { bos } = this.tokenizer;
    if (bos !== undefined) return bos;
    throw errors.OPTION_INVALID({
      option: 'prompt',
      found: 'a text that needs BOS before it',
      allowed: 'token ids, since this tokenizer has no BOS',
    });
  }
}
