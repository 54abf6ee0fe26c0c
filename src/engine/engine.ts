// The model on a device with its cache and its scheduler: checks requests and makes jobs of them, whose
// rows go through the model in common steps (work-loop.ts). Knows nothing of HTTP, chats or files.
import { errors } from '../base/errors.ts';
import { present } from '../base/invariant.ts';
import type { Activations, Device, DeviceBuffer } from '../device/device.ts';
import type { LlamaConfig } from '../formats/llama-config.ts';
import { ropeFrequencies } from '../model/rope.ts';
import type { Detokenizer, TokenId, Tokenizer } from '../tokenizer/tokenizer.ts';
import { AdapterSlots, type LowRankUpdate } from './adapter-slots.ts';
import { allocateCache, type CacheType, countPages, freeBuffers, pageSize } from './cache.ts';
import { ChoicesJob } from './choices-job.ts';
import { type DraftedAnswer, type Drafter, DraftModel } from './draft-model.ts';
import { EmbedJob, type EmbedOptions, poolings } from './embed-job.ts';
import {
  archiveIdentity,
  checkSizes,
  chooseActivations,
  type EngineOptions,
  type EngineStats,
} from './engine-options.ts';
import { GenerateJob, type GenerationEvent } from './generate-job.ts';
import {
  checkConstraint,
  checkLimits,
  freshSeed,
  type GenerateRequest,
} from './generate-request.ts';
import type { JobPlace } from './job.ts';
import { makeNamespace } from './namespace.ts';
import type { EngineObserver, RequestKind } from './observer.ts';
import type { Score } from './pending-job.ts';
import { PromptLookup } from './prompt-lookup.ts';
import { checkScope, checkTokens, type RequestScope } from './request-scope.ts';
import { RequestTimer } from './request-timer.ts';
import { checkBias, resolveSampling } from './sampling-options.ts';
import { ScoreJob } from './score-job.ts';
import { createSequence } from './sequence.ts';
import { checkSpeculate, type Speculate } from './speculation.ts';
import { Speculator } from './speculator.ts';
import { type StepPrograms, StepRunner } from './step.ts';
import { recordStep } from './step-program.ts';
import { WorkLoop } from './work-loop.ts';

const noObserver: EngineObserver = {};

/** Turns requests into tokens. Close it before its device. */
export class Engine {
  readonly config: LlamaConfig;
  readonly context: number;
  readonly cacheType: CacheType;
  readonly activations: Activations;
  readonly #tokenizer: Tokenizer | undefined;
  readonly #device: Device;
  readonly #cache: Readonly<Record<string, DeviceBuffer>>;
  readonly #adapters: AdapterSlots | undefined;
  readonly #loop: WorkLoop;
  readonly #sharesPrefixes: boolean;
  readonly #speculate: Speculate;
  readonly #guesses: boolean;
  readonly #drafter: Drafter | undefined;
  readonly #pages: number;
  readonly #observer: EngineObserver;
  readonly #now: () => number;
  #weightsVersion = 0;
  #nextId = 0;
  #closing: Promise<void> | undefined;

  private constructor(
    options: EngineOptions,
    sized: { context: number; type: CacheType; pages: number; programs: StepPrograms },
    adapters: AdapterSlots | undefined,
    cache: Readonly<Record<string, DeviceBuffer>>,
  ) {
    this.config = options.config;
    this.context = sized.context;
    this.cacheType = sized.type;
    this.activations = chooseActivations(options);
    this.#tokenizer = options.tokenizer;
    this.#device = options.device;
    this.#cache = cache;
    this.#adapters = adapters;
    const buffers = { ...options.weights, ...adapters?.buffers, ...cache };
    this.#pages = sized.pages;
    this.#observer = options.observer ?? noObserver;
    this.#now = options.now ?? (() => performance.now() / 1000);
    const watched = (options.taps?.size ?? 0) > 0;
    this.#sharesPrefixes = options.sharePrefixes !== false && !watched;
    const { archive } = options;
    this.#loop = new WorkLoop({
      runner: new StepRunner(options.device, sized.programs, buffers, {
        activations: this.activations,
      }),
      pages: sized.pages,
      pageSize,
      maxWaiting: options.maxWaiting ?? Number.POSITIVE_INFINITY,
      adapters,
      archive:
        archive && this.#sharesPrefixes
          ? {
              store: archive.store,
              identity: archiveIdentity(archive.model, options, sized.type),
              device: options.device,
              cache: Object.values(cache),
            }
          : undefined,
      observer: this.#observer,
      now: this.#now,
    });
    this.#speculate = options.speculate ?? 'off';
    this.#guesses = !watched;
    this.#drafter = options.drafter;
  }

  /** Allocates the cache. Throws OPTION_INVALID, DEVICE_UNSUPPORTED or OUT_OF_MEMORY. */
  static async open(options: EngineOptions): Promise<Engine> {
    const { config, device, sequences, cache: type = 'f16', context = config.context } = options;
    checkSizes(options);
    checkSpeculate(options.speculate ?? 'off', { hasDrafter: options.drafter !== undefined });
    chooseActivations(options);
    const pages = countPages(config, type, context, sequences);
    // Recorded first: what is wrong with taps shows before memory is taken.
    const { taps, linear, adapters: room } = options;
    const size = { slots: pages * pageSize, pageSize };
    const looks = taps === undefined ? {} : { taps };
    const plain = recordStep(config, size, { ...looks, ...(linear && { linear }) });
    const adapters = room && (await AdapterSlots.open(device, config, room));
    const adapted =
      adapters && recordStep(config, size, { ...looks, linear: adapters.linear(linear) });
    try {
      const cache = await allocateCache(device, config, type, pages);
      const sized = { context, type, pages, programs: { plain, adapted } };
      return new Engine(options, sized, adapters, cache);
    } catch (error) {
      if (adapters !== undefined) freeBuffers(device, adapters.buffers);
      throw error;
    }
  }

  /**
   * Loads a LoRA while others answer; requests name it as their `adapter`. One of the same name is unloaded.
   * `updates` are by the names of matrices, such as `blk.0.attn_q.weight`. Throws OPTION_INVALID,
   * ADAPTER_UNFIT or ADAPTERS_FULL.
   */
  async loadAdapter(name: string, updates: ReadonlyMap<string, LowRankUpdate>): Promise<void> {
    this.#assertOpen();
    await this.#slots().load(name, updates);
  }

  /** No later request finds the adapter; its place is free when those that use it have ended. Throws ADAPTER_UNKNOWN. */
  unloadAdapter(name: string): void {
    this.#slots().unload(name);
  }

  /** Names of the adapters that requests can ask for. */
  get adapters(): readonly string[] {
    return this.#adapters?.list() ?? [];
  }

  /**
   * Streams an answer. Leaving the loop, or the signal, frees its place; a signal ends the stream with
   * `finishReason: 'abort'`. Throws CONTEXT_OVERFLOW, OPTION_INVALID or TOKEN_UNKNOWN at once.
   * @example for await (const event of engine.generate({ prompt: [1], temperature: 0 })) console.log(event);
   */
  generate(request: GenerateRequest): AsyncIterable<GenerationEvent> {
    this.#assertOpen();
    const { prompt, logprobs, promptLogprobs, constraint } = request;
    const stop = typeof request.stop === 'string' ? [request.stop] : (request.stop ?? []);
    const sampling = resolveSampling(request, freshSeed());
    checkTokens(prompt, this.config.vocab);
    checkBias(sampling.logitBias, this.config.vocab);
    checkLimits(request, stop, this.#tokenizer !== undefined);
    const { speculate = this.#speculate } = request;
    checkSpeculate(speculate, { hasDrafter: this.#drafter !== undefined });
    const maxTokens = request.maxTokens ?? Math.max(this.context - prompt.length, 1);
    checkConstraint(constraint, maxTokens);
    // An answer of nothing needs no row after the prompt's last one that is looked at.
    const computed = maxTokens === 0 && prompt.length > 1 ? prompt.slice(0, -1) : prompt;
    const place = this.#place(computed, {
      kind: 'generate',
      promptTokens: prompt.length,
      length: prompt.length + maxTokens,
      outputsFrom: promptLogprobs === undefined ? computed.length - 1 : 0,
      scope: request,
    });
    const eos = this.#tokenizer?.eos;
    const job: GenerateJob = new GenerateJob(place, {
      prompt,
      sampling,
      maxTokens,
      endTokens: new Set(request.endTokens ?? (eos === undefined ? [] : [eos])),
      stop,
      constraint,
      logprobs,
      promptLogprobs,
      // What a constraint allows is the text to the byte, its first space too.
      detokenizer: this.#detokenizer(
        constraint ? 'continuation' : (request.start ?? 'continuation'),
      ),
      speculator: this.#speculator(speculate, {
        tokens: place.sequence.tokens,
        sampling,
        vocab: this.config.vocab,
        cacheSalt: request.cacheSalt,
      }),
      onLeave: () => this.#loop.drop(job),
    });
    const wantsRows = maxTokens > 0 || (promptLogprobs !== undefined && prompt.length > 1);
    if (wantsRows) this.#loop.submit(job);
    else job.endEmpty();
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
    const { from = 1 } = options;
    checkTokens(tokens, this.config.vocab);
    if (!(Number.isInteger(from) && from >= 1 && from <= tokens.length)) {
      throw errors.OPTION_INVALID({
        option: 'from',
        found: String(from),
        allowed: `1 to ${tokens.length}, the number of tokens`,
      });
    }
    if (from === tokens.length) return { logprobs: [], greedy: [], cachedTokens: 0 };
    const place = this.#place(tokens.slice(0, -1), {
      kind: 'score',
      length: tokens.length,
      outputsFrom: from - 1,
      scope: options,
    });
    const job = new ScoreJob(place, tokens);
    this.#loop.submit(job);
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
    const place = this.#place(context, {
      kind: 'choices',
      length: context.length + 1,
      outputsFrom: context.length - 1,
      scope: options,
    });
    const job = new ChoicesJob(place, choices);
    this.#loop.submit(job);
    return job.result;
  }

  /**
   * One vector for a text, [dim], of length 1: hidden states after the final norm, pooled.
   * Throws CONTEXT_OVERFLOW, TOKEN_UNKNOWN or OPTION_INVALID; rejects with ABORTED.
   * @example const vector = await engine.embed([1, 450, 3681], { pooling: 'mean' });
   */
  async embed(tokens: readonly TokenId[], options: EmbedOptions): Promise<Float32Array> {
    this.#assertOpen();
    const { pooling } = options;
    checkTokens(tokens, this.config.vocab);
    if (!poolings.includes(pooling)) {
      throw errors.OPTION_INVALID({
        option: 'pooling',
        found: String(pooling),
        allowed: poolings.join(', '),
      });
    }
    const place = this.#place(tokens, {
      kind: 'embed',
      length: tokens.length,
      outputsFrom: pooling === 'mean' ? 0 : tokens.length - 1,
      scope: options,
    });
    const job = new EmbedJob(place);
    this.#loop.submit(job);
    return job.result;
  }

  /** What was computed until now and what of it needed no computing; requests under way count when they end. */
  stats(): EngineStats {
    const { freePages, prefixes, running, waiting } = this.#loop.state;
    return {
      ...this.#loop.counts,
      pages: { total: this.#pages, free: freePages.length, kept: prefixes.unused.size },
      running: running.length,
      waiting: waiting.length,
    };
  }

  /** To be called after weights were written to: nothing computed before is used for later requests. */
  noteChangedWeights(): void {
    this.#weightsVersion++;
    this.#loop.noteChangedWeights();
  }

  /** Ends all requests as aborted, the step under way too, and frees the cache. Calls after the first await it. */
  close(): Promise<void> {
    this.#closing ??= this.#closeOnce();
    return this.#closing;
  }

  async #closeOnce(): Promise<void> {
    await this.#loop.close();
    freeBuffers(this.#device, { ...this.#cache, ...this.#adapters?.buffers });
  }

  #assertOpen(): void {
    if (this.#closing !== undefined) throw errors.MODEL_CLOSED();
  }

  #slots(): AdapterSlots {
    if (this.#adapters !== undefined) return this.#adapters;
    throw errors.OPTION_INVALID({
      option: 'adapters',
      found: 'an engine without room for any',
      allowed: 'an engine opened with `adapters: { slots, rank }`',
    });
  }

  #speculator(kind: Speculate, answer: DraftedAnswer): Speculator | undefined {
    if (!this.#guesses || kind === 'off') return undefined;
    if (kind === 'lookup') return new Speculator(new PromptLookup(answer.tokens));
    return new Speculator(new DraftModel(present(this.#drafter, 'drafter'), answer));
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

  // `length` is what the rotary base is for: what the request may come to, or a text with its end.
  #place(
    tokens: readonly TokenId[],
    options: {
      readonly kind: RequestKind;
      readonly promptTokens?: number;
      readonly length: number;
      readonly outputsFrom: number;
      readonly scope: RequestScope;
    },
  ): JobPlace {
    const { kind, length, outputsFrom, scope, promptTokens = tokens.length } = options;
    checkScope(scope);
    const have = kind === 'generate' ? length : tokens.length;
    if (have > this.context) throw errors.CONTEXT_OVERFLOW({ have, limit: this.context });
    const { priority = 'interactive', tenant = '', signal, onEnd } = scope;
    const frequencies = ropeFrequencies(this.config, length);
    const adapter = scope.adapter === undefined ? undefined : this.#slots().find(scope.adapter);
    const { cacheSalt } = scope;
    const weightsVersion = this.#weightsVersion;
    const namespace = makeNamespace({ weightsVersion, adapter, cacheSalt, frequencies });
    const sequence = createSequence({
      id: this.#nextId++,
      tokens: [...tokens],
      outputsFrom,
      namespace: this.#sharesPrefixes ? namespace : undefined,
      priority,
      tenant,
    });
    const told = { now: this.#now, observer: this.#observer, onEnd };
    const timer = new RequestTimer({ kind, priority, promptTokens }, told);
    return { sequence, frequencies, signal, timer, adapter };
  }
}
