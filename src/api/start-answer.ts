// One request to the engine on behalf of any route that gives text: one or more answers to each prompt,
// their events in the order they come, their use counted once all have ended. Knows no wire format.
import { randomInt } from 'node:crypto';
import { AsyncQueue } from '../base/async-queue.ts';
import type { GenerateRequest, GenerationEvent } from '../engine/index.ts';
import type { TokenId } from '../tokenizer/tokenizer.ts';
import type { ModelLease } from './model-pool.ts';
import type { RequestContext } from './request-context.ts';

/** What to answer, and how. */
export interface AnswerPlan {
  readonly lease: ModelLease;
  readonly prompts: readonly (readonly TokenId[])[];
  /** How many answers to each prompt. */
  readonly choices: number;
  /** All else; `seed` is drawn where it is absent, so that it can be told. */
  readonly options: Omit<GenerateRequest, 'prompt' | 'signal' | 'choice' | 'cacheSalt' | 'tenant'>;
}

/** An event, and which of the answers it belongs to: those to the first prompt come first. */
export interface ChoiceEvent {
  readonly choice: number;
  readonly event: GenerationEvent;
}

/** Counts of all answers together; whole when the events have ended. */
export interface AnswerTally {
  readonly promptTokens: number;
  cachedTokens: number;
  completionTokens: number;
  /** Tokens that were guessed ahead, and those of them that were right. */
  draftedTokens: number;
  acceptedTokens: number;
  /** From start to first token; undefined until there is one. */
  firstTokenMs: number | undefined;
  totalMs: number;
}

/** Answers in the making. Iterate `events` to their end, or leave early to abort. */
export interface Answer {
  readonly events: AsyncIterable<ChoiceEvent>;
  readonly tally: AnswerTally;
  readonly seed: number;
}

/** Starts the answers. Throws what the engine throws for requests it cannot take; the lease is then released. */
export function startAnswer(context: RequestContext, plan: AnswerPlan): Answer {
  const { lease, prompts, choices, options } = plan;
  const { engine } = lease.model;
  const abort = new AbortController();
  const signal = AbortSignal.any([abort.signal, context.signal]);
  const seed = options.seed ?? randomInt(2 ** 47);
  const { tenant } = context.caller;
  const tally: AnswerTally = {
    promptTokens: prompts.reduce((sum, prompt) => sum + prompt.length, 0),
    cachedTokens: 0,
    completionTokens: 0,
    draftedTokens: 0,
    acceptedTokens: 0,
    firstTokenMs: undefined,
    totalMs: 0,
  };
  const used = { seconds: 0, cachedTokens: 0, completionTokens: 0 };
  const meter = context.meter();
  const startAt = performance.now();
  // What was said by then is the answer, as at a token limit.
  const deadline = setTimeout(() => abort.abort(), context.answerTimeoutMs).unref();
  const streams: AsyncIterable<GenerationEvent>[] = [];
  try {
    for (const prompt of prompts) {
      for (let choice = 0; choice < choices; choice++) {
        streams.push(
          engine.generate({
            ...options,
            prompt,
            seed,
            choice,
            signal,
            onEnd: (report) => {
              used.seconds += report.engineSeconds;
              used.completionTokens += report.completionTokens;
              if (choice === 0) used.cachedTokens += report.cachedTokens;
            },
            ...(tenant === undefined ? {} : { tenant, cacheSalt: tenant }),
            ...(lease.adapter === undefined ? {} : { adapter: lease.adapter }),
          }),
        );
      }
    }
  } catch (error) {
    clearTimeout(deadline);
    abort.abort();
    lease[Symbol.dispose]();
    meter.cancel();
    throw error;
  }
  meter.spend(tally.promptTokens);
  const note = ({ choice, event }: ChoiceEvent): void => {
    tally.totalMs = performance.now() - startAt;
    if (event.type === 'token-delta') {
      tally.firstTokenMs ??= tally.totalMs;
      tally.completionTokens++;
      meter.spend(1);
    } else if (event.type === 'request-end') {
      tally.draftedTokens += event.timings.draftedTokens;
      tally.acceptedTokens += event.timings.acceptedTokens;
      // Further answers to a prompt find it computed by the first: that is no news from the cache.
      if (choice % choices === 0) tally.cachedTokens += event.cachedTokens;
    }
  };
  async function* events(): AsyncGenerator<ChoiceEvent, void, undefined> {
    let outcome: 'whole' | 'aborted' | 'failed' = 'aborted';
    try {
      for await (const event of merge(streams)) {
        note(event);
        yield event;
      }
      if (!context.signal.aborted) outcome = 'whole';
    } catch (error) {
      outcome = 'failed';
      throw error;
    } finally {
      clearTimeout(deadline);
      abort.abort();
      lease[Symbol.dispose]();
      tally.totalMs = performance.now() - startAt;
      // The engine has told of every answer by now: those still under way ended with the signal.
      await meter.end({ ...used, model: lease.name, promptTokens: tally.promptTokens, outcome });
    }
  }
  return { events: events(), tally, seed };
}

/** Events of all streams as they come; the first failure ends all. */
function merge(streams: readonly AsyncIterable<GenerationEvent>[]): AsyncIterable<ChoiceEvent> {
  const queue = new AsyncQueue<ChoiceEvent>();
  let open = streams.length;
  const pump = async (stream: AsyncIterable<GenerationEvent>, choice: number): Promise<void> => {
    try {
      for await (const event of stream) queue.push({ choice, event });
      if (--open === 0) queue.end();
    } catch (error) {
      queue.end({ error });
    }
  };
  for (const [choice, stream] of streams.entries()) void pump(stream, choice);
  return queue;
}
