// The model on a device with its cache and its scheduler. Every request, one or fifty, is rows of the
// same steps. Knows nothing of HTTP, chats or files.
import { errors } from '../base/errors.ts';
import { invariant, present } from '../base/invariant.ts';
import type { Device, DeviceBuffer } from '../device/device.ts';
import type { LlamaConfig } from '../formats/llama-config.ts';
import { ropeFrequencies } from '../model/rope.ts';
import type { Program } from '../tensor/program.ts';
import type { Detokenizer, TokenId, Tokenizer } from '../tokenizer/tokenizer.ts';
import { allocateCache, type CacheType, countPages, freeBuffers, pageSize } from './cache.ts';
import { ChoicesJob } from './choices-job.ts';
import { checkSizes, type EngineOptions, type EngineStats } from './engine-options.ts';
import { GenerateJob, type GenerationEvent } from './generate-job.ts';
import {
  checkConstraint,
  checkLimits,
  freshSeed,
  type GenerateRequest,
} from './generate-request.ts';
import type { Job } from './job.ts';
import type { Score } from './pending-score.ts';
import { checkTokens, type RequestScope } from './request-scope.ts';
import { checkBias, resolveSampling } from './sampling-options.ts';
import { apply, createScheduler, enqueue, plan, remove, type SchedulerState } from './scheduler.ts';
import { ScoreJob } from './score-job.ts';
import { createSequence, type Sequence } from './sequence.ts';
import { type StepChunk, type StepResult, StepRunner } from './step.ts';
import { recordStep } from './step-program.ts';

// Rows of one step: enough to use the matrix kernels fully, few enough that running answers do not wait.
const rowBudget = 256;

interface OpenJob {
  readonly job: Job;
  readonly onAbort: () => void;
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
  readonly #open = new Map<Sequence, OpenJob>();
  readonly #sharesPrefixes: boolean;
  readonly #pages: number;
  #computedTokens = 0;
  #reusedTokens = 0;
  #weightsVersion = 0;
  #nextId = 0;
  #working: Promise<void> | undefined;
  #closing: Promise<void> | undefined;
  #step: { readonly jobs: readonly Job[]; readonly abort: AbortController } | undefined;

  private constructor(
    options: EngineOptions,
    sized: { context: number; type: CacheType; pages: number; program: Program },
    cache: Readonly<Record<string, DeviceBuffer>>,
  ) {
    this.config = options.config;
    this.context = sized.context;
    this.cacheType = sized.type;
    this.#tokenizer = options.tokenizer;
    this.#device = options.device;
    this.#cache = cache;
    this.#runner = new StepRunner(options.device, sized.program, { ...options.weights, ...cache });
    this.#state = createScheduler(sized.pages, pageSize);
    this.#pages = sized.pages;
    this.#sharesPrefixes = options.sharePrefixes !== false && (options.taps?.size ?? 0) === 0;
  }

  /** Allocates the cache. Throws OPTION_INVALID, DEVICE_UNSUPPORTED or OUT_OF_MEMORY. */
  static async open(options: EngineOptions): Promise<Engine> {
    const { config, device, sequences, cache: type = 'f16', context = config.context } = options;
    checkSizes(options);
    const pages = countPages(config, type, context, sequences);
    // Recorded first: what is wrong with taps shows before memory is taken.
    const { taps, linear } = options;
    const program = recordStep(
      config,
      { slots: pages * pageSize, pageSize },
      {
        ...(taps === undefined ? {} : { taps }),
        ...(linear === undefined ? {} : { linear }),
      },
    );
    const cache = await allocateCache(device, config, type, pages);
    return new Engine(options, { context, type, pages, program }, cache);
  }

  /**
   * Streams an answer. Leaving the loop, or the signal, frees its place; a signal ends the stream with
   * `finishReason: 'abort'`. Throws CONTEXT_OVERFLOW, OPTION_INVALID or TOKEN_UNKNOWN at once.
   * @example for await (const event of engine.generate({ prompt: [1], temperature: 0 })) console.log(event);
   */
  generate(request: GenerateRequest): AsyncIterable<GenerationEvent> {
    this.#assertOpen();
    const { prompt, logprobs, constraint, signal } = request;
    const stop = typeof request.stop === 'string' ? [request.stop] : (request.stop ?? []);
    const sampling = resolveSampling(request, freshSeed());
    checkTokens(prompt, this.config.vocab);
    checkBias(sampling.logitBias, this.config.vocab);
    checkLimits(request, stop, this.#tokenizer !== undefined);
    const maxTokens = request.maxTokens ?? Math.max(this.context - prompt.length, 1);
    checkConstraint(constraint, maxTokens);
    const length = prompt.length + maxTokens;
    if (length > this.context) {
      throw errors.CONTEXT_OVERFLOW({ have: length, limit: this.context });
    }
    const frequencies = ropeFrequencies(this.config, length);
    const sequence = this.#sequence(prompt, {
      reserve: length,
      outputsFrom: prompt.length - 1,
      frequencies,
      scope: request,
    });
    const eos = this.#tokenizer?.eos;
    const job: GenerateJob = new GenerateJob({
      sequence,
      frequencies,
      sampling,
      maxTokens,
      endTokens: new Set(request.endTokens ?? (eos === undefined ? [] : [eos])),
      stop,
      constraint,
      logprobs,
      detokenizer: this.#detokenizer(request.start ?? 'continuation'),
      signal,
      onLeave: () => this.#drop(job),
    });
    if (maxTokens === 0) {
      job.events.push({ type: 'request-end', text: '', finishReason: 'length', cachedTokens: 0 });
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
    options: RequestScope & { readonly from?: number } = {},
  ): Promise<Score> {
    this.#assertOpen();
    const { from = 1, signal } = options;
    checkTokens(tokens, this.config.vocab);
    if (!(Number.isInteger(from) && from >= 1 && from <= tokens.length)) {
      throw errors.OPTION_INVALID({
        option: 'from',
        found: String(from),
        allowed: `1 to ${tokens.length}, the number of tokens`,
      });
    }
    if (from === tokens.length) return { logprobs: [], greedy: [], cachedTokens: 0 };
    const computed = tokens.slice(0, -1);
    if (computed.length > this.context) {
      throw errors.CONTEXT_OVERFLOW({ have: computed.length, limit: this.context });
    }
    const frequencies = ropeFrequencies(this.config, tokens.length);
    const sequence = this.#sequence(computed, {
      reserve: computed.length,
      outputsFrom: from - 1,
      frequencies,
      scope: options,
    });
    const job = new ScoreJob({ sequence, tokens, frequencies, signal });
    this.#submit(job);
    return job.result;
  }

  /**
   * Log-probabilities of each of `choices` as the token after `context`: one forward pass for all of them.
   * Throws CONTEXT_OVERFLOW, TOKEN_UNKNOWN or OPTION_INVALID; rejects with ABORTED.
   * @example const { logprobs } = await engine.scoreChoices([1, 450], [3681, 4517]);
   */
  async scoreChoices(
    context: readonly TokenId[],
    choices: readonly TokenId[],
    options: RequestScope = {},
  ): Promise<Score> {
    this.#assertOpen();
    checkTokens(context, this.config.vocab);
    checkTokens(choices, this.config.vocab);
    if (context.length > this.context) {
      throw errors.CONTEXT_OVERFLOW({ have: context.length, limit: this.context });
    }
    const frequencies = ropeFrequencies(this.config, context.length + 1);
    const sequence = this.#sequence(context, {
      reserve: context.length,
      outputsFrom: context.length - 1,
      frequencies,
      scope: options,
    });
    const job = new ChoicesJob({ sequence, choices, frequencies, signal: options.signal });
    this.#submit(job);
    return job.result;
  }

  /** What was computed until now and what of it needed no computing; requests under way count when they end. */
  stats(): EngineStats {
    const { freePages, prefixes, running, waiting } = this.#state;
    return {
      computedTokens: this.#computedTokens,
      reusedTokens: this.#reusedTokens,
      pages: { total: this.#pages, free: freePages.length, kept: prefixes.unused.size },
      running: running.length,
      waiting: waiting.length,
    };
  }

  /** To be called after weights were written to: nothing computed before is used for later requests. */
  noteChangedWeights(): void {
    this.#weightsVersion++;
  }

  /** Ends all requests as aborted, the step under way too, and frees the cache. Calls after the first await it. */
  close(): Promise<void> {
    this.#closing ??= this.#closeOnce();
    return this.#closing;
  }

  async #closeOnce(): Promise<void> {
    for (const { job } of [...this.#open.values()]) this.#abort(job);
    await this.#working;
    freeBuffers(this.#device, this.#cache);
  }

  #assertOpen(): void {
    if (this.#closing !== undefined) throw errors.MODEL_CLOSED();
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

  #sequence(
    tokens: readonly TokenId[],
    options: {
      readonly reserve: number;
      readonly outputsFrom: number;
      readonly frequencies: Float32Array;
      readonly scope: RequestScope;
    },
  ): Sequence {
    const { reserve, outputsFrom, frequencies, scope } = options;
    // The rotary frequencies stand for the setting they came from; dynamic NTK's depend on the length.
    const angles = Buffer.from(frequencies.buffer).toString('base64');
    const namespace = JSON.stringify([this.#weightsVersion, scope.cacheSalt ?? null, angles]);
    return createSequence({
      id: this.#nextId++,
      tokens: [...tokens],
      reserve,
      outputsFrom,
      namespace: this.#sharesPrefixes ? namespace : undefined,
    });
  }

  #submit(job: Job): void {
    const onAbort = (): void => this.#abort(job);
    this.#open.set(job.sequence, { job, onAbort });
    enqueue(this.#state, job.sequence);
    job.signal?.addEventListener('abort', onAbort);
    if (job.signal?.aborted === true) this.#abort(job);
    this.#working ??= this.#work();
  }

  #abort(job: Job): void {
    job.abort();
    this.#drop(job);
  }

  // Takes a job out. When nobody waits for the step under way any more, the step ends early.
  #drop(job: Job): void {
    const open = this.#open.get(job.sequence);
    if (open === undefined) return;
    job.signal?.removeEventListener('abort', open.onAbort);
    this.#open.delete(job.sequence);
    this.#reusedTokens += job.sequence.reused;
    remove(this.#state, job.sequence);
    const step = this.#step;
    if (step?.jobs.every((each) => !this.#isOpen(each)) === true) step.abort.abort();
  }

  #isOpen(job: Job): boolean {
    return this.#open.has(job.sequence);
  }

  async #work(): Promise<void> {
    // Requests made in the same turn of the event loop share the first step.
    await Promise.resolve();
    try {
      while (this.#open.size > 0) await this.#stepOnce();
    } catch (error) {
      for (const { job } of [...this.#open.values()]) this.#fail(job, error);
    } finally {
      this.#working = undefined;
    }
  }

  async #stepOnce(): Promise<void> {
    const chunks = plan(this.#state, rowBudget).map((chunk): StepChunk => {
      const { job } = present(this.#open.get(chunk.sequence), 'job');
      const end = chunk.start + chunk.count;
      const first = Math.max(chunk.start, chunk.sequence.outputsFrom);
      const wishes = Array.from({ length: Math.max(0, end - first) }, (_, index) =>
        job.wish(first + index),
      );
      return { ...chunk, frequencies: job.frequencies, wishes };
    });
    invariant(chunks.length > 0, 'every open request can go on');
    const jobs = chunks.map(({ sequence }) => present(this.#open.get(sequence), 'job').job);
    this.#step = { jobs, abort: new AbortController() };
    try {
      const result = await this.#runner.run(this.#state, chunks, this.#step.abort.signal);
      apply(this.#state, chunks);
      this.#computedTokens += chunks.reduce((sum, { count }) => sum + count, 0);
      await this.#deliver(chunks, jobs, result);
    } catch (error) {
      for (const job of jobs) this.#fail(job, error);
    } finally {
      this.#step = undefined;
    }
  }

  // Hands each output row to its job. What goes wrong with one request is that request's alone.
  async #deliver(
    chunks: readonly StepChunk[],
    jobs: readonly Job[],
    result: StepResult,
  ): Promise<void> {
    let row = 0;
    for (const [index, { start, count, wishes }] of chunks.entries()) {
      const job = present(jobs[index], 'job');
      for (let i = 0; i < wishes.length; i++, row++) {
        if (!this.#isOpen(job)) continue;
        const position = start + count - wishes.length + i;
        try {
          if (await job.accept(result, row, position)) this.#drop(job);
        } catch (error) {
          this.#fail(job, error);
        }
      }
    }
  }

  #fail(job: Job, error: unknown): void {
    if (!this.#isOpen(job)) return;
    job.fail(error);
    this.#drop(job);
  }
}
