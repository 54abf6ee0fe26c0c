// Runs the open requests' rows step by step: asks the scheduler, runs the device, hands each job its
// results. What goes wrong with one request is that request's alone.
import { errors } from '../base/errors.ts';
import { invariant, present } from '../base/invariant.ts';
import type { AdapterSlots } from './adapter-slots.ts';
import { growthPages } from './cache.ts';
import type { Job } from './job.ts';
import type { EngineObserver } from './observer.ts';
import { PromptPace } from './prompt-pace.ts';
import { apply, enqueue, plan, remove } from './scheduler.ts';
import { type Chunk, createScheduler, type SchedulerState } from './scheduler-state.ts';
import type { Sequence } from './sequence.ts';
import type { StepChunk, StepResult, StepRunner } from './step.ts';

// Rows of one step: enough to use the matrix kernels fully, few enough that who comes next waits little.
const rowBudget = 256;

// Leaves room for prompts beside a row for every answer.
const maxRunning = rowBudget / 2;

// How much the newest of the times between ends counts in their running mean.
const newestShare = 1 / 8;

interface OpenJob {
  readonly job: Job;
  readonly onAbort: () => void;
}

/** What a loop works with. */
export interface WorkLoopOptions {
  readonly runner: StepRunner;
  readonly pages: number;
  readonly pageSize: number;
  readonly maxWaiting: number;
  readonly adapters: AdapterSlots | undefined;
  readonly observer: EngineObserver;
  /** Seconds. */
  readonly now: () => number;
}

/** Works while there are requests. */
export class WorkLoop {
  readonly #options: WorkLoopOptions;
  readonly #state: SchedulerState;
  readonly #pace = new PromptPace(rowBudget);
  readonly #open = new Map<Sequence, OpenJob>();
  #computedTokens = 0;
  #reusedTokens = 0;
  #secondsPerEnd = 0;
  #busySince = 0;
  #working: Promise<void> | undefined;
  #step: { readonly jobs: readonly Job[]; readonly abort: AbortController } | undefined;

  constructor(options: WorkLoopOptions) {
    this.#options = options;
    const { pages, pageSize } = options;
    this.#state = createScheduler({ pages, pageSize, maxRunning, growthPages });
  }

  /** Tokens computed and reused until now; requests under way count as reusing when they end. */
  get counts(): { readonly computedTokens: number; readonly reusedTokens: number } {
    return { computedTokens: this.#computedTokens, reusedTokens: this.#reusedTokens };
  }

  /** What runs, waits and is held. */
  get state(): Readonly<SchedulerState> {
    return this.#state;
  }

  /** Takes a job in; it ends by itself, by its signal, or by `drop`. Throws ENGINE_BUSY. */
  submit(job: Job): void {
    this.#assertRoom();
    const { sequence, signal, adapter } = job.place;
    if (adapter !== undefined) this.#options.adapters?.hold(adapter);
    const onAbort = (): void => this.#abort(job);
    if (this.#open.size === 0) this.#busySince = this.#options.now();
    this.#open.set(sequence, { job, onAbort });
    enqueue(this.#state, sequence);
    signal?.addEventListener('abort', onAbort);
    if (signal?.aborted === true) this.#abort(job);
    this.#working ??= this.#work();
  }

  /** Takes a job out. When nobody waits for the step under way any more, the step ends early. */
  drop(job: Job): void {
    const { sequence, signal, timer, adapter } = job.place;
    const open = this.#open.get(sequence);
    if (open === undefined) return;
    signal?.removeEventListener('abort', open.onAbort);
    this.#open.delete(sequence);
    this.#reusedTokens += sequence.reused;
    remove(this.#state, sequence);
    if (adapter !== undefined) this.#options.adapters?.release(adapter);
    timer.end('abort', sequence.reused);
    this.#noteEnd();
    const step = this.#step;
    if (step?.jobs.every((each) => !this.#isOpen(each)) === true) step.abort.abort();
  }

  /** Ends all requests as aborted, the step under way too. */
  async close(): Promise<void> {
    for (const { job } of [...this.#open.values()]) this.#abort(job);
    await this.#working;
  }

  // Whoever is refused may come again when those who wait will have been served, at the pace of late.
  #assertRoom(): void {
    const allowed = this.#options.maxWaiting;
    const waiting = this.#state.waiting.length;
    if (waiting < allowed || this.#open.size === 0) return;
    const retrySeconds = Math.max(1, Math.ceil((waiting + 1) * this.#secondsPerEnd));
    throw errors.ENGINE_BUSY({ waiting, allowed, retrySeconds });
  }

  #abort(job: Job): void {
    job.abort();
    this.drop(job);
  }

  #fail(job: Job, error: unknown): void {
    if (!this.#isOpen(job)) return;
    job.fail(error);
    this.drop(job);
  }

  #isOpen(job: Job): boolean {
    return this.#open.has(job.place.sequence);
  }

  // Time counts only while there is work: an idle hour says nothing of how fast requests end.
  #noteEnd(): void {
    const at = this.#options.now();
    const seconds = at - this.#busySince;
    const known = this.#secondsPerEnd;
    this.#secondsPerEnd = known === 0 ? seconds : known + newestShare * (seconds - known);
    this.#busySince = at;
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
    const chunks = plan(this.#state, this.#pace.budget()).map((chunk) => this.#ask(chunk));
    invariant(chunks.length > 0, 'every open request can go on');
    const jobs = chunks.map(({ sequence }) => present(this.#open.get(sequence), 'job').job);
    for (const { place } of jobs) place.timer.serve();
    this.#step = { jobs, abort: new AbortController() };
    const startedAt = this.#options.now();
    try {
      const result = await this.#options.runner.run(this.#state, chunks, this.#step.abort.signal);
      this.#report(chunks, this.#options.now() - startedAt);
      apply(this.#state, chunks);
      await this.#deliver(chunks, jobs, result);
    } catch (error) {
      for (const job of jobs) this.#fail(job, error);
    } finally {
      this.#step = undefined;
    }
  }

  // What the chunk's rows want of the step, from the first that wants anything.
  #ask(chunk: Chunk): StepChunk {
    const { sequence, start, count } = chunk;
    const { job } = present(this.#open.get(sequence), 'job');
    const first = Math.max(start, sequence.outputsFrom);
    const wishes = Array.from({ length: Math.max(0, start + count - first) }, (_, index) =>
      job.wish(first + index),
    );
    const { frequencies, adapter } = job.place;
    return { ...chunk, frequencies, adapterSlot: adapter?.slot ?? 0, wishes };
  }

  #report(chunks: readonly Chunk[], seconds: number): void {
    const rows = chunks.reduce((sum, { count }) => sum + count, 0);
    const decodeRows = chunks.filter(
      ({ sequence, start, count }) => count === 1 && start === sequence.tokens.length - 1,
    ).length;
    for (const { sequence, count } of chunks) {
      this.#open.get(sequence)?.job.place.timer.work((seconds * count) / rows);
    }
    const sequences = chunks.length;
    const step = { rows, promptRows: rows - decodeRows, decodeRows, sequences, seconds };
    this.#computedTokens += rows;
    this.#pace.note(step);
    this.#options.observer.onStep?.(step);
  }

  // Hands each output row to its job.
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
          if (await job.accept(result, row, position)) this.drop(job);
        } catch (error) {
          this.#fail(job, error);
        }
      }
    }
  }
}
