// Keeps what answers used, and knows the keys. Rows are written by a thread of their own, many in one transaction while it
// is busy; a row is kept until it is written. An answer's end waits for its row, so that whoever has seen the end finds
// the row, whatever happens to this process; but no longer than some seconds, where a disk is slow or full.
import { randomUUID } from 'node:crypto';
import { Worker } from 'node:worker_threads';
import { errors } from '../../base/errors.ts';
import { messageOf } from '../../base/message-of.ts';
import type { ApiLogger } from '../api-parts.ts';
import type { AnswerRecord } from '../request-context.ts';
import { type Key, listKeys } from './key-store.ts';
import type { LedgerReply, LedgerRequest, LedgerTask } from './ledger-protocol.ts';
import { openServerDatabase } from './server-database.ts';
import { tokensOfDay, type UsageDay, type UsageQuery, type UsageRow } from './usage-store.ts';

/** How a ledger is kept. */
export interface LedgerOptions {
  /** Of the database. */
  readonly path: string;
  readonly logger: ApiLogger;
  /** Longest time that an answer's end waits for its row. Default 3 s. */
  readonly patienceMs?: number;
  /** After so long, rows that could not be written are written again. Default 1 s. */
  readonly retryMs?: number;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

type Asked = PromiseWithResolvers<readonly UsageDay[]>;

// A last attempt is made so often when the server ends.
const lastAttempts = 5;

/** The ledger of one server. */
export class Ledger implements AsyncDisposable {
  readonly #options: Required<LedgerOptions>;
  readonly #run = randomUUID();
  readonly #asked = new Map<number, Asked>();
  readonly #usedToday: ReadonlyMap<string, number>;
  #keys: ReadonlyMap<string, Key>;
  #worker: Worker | undefined;
  #nextId = 0;
  #nextRow = 0;
  #rows: UsageRow[] = [];
  #unwritten = 0;
  // Resolves when the rows that wait now have been written.
  #written = Promise.withResolvers<void>();
  #writing: Promise<void> | undefined;
  #looking: Promise<void> | undefined;
  #closing = false;

  /** Opens the database, brings it up to date and reads the keys. Throws FILE_UNREADABLE. */
  constructor(options: LedgerOptions) {
    this.#options = { patienceMs: 3000, retryMs: 1000, now: Date.now, ...options };
    using database = openServerDatabase(options.path);
    this.#keys = liveKeys(listKeys(database));
    this.#usedToday = tokensOfDay(database, this.#today().slice(0, 10));
    this.#worker = this.#start();
  }

  /** How many keys may be used. */
  get keyCount(): number {
    return this.#keys.size;
  }

  /** Rows that are not written yet. */
  get unwritten(): number {
    return this.#unwritten;
  }

  /** A key that was not revoked, by its id. */
  findKey(id: string): Key | undefined {
    return this.#keys.get(id);
  }

  /** Reads the keys again, if they have changed: one that was made a moment ago is then found. */
  async look(): Promise<void> {
    this.#looking ??= this.#ask({ type: 'look' })
      .then(
        () => {},
        (error) => this.#complain('the keys could not be read', error),
      )
      .finally(() => {
        this.#looking = undefined;
      });
    await this.#looking;
  }

  /** Tokens that a key had used on this day when the ledger was opened. */
  usedBefore(id: string): number {
    return this.#usedToday.get(id) ?? 0;
  }

  /** Takes down an answer. Resolves when its row has been written, or patience is at its end. */
  record(record: AnswerRecord): Promise<void> {
    this.#rows.push({
      run: this.#run,
      number: this.#nextRow++,
      key: record.caller.key ?? '',
      model: record.model,
      path: record.path,
      request: record.requestId,
      endedAt: this.#today(),
      promptTokens: record.promptTokens,
      cachedTokens: record.cachedTokens,
      completionTokens: record.completionTokens,
      seconds: record.seconds,
      outcome: record.outcome,
    });
    this.#unwritten++;
    const written = this.#written.promise;
    this.#writing ??= this.#write();
    return within(written, this.#options.patienceMs);
  }

  /** Sums of what was used, those of rows that wait included. Rejects with FILE_UNREADABLE. */
  async usage(query: UsageQuery): Promise<readonly UsageDay[]> {
    // Rows that are on their way come first: the thread works in the order in which it is asked.
    if (this.#rows.length > 0) await within(this.#written.promise, this.#options.patienceMs);
    try {
      return await this.#ask({ type: 'usage', query });
    } catch (cause) {
      const reason = messageOf(cause);
      throw errors.FILE_UNREADABLE({ path: this.#options.path, reason }, { cause });
    }
  }

  /** Writes what waits and closes the database. Rows that cannot be written even now are counted in the log. */
  async close(): Promise<void> {
    this.#closing = true;
    await this.#writing;
    const worker = this.#worker;
    if (worker === undefined) return;
    const ended = new Promise((resolve) => worker.once('exit', resolve));
    await this.#ask({ type: 'close' }).catch(() => worker.terminate());
    await ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #today(): string {
    return new Date(this.#options.now()).toISOString();
  }

  // One batch after another; what comes meanwhile goes together.
  async #write(): Promise<void> {
    while (this.#rows.length > 0) {
      const rows = this.#rows;
      const written = this.#written;
      this.#rows = [];
      this.#written = Promise.withResolvers();
      await this.#writeBatch(rows);
      this.#unwritten -= rows.length;
      written.resolve();
    }
    this.#writing = undefined;
  }

  async #writeBatch(rows: readonly UsageRow[]): Promise<void> {
    for (let attempts = 0; ; ) {
      try {
        await this.#ask({ type: 'write', rows });
        return;
      } catch (error) {
        this.#complain(`the usage of ${rows.length} answers could not be written`, error);
        if (this.#closing && ++attempts >= lastAttempts) return;
        await new Promise((resolve) => setTimeout(resolve, this.#options.retryMs));
      }
    }
  }

  #complain(what: string, error: unknown): void {
    const reason = messageOf(error);
    this.#options.logger.error({ path: this.#options.path, reason }, what);
  }

  #ask(task: LedgerTask): Promise<readonly UsageDay[]> {
    const id = this.#nextId++;
    const asked: Asked = Promise.withResolvers();
    this.#asked.set(id, asked);
    this.#worker ??= this.#start();
    this.#worker.postMessage({ id, task } satisfies LedgerRequest);
    return asked.promise;
  }

  #start(): Worker {
    const file = import.meta.url.endsWith('.ts') ? './ledger-thread.ts' : './ledger-thread.js';
    const worker = new Worker(new URL(file, import.meta.url), { workerData: this.#options.path });
    worker.on('message', (reply: LedgerReply) => this.#hear(reply));
    // A thread that died is replaced when the next task comes: what it was asked is asked again by who asked.
    worker.on('error', (error) => this.#bury(worker, error));
    worker.on('exit', () => this.#bury(worker, new Error('the thread has ended')));
    return worker;
  }

  #hear(reply: LedgerReply): void {
    if (reply.type === 'keys') {
      this.#keys = liveKeys(reply.keys);
      return;
    }
    const asked = this.#asked.get(reply.id);
    this.#asked.delete(reply.id);
    if (reply.type === 'done') asked?.resolve(reply.usage ?? []);
    else asked?.reject(new Error(reply.reason));
  }

  #bury(worker: Worker, error: unknown): void {
    if (this.#worker !== worker) return;
    this.#worker = undefined;
    const asked = [...this.#asked.values()];
    this.#asked.clear();
    for (const each of asked) each.reject(error);
  }
}

function liveKeys(keys: readonly Key[]): ReadonlyMap<string, Key> {
  return new Map(keys.filter((key) => key.revokedAt === null).map((key) => [key.id, key]));
}

/** Waits for a promise that never rejects, but only so long. */
function within(promise: Promise<void>, ms: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    void promise.then(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}
