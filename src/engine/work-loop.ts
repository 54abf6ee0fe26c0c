// Runs the open requests' rows step by step: asks the scheduler, runs the device, hands each job its
// results. What goes wrong with one request is that request's alone.
import { errors } from '../base/errors.ts';
import { invariant, present } from '../base/invariant.ts';
import type { AdapterSlots } from './adapter-slots.ts';
import { growthPages } from './cache.ts';
import type { Job } from './job.ts';
import type { EngineObserver } from './observer.ts';
import { PageArchive, type PageArchiveOptions } from './page-archive.ts';
import { PromptPace } from './prompt-pace.ts';
import { apply, enqueue, plan, remove } from './scheduler.ts';
import { type Chunk, createScheduler, type SchedulerState } from './scheduler-state.ts';
import type { Sequence } from './sequence.ts';
import { type Drafts, noDrafts, Speculation } from './speculation.ts';
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
  readonly archive: Omit<PageArchiveOptions, 'state'> | undefined;
  readonly observer: EngineObserver;
  /** Seconds. */
  readonly now: () => number;
}

/** Works while there are requests. */
export class WorkLoop {
  readonly #options: WorkLoopOptions;
  readonly #state: SchedulerState;
  readonly #pace = new PromptPace(rowBudget);
  readonly #speculation: Speculation;
  readonly #archive: PageArchive | undefined;
  readonly #open = new Map<Sequence, OpenJob>();
  #computedTokens = 0;
  #reusedTokens = 0;
  #secondsPerEnd = 0;
  #busySince = 0;
  #working: Promise<void> | undefined;
  #step: { readonly jobs: readonly Job[]; readonly abort: AbortController } | undefined;

  constructor(options: WorkLoopOptions) {
    this.#options = options;
    const { pages, pageSize, now, archive } = options;
    this.#speculation = new Speculation(now);
    this.#state = createScheduler({ pages, pageSize, maxRunning, growthPages });
    this.#archive = archive && new PageArchive({ ...archive, state: this.#state });
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
    this.#archive?.restore(sequence);
    enqueue(this.#state, sequence);
    this.#archive?.wake();
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
    this.#archive?.wake();
    if (adapter !== undefined) this.#options.adapters?.release(adapter);
    timer.end('abort', sequence.reused);
    this.#noteEnd();
    const step = this.#step;
    if (step?.jobs.every((each) => !this.#isOpen(each)) === true) step.abort.abort();
  }

  /** What was computed until now is of other weights than what will be. */
  noteChangedWeights(): void {
    this.#archive?.stop();
  }

  /** Ends all requests as aborted, the step under way too. Pages that are to be found again are saved. */
  async close(): Promise<void> {
    for (const { job } of [...this.#open.values()]) this.#abort(job);
    await this.#working;
    await this.#archive?.close();
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
    const drafts = await this.#guess();
    // All may have left meanwhile.
    if (this.#open.size === 0) return;
    const plannedAt = this.#options.now();
    const chunks = plan(this.#state, this.#pace.budget(), drafts).map((chunk) => this.#ask(chunk));
    if (chunks.length === 0) {
      invariant(this.#state.restoring.size > 0, 'every open request can go on');
      await this.#archive?.progress;
      return;
    }
    const jobs = chunks.map(({ sequence }) => present(this.#open.get(sequence), 'job').job);
    for (const { place } of jobs) place.timer.serve();
    const areAnswers = chunks.every(isAnswer);
    this.#step = { jobs, abort: new AbortController() };
    const startedAt = this.#options.now();
    try {
      const result = await this.#options.runner.run(this.#state, chunks, this.#step.abort.signal);
      this.#report(chunks, this.#options.now() - startedAt);
      apply(this.#state, chunks);
      await this.#deliver(chunks, jobs, result);
      this.#archive?.save();
      if (areAnswers) this.#speculation.note(countRows(chunks), this.#options.now() - plannedAt);
    } catch (error) {
      for (const job of jobs) this.#fail(job, error);
    } finally {
      this.#step = undefined;
    }
  }

  // Guesses for those whose next step is an answer's. Beside prompts there will be no rows for any.
  #guess(): Drafts | Promise<Drafts> {
    const { running } = this.#state;
    const answers = running.map((sequence) => ({
      sequence,
      speculator: this.#open.get(sequence)?.job.speculator,
    }));
    if (answers.every(({ speculator }) => speculator === undefined)) return noDrafts;
    if (running.some(({ computed, tokens }) => computed < tokens.length - 1)) return noDrafts;
    return this.#speculation.propose(answers, rowBudget - answers.length);
  }

  // What the chunk's rows want of the step, from the first that wants anything.
  #ask(chunk: Chunk): StepChunk {
    const { sequence, start, count, draft } = chunk;
    const { job } = present(this.#open.get(sequence), 'job');
    const first = Math.max(start, sequence.outputsFrom);
    const wishes = Array.from({ length: Math.max(0, start + count - first) }, (_, index) =>
      job.wish(first + index),
    );
    const foreseen = draft.length === 0 ? [] : (job.foresee?.(draft) ?? []);
    const { frequencies, adapter } = job.place;
    return {
      ...chunk,
      draft: draft.slice(0, foreseen.length),
      frequencies,
      adapterSlot: adapter?.slot ?? 0,
      wishes: [...wishes, ...foreseen],
    };
  }

  #report(chunks: readonly Chunk[], seconds: number): void {
    const rows = countRows(chunks);
    const decodeRows = chunks.filter(isAnswer).length;
    const draftRows = chunks.reduce((sum, { draft }) => sum + draft.length, 0);
    const promptRows = rows - decodeRows - draftRows;
    for (const { sequence, count, draft } of chunks) {
      const share = (count + draft.length) / rows;
      this.#open.get(sequence)?.job.place.timer.work(seconds * share);
    }
    const sequences = chunks.length;
    const step = { rows, promptRows, decodeRows, draftRows, sequences, seconds };
    this.#computedTokens += rows;
    this.#pace.note(step);
    this.#options.observer.onStep?.(step);
  }

  // Hands each output row to its job: one after a guess only if the sampler chose what was guessed. Only then
  // do the guess's keys and values count as computed; else the next rows overwrite them.
  async #deliver(
    chunks: readonly StepChunk[],
    jobs: readonly Job[],
    result: StepResult,
  ): Promise<void> {
    let row = 0;
    for (const [index, { sequence, start, count, draft, wishes }] of chunks.entries()) {
      const job = present(jobs[index], 'job');
      const end = start + count;
      let accepted = 0;
      job.place.timer.draft(draft.length);
      for (let i = 0; i < wishes.length; i++, row++) {
        if (!this.#isOpen(job)) continue;
        const position = end + draft.length - wishes.length + i;
        if (position >= end) {
          if (draft[position - end] !== sequence.tokens[position]) continue;
          accepted++;
          job.place.timer.acceptDraft();
        }
        try {
          if (await job.accept(result, row, position)) this.drop(job);
        } catch (error) {
          this.#fail(job, error);
        }
      }
      if (accepted > 0) {
        apply(this.#state, [{ sequence, start: end, count: accepted, draft: [] }]);
      }
    }
  }
}

// Is it the newest token of a running answer, with or without guesses?
function isAnswer({ sequence, start, count }: Chunk): boolean {
  return count === 1 && start === sequence.tokens.length - 1;
}

function countRows(chunks: readonly Chunk[]): number {
  return chunks.reduce((sum, { count, draft }) => sum + count + draft.length, 0);
}
