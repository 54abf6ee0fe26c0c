// The model on a device with its cache and its scheduler. Every request, one or fifty, is rows of the
// same steps. Knows nothing of HTTP, chats or files.
import { errors } from '../base/errors.ts';
import { invariant, present } from '../base/invariant.ts';
import type { Device, DeviceBuffer } from '../device/device.ts';
import type { LlamaConfig } from '../formats/llama-config.ts';
import type { Tap } from '../model/llama.ts';
import { ropeFrequencies } from '../model/rope.ts';
import type { Detokenizer, TokenId, Tokenizer } from '../tokenizer/tokenizer.ts';
import { allocateCache, type CacheType, countPages, pageSize } from './cache.ts';
import { GenerateJob, type GenerationEvent } from './generate-job.ts';
import type { Job } from './job.ts';
import { checkBias, resolveSampling, type SamplingRequest } from './sampling-options.ts';
import {
  apply,
  createScheduler,
  enqueue,
  plan,
  remove,
  type SchedulerState,
  type Sequence,
} from './scheduler.ts';
import { type Score, ScoreJob } from './score-job.ts';
import { type StepChunk, StepRunner } from './step.ts';
import { maxTopLogprobs, recordStep } from './step-program.ts';

// Rows of one step: enough to use the matrix kernels fully, few enough that running answers do not wait.
const rowBudget = 256;

// Full-length sequences a cache may be asked to hold; their page tables stay small.
const maxSequences = 4096;

/** How an engine is opened. */
export interface EngineOptions {
  readonly config: LlamaConfig;
  readonly device: Device;
  /** Weights by tensor name, as loadWeights gives them. */
  readonly weights: Readonly<Record<string, DeviceBuffer>>;
  /** Absent: tokens can be scored and generated, but there is no text and no stop string. */
  readonly tokenizer?: Tokenizer;
  /** Longest sequence in tokens. Default: the model's context. */
  readonly context?: number;
  /** Type of the cache. Default f16. */
  readonly cache?: CacheType;
  /** Full-length sequences the cache holds at once; more wait. Default: as many as fit in 4 GiB, at most 16. */
  readonly sequences?: number;
  readonly taps?: ReadonlyMap<string, Tap>;
}

/** A request for one answer. */
export interface GenerateRequest extends SamplingRequest {
  /** At least one token; usually it begins with BOS. */
  readonly prompt: readonly TokenId[];
  /** Default: what is left of the context. */
  readonly maxTokens?: number;
  /** Ids that end the answer; they are not part of it. Default: the tokenizer's EOS. */
  readonly endTokens?: readonly TokenId[];
  /** Strings that end the answer; they are not part of it. */
  readonly stop?: string | readonly string[];
  /** Alternatives to report per token, 0 to 32; absent: no log-probabilities. */
  readonly logprobs?: number;
  /** `text` takes off the space that tokenizers put before a text. Default `continuation`. */
  readonly start?: 'text' | 'continuation';
  readonly signal?: AbortSignal;
}

/** Turns requests into tokens. Close it before its device. */
export class Engine {
  readonly config: LlamaConfig;
  readonly context: number;
  readonly cacheType: CacheType;
  readonly #tokenizer: Tokenizer | undefined;
  readonly #device: Device;
  readonly #cache: Readonly<Record<string, DeviceBuffer>>;
  readonly #runner: StepRunner;
  readonly #state: SchedulerState;
  readonly #jobs = new Map<Sequence, Job>();
  #nextId = 0;
  #working: Promise<void> | undefined;
  #closed = false;

  private constructor(
    options: EngineOptions,
    sized: { context: number; type: CacheType; pages: number },
    cache: Readonly<Record<string, DeviceBuffer>>,
  ) {
    this.config = options.config;
    this.context = sized.context;
    this.cacheType = sized.type;
    this.#tokenizer = options.tokenizer;
    this.#device = options.device;
    this.#cache = cache;
    const slots = sized.pages * pageSize;
    const program = recordStep(options.config, { slots, pageSize }, options.taps);
    this.#runner = new StepRunner(options.device, program, { ...options.weights, ...cache });
    this.#state = createScheduler(sized.pages, pageSize);
  }

  /** Allocates the cache. Throws OPTION_INVALID, DEVICE_UNSUPPORTED or OUT_OF_MEMORY. */
  static async open(options: EngineOptions): Promise<Engine> {
    const { config, device, sequences, cache: type = 'f16', context = config.context } = options;
    if (!(Number.isInteger(context) && context >= 1 && context <= config.context)) {
      throw errors.OPTION_INVALID({
        option: 'context',
        found: String(context),
        allowed: `1 to ${config.context}, the model's own context`,
      });
    }
    if (
      sequences !== undefined &&
      !(Number.isInteger(sequences) && sequences >= 1 && sequences <= maxSequences)
    ) {
      throw errors.OPTION_INVALID({
        option: 'sequences',
        found: String(sequences),
        allowed: `an integer from 1 to ${maxSequences}`,
      });
    }
    const pages = countPages(config, type, context, sequences);
    const cache = await allocateCache(device, config, type, pages);
    return new Engine(options, { context, type, pages }, cache);
  }

  /**
   * Streams an answer. Leaving the loop, or the signal, frees its place; a signal ends the stream with
   * `finishReason: 'abort'`. Throws CONTEXT_OVERFLOW, OPTION_INVALID or TOKEN_UNKNOWN at once.
   * @example for await (const event of engine.generate({ prompt: [1], temperature: 0 })) console.log(event);
   */
  generate(request: GenerateRequest): AsyncIterable<GenerationEvent> {
    this.#assertOpen();
    const { prompt, logprobs, signal } = request;
    const stop = typeof request.stop === 'string' ? [request.stop] : (request.stop ?? []);
    const sampling = resolveSampling(request, freshSeed());
    this.#checkTokens(prompt);
    checkBias(sampling.logitBias, this.config.vocab);
    checkLimits(request, stop, this.#tokenizer !== undefined);
    const maxTokens = request.maxTokens ?? this.context - prompt.length;
    const length = prompt.length + Math.max(maxTokens, 1);
    if (length > this.context) {
      throw errors.CONTEXT_OVERFLOW({ have: length, limit: this.context });
    }
    const sequence = this.#sequence(prompt, length, prompt.length - 1);
    const eos = this.#tokenizer?.eos;
    const job: GenerateJob = new GenerateJob({
      sequence,
      frequencies: ropeFrequencies(this.config, length),
      sampling,
      maxTokens,
      endTokens: new Set(request.endTokens ?? (eos === undefined ? [] : [eos])),
      stop,
      logprobs,
      detokenizer: this.#detokenizer(request.start ?? 'continuation'),
      signal,
      onLeave: () => this.#drop(job),
    });
    if (maxTokens === 0) {
      job.events.push({ type: 'request-end', text: '', finishReason: 'length' });
      job.events.end();
    } else {
      this.#submit(job);
    }
    return job.events;
  }

  /**
   * Log-probabilities of tokens[from] and all after it, each given all before it. `from` is at least 1.
   * Throws CONTEXT_OVERFLOW, TOKEN_UNKNOWN or OPTION_INVALID; rejects with ABORTED.
   */
  async score(
    tokens: readonly TokenId[],
    options: { readonly from?: number; readonly signal?: AbortSignal } = {},
  ): Promise<Score> {
    this.#assertOpen();
    const { from = 1, signal } = options;
    this.#checkTokens(tokens);
    if (!(Number.isInteger(from) && from >= 1 && from <= tokens.length)) {
      throw errors.OPTION_INVALID({
        option: 'from',
        found: String(from),
        allowed: `1 to ${tokens.length}, the number of tokens`,
      });
    }
    if (from === tokens.length) return { logprobs: [], greedy: [] };
    const computed = tokens.slice(0, -1);
    if (computed.length > this.context) {
      throw errors.CONTEXT_OVERFLOW({ have: computed.length, limit: this.context });
    }
    const sequence = this.#sequence(computed, computed.length, from - 1);
    const frequencies = ropeFrequencies(this.config, tokens.length);
    const job = new ScoreJob({ sequence, tokens, frequencies, signal });
    this.#submit(job);
    return job.result;
  }

  /** Ends all requests as aborted and frees the cache. A second call does nothing. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    for (const job of this.#jobs.values()) job.abort();
    this.#jobs.clear();
    await this.#working;
    for (const buffer of Object.values(this.#cache)) this.#device.free(buffer);
  }

  #assertOpen(): void {
    if (this.#closed) throw errors.MODEL_CLOSED();
  }

  #checkTokens(tokens: readonly TokenId[]): void {
    if (!(Array.isArray(tokens) && tokens.length > 0)) {
      throw errors.OPTION_INVALID({
        option: 'prompt',
        found: Array.isArray(tokens) ? 'empty' : typeof tokens,
        allowed: 'at least one token id, usually BOS',
      });
    }
    for (const id of tokens) {
      if (!(Number.isInteger(id) && id >= 0 && id < this.config.vocab)) {
        throw errors.TOKEN_UNKNOWN({ id, size: this.config.vocab });
      }
    }
  }

  // Embeddings are often padded beyond the vocabulary: ids that no piece belongs to have no text.
  #detokenizer(start: 'text' | 'continuation'): Detokenizer | undefined {
    const tokenizer = this.#tokenizer;
    if (tokenizer === undefined) return undefined;
    const inner = tokenizer.detokenizer({ start });
    return {
      push: (id) => (id < tokenizer.size ? inner.push(id) : ''),
      flush: () => inner.flush(),
    };
  }

  #sequence(tokens: readonly TokenId[], reserve: number, outputsFrom: number): Sequence {
    return {
      id: this.#nextId++,
      tokens: [...tokens],
      reserve,
      outputsFrom,
      computed: 0,
      pages: [],
    };
  }

  #submit(job: Job): void {
    this.#jobs.set(job.sequence, job);
    enqueue(this.#state, job.sequence);
    this.#working ??= this.#work();
  }

  #drop(job: Job): void {
    if (!this.#jobs.delete(job.sequence)) return;
    remove(this.#state, job.sequence);
  }

  async #work(): Promise<void> {
    // Requests made in the same turn of the event loop share the first step.
    await Promise.resolve();
    try {
      while (this.#jobs.size > 0) await this.#stepOnce();
    } catch (error) {
      for (const job of this.#jobs.values()) job.fail(error);
      for (const job of [...this.#jobs.values()]) this.#drop(job);
    } finally {
      this.#working = undefined;
    }
  }

  async #stepOnce(): Promise<void> {
    this.#dropAborted();
    const chunks = plan(this.#state, rowBudget).map((chunk): StepChunk => {
      const job = present(this.#jobs.get(chunk.sequence), 'job');
      const end = chunk.start + chunk.count;
      const first = Math.max(chunk.start, chunk.sequence.outputsFrom);
      const wishes = Array.from({ length: Math.max(0, end - first) }, (_, index) =>
        job.wish(first + index),
      );
      return { ...chunk, frequencies: job.frequencies, wishes };
    });
    invariant(chunks.length > 0 || this.#jobs.size === 0, 'every open request can go on');
    if (chunks.length > 0) await this.#step(chunks);
  }

  async #step(chunks: readonly StepChunk[]): Promise<void> {
    const jobs = chunks.map(({ sequence }) => present(this.#jobs.get(sequence), 'job'));
    const abort = new AbortController();
    const unlisten = whenAllAborted(jobs, () => abort.abort());
    try {
      const result = await this.#runner.run(this.#state, chunks, abort.signal);
      apply(chunks);
      let row = 0;
      for (const [index, { start, count, wishes }] of chunks.entries()) {
        const job = present(jobs[index], 'job');
        for (let i = 0; i < wishes.length; i++, row++) {
          if (this.#jobs.get(job.sequence) !== job || job.signal?.aborted === true) continue;
          const position = start + count - wishes.length + i;
          if (await job.accept(result, row, position)) this.#drop(job);
        }
      }
    } catch (error) {
      for (const job of jobs) {
        if (job.signal?.aborted !== true) job.fail(error);
        else if (this.#jobs.has(job.sequence)) job.abort();
        this.#drop(job);
      }
    } finally {
      unlisten();
    }
  }

  #dropAborted(): void {
    for (const job of [...this.#jobs.values()]) {
      if (job.signal?.aborted !== true) continue;
      job.abort();
      this.#drop(job);
    }
  }
}

// Calls back once, when every one of the jobs has been aborted.
function whenAllAborted(jobs: readonly Job[], callback: () => void): () => void {
  const signals = jobs.map((job) => job.signal);
  const check = (): void => {
    if (signals.every((signal) => signal?.aborted === true)) callback();
  };
  for (const signal of signals) signal?.addEventListener('abort', check);
  return () => {
    for (const signal of signals) signal?.removeEventListener('abort', check);
  };
}

function freshSeed(): number {
  const [high = 0, low = 0] = crypto.getRandomValues(new Uint32Array(2));
  return (high & 0x1fffff) * 2 ** 32 + low;
}

function checkLimits(
  { maxTokens, logprobs }: GenerateRequest,
  stop: readonly string[],
  hasTokenizer: boolean,
): void {
  const refuse = (option: string, found: string, allowed: string): never => {
    throw errors.OPTION_INVALID({ option, found, allowed });
  };
  if (maxTokens !== undefined && !(Number.isInteger(maxTokens) && maxTokens >= 0)) {
    refuse('maxTokens', String(maxTokens), 'an integer from 0');
  }
  if (
    logprobs !== undefined &&
    !(Number.isInteger(logprobs) && logprobs >= 0 && logprobs <= maxTopLogprobs)
  ) {
    refuse('logprobs', String(logprobs), `an integer from 0 to ${maxTopLogprobs}`);
  }
  if (!(Array.isArray(stop) && stop.every((each) => typeof each === 'string'))) {
    refuse('stop', typeof stop, 'a string or a list of strings');
  }
  if (stop.length > 0 && !hasTokenizer) {
    refuse('stop', `${stop.length} strings`, 'none without a tokenizer; give one with --tokenizer');
  }
}
