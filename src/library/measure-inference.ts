// How fast a model loads, reads prompts and answers on this machine, beside what the machine can do at
// most. Measures the engine that users get, through the same door. Medians throughout.

import { errors } from '../base/errors.ts';
import { invariant, present } from '../base/invariant.ts';
import type { OnProgress } from '../base/progress.ts';
import { type LimitMeter, openLimitMeter } from '../device/measure-limits.ts';
import type { EngineObserver } from '../engine/index.ts';
import type { Checkpoint } from '../formats/checkpoint.ts';
import type { TokenId } from '../tokenizer/tokenizer.ts';
import type { InferencePlan } from './inference-plan.ts';
import type { Llama } from './llama.ts';
import { type LoadOptions, loadCheckpoint } from './load.ts';
import { type Limits, ModelCost } from './model-cost.ts';
import { StepWatch } from './step-watch.ts';

/** What was found. Rates are per second. */
export interface InferenceSpeed {
  readonly machine: Limits & { readonly isa: string; readonly threads: number };
  readonly model: string;
  /** To the first token of an answer to 8 tokens: with weights packed anew, and with packed ones from disk. */
  readonly load: { readonly coldSeconds: number; readonly warmSeconds: number };
  /** Shares of the peak that the weights' type has to do with: int8, or f32 where it is not quantised. */
  readonly prefill: readonly {
    readonly rows: number;
    readonly tokensPerSecond: number;
    readonly shareOfPeak: number;
  }[];
  /** `tokensPerSecond` of all answers together; `context` is what each grows to while it is measured. */
  readonly decode: readonly {
    readonly batch: number;
    readonly context: number;
    readonly tokensPerSecond: number;
    readonly shareOfBandwidth: number;
  }[];
}

/** How to measure. */
export interface InferenceOptions {
  /** Opens what is measured; called once for each time it is loaded, and once to look at it. */
  readonly open: () => Promise<Checkpoint>;
  readonly load: LoadOptions;
  readonly plan: InferencePlan;
  readonly onProgress?: OnProgress;
  readonly signal?: AbortSignal;
}

const limitSeconds = 0.15;
const loadPromptTokens = 8;
// Steps that pass while answers start or end one after another.
const spareSteps = 6;

/**
 * Measures a model on the cpu device. What the context has no room for is left out of the result. Throws
 * ADDON_UNAVAILABLE, DEVICE_UNSUPPORTED, OUT_OF_MEMORY or ABORTED, and what loading throws.
 */
export async function measureInference(options: InferenceOptions): Promise<InferenceSpeed> {
  const { load, plan, signal } = options;
  if (load.device === 'reference') {
    throw errors.DEVICE_UNSUPPORTED({ device: 'reference', what: 'measuring what it can do' });
  }
  const progress = new ProgressCount(options);
  const cold = await timeLoad({ ...options, load: { ...load, packCache: false } });
  await cold.llama.close();
  progress.advance();
  if (load.packCache !== false) {
    // Leaves packed weights on disk, where none are yet.
    const { llama: keeper } = await timeLoad(options);
    await keeper.close();
  }
  progress.advance();
  const watch = new StepWatch();
  const warm = await timeLoad(options, watch.observer);
  const { llama } = warm;
  const meter = openLimitMeter(llama.device);
  try {
    progress.advance();
    const subject = { llama, watch, plan, progress, signal, limits: new LimitSamples(meter) };
    await subject.limits.sample();
    const prefill = await timePrompts(subject);
    const decode = await timeAnswers(subject);
    const limits = subject.limits.medians();
    const { activations, cacheType: cache } = llama.engine;
    const checkpoint = await options.open();
    const cost = new ModelCost(checkpoint, { activations, cache });
    await checkpoint.close();
    const { isa, threads } = llama.device;
    return {
      machine: { ...limits, isa, threads },
      model: llama.name,
      load: { coldSeconds: cold.seconds, warmSeconds: warm.seconds },
      prefill: prefill.map(({ rows, seconds }) => ({
        rows,
        tokensPerSecond: rows / seconds,
        shareOfPeak: cost.leastPrefillSeconds(rows, limits) / seconds,
      })),
      decode: decode.map(({ batch, context, seconds, cachedTokens }) => ({
        batch,
        context,
        tokensPerSecond: batch / seconds,
        shareOfBandwidth: cost.leastStepSeconds(cachedTokens, limits) / seconds,
      })),
    };
  } finally {
    await meter.close();
    await llama.close();
  }
}

interface Subject {
  readonly llama: Llama;
  readonly watch: StepWatch;
  readonly plan: InferencePlan;
  readonly progress: ProgressCount;
  readonly limits: LimitSamples;
  readonly signal: AbortSignal | undefined;
}

async function timeLoad(
  { open, load, signal, onProgress }: InferenceOptions,
  observer: EngineObserver = {},
): Promise<{ readonly llama: Llama; readonly seconds: number }> {
  const startAt = performance.now();
  const llama = await loadCheckpoint(await open(), {
    ...load,
    // Else the second time a prompt is read would cost nothing.
    sharePrefixes: false,
    observer,
    ...(signal === undefined ? {} : { signal }),
    ...(onProgress === undefined ? {} : { onProgress }),
  });
  try {
    await answerOnce(llama, makePrompt(llama, loadPromptTokens, 0), signal);
  } catch (error) {
    await llama.close();
    throw error;
  }
  return { llama, seconds: (performance.now() - startAt) / 1000 };
}

/** Prompts of every length, a round of all lengths after the other. */
async function timePrompts({
  llama,
  plan,
  progress,
  limits,
  signal,
}: Subject): Promise<{ readonly rows: number; readonly seconds: number }[]> {
  const lengths = plan.prefill.filter((rows) => rows < llama.context);
  const seconds = lengths.map((): number[] => []);
  for (let round = 0; round < plan.rounds; round++) {
    for (const [index, rows] of lengths.entries()) {
      const prompt = makePrompt(llama, rows, round + 1);
      const startAt = performance.now();
      await answerOnce(llama, prompt, signal);
      present(seconds[index], 'seconds').push((performance.now() - startAt) / 1000);
      progress.advance();
    }
    await limits.sample();
  }
  return lengths.map((rows, index) => ({ rows, seconds: median(present(seconds[index], 'all')) }));
}

interface TimedAnswers {
  readonly batch: number;
  readonly context: number;
  readonly seconds: number;
  readonly cachedTokens: number;
}

async function timeAnswers(subject: Subject): Promise<TimedAnswers[]> {
  const { llama, plan, limits } = subject;
  const sweeps = [
    { context: plan.batchContext, batches: plan.batches },
    ...plan.contexts.map((context) => ({ context, batches: [1] })),
  ];
  const found: TimedAnswers[] = [];
  for (const { context, batches } of sweeps) {
    if (context > llama.context) continue;
    found.push(...(await timeBatches(subject, { context, batches })));
    await limits.sample();
  }
  return found;
}

/** Starts the largest batch and ends answers until each smaller one has been timed: one prefill for all. */
async function timeBatches(
  { llama, watch, plan, progress, signal }: Subject,
  { context, batches }: { readonly context: number; readonly batches: readonly number[] },
): Promise<TimedAnswers[]> {
  const falling = batches.toSorted((a, b) => b - a);
  const length = Math.max(1, context - falling.length * (plan.steps + spareSteps));
  const answers = Array.from({ length: falling[0] ?? 0 }, (_, index) =>
    startAnswer(llama, makePrompt(llama, length, 100 + index), {
      tokens: context - length,
      signal,
    }),
  );
  const found: TimedAnswers[] = [];
  try {
    for (const batch of falling) {
      for (const answer of answers.slice(batch)) answer.stop();
      const running = answers.slice(0, batch);
      const early = Promise.race(running.map(({ ended }) => ended)).then((): never => {
        if (signal?.aborted === true) throw errors.ABORTED({ what: 'The measurement' });
        invariant(false, 'an answer ended before it was timed');
      });
      // They end for good below, when nobody waits for it any more.
      early.catch(() => {});
      const seconds = await Promise.race([watch.timeSteps(batch, plan.steps), early]);
      const cachedTokens = running.reduce((sum, { count }) => sum + length + count(), 0);
      const aged = cachedTokens - (batch * plan.steps) / 2;
      found.push({ batch, context, seconds: median(seconds), cachedTokens: aged });
      progress.advance();
    }
  } finally {
    for (const { stop } of answers) stop();
    await Promise.allSettled(answers.map(({ ended }) => ended));
  }
  return found.toReversed();
}

interface RunningAnswer {
  /** Tokens until now. */
  count(): number;
  stop(): void;
  readonly ended: Promise<void>;
}

function startAnswer(
  llama: Llama,
  prompt: readonly TokenId[],
  { tokens, signal }: { readonly tokens: number; readonly signal: AbortSignal | undefined },
): RunningAnswer {
  const stopping = new AbortController();
  const signals = signal === undefined ? [] : [signal];
  const events = llama.engine.generate({
    prompt,
    temperature: 0,
    maxTokens: tokens,
    endTokens: [],
    // Prompts need not be gentle to answers: nobody reads them.
    priority: 'batch',
    signal: AbortSignal.any([stopping.signal, ...signals]),
  });
  let count = 0;
  const read = async (): Promise<void> => {
    for await (const event of events) if (event.type === 'token-delta') count++;
  };
  return { count: () => count, stop: () => stopping.abort(), ended: read() };
}

async function answerOnce(
  llama: Llama,
  prompt: readonly TokenId[],
  signal: AbortSignal | undefined,
): Promise<void> {
  await startAnswer(llama, prompt, { tokens: 1, signal }).ended;
  if (signal?.aborted === true) throw errors.ABORTED({ what: 'The measurement' });
}

// Ids that look random, without the first few, which often mean something.
function makePrompt({ config }: Llama, length: number, salt: number): TokenId[] {
  const first = Math.min(3, config.vocab - 1);
  return Array.from(
    { length },
    (_, i) => (first + ((i * 7919 + salt * 104_729) % (config.vocab - first))) as TokenId,
  );
}

/** Limits measured again and again, so that other work on the machine shows in both sides of a share. */
class LimitSamples {
  readonly #meter: LimitMeter;
  readonly #samples: Limits[] = [];

  constructor(meter: LimitMeter) {
    this.#meter = meter;
  }

  async sample(): Promise<void> {
    const meter = this.#meter;
    const f32Peak = await meter.measureF32(limitSeconds);
    const int8Peak = await meter.measureInt8(limitSeconds);
    const readBandwidth = await meter.measureReading(limitSeconds);
    this.#samples.push({ readBandwidth, int8Peak, f32Peak });
  }

  medians(): Limits {
    const of = (name: keyof Limits): number => median(this.#samples.map((each) => each[name]));
    return {
      readBandwidth: of('readBandwidth'),
      int8Peak: of('int8Peak'),
      f32Peak: of('f32Peak'),
    };
  }
}

/** How many of the plan's parts are done. */
class ProgressCount {
  readonly #onProgress: OnProgress | undefined;
  readonly #total: number;
  #done = 0;

  constructor({ plan, onProgress }: InferenceOptions) {
    this.#onProgress = onProgress;
    const answers = plan.batches.length + plan.contexts.length;
    this.#total = 3 + plan.rounds * plan.prefill.length + answers;
  }

  advance(): void {
    this.#done++;
    const [done, total] = [this.#done, this.#total];
    this.#onProgress?.({ task: 'Measuring', done, total, unit: 'rounds' });
  }
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return present(sorted[Math.floor(sorted.length / 2)], 'a value');
}
