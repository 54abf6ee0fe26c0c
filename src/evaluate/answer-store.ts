// Answers already given, by model, task and request. Written in batches: a killed process loses at most
// one, and several processes may write at once.
import { createHash } from 'node:crypto';
import type { StatementSync } from 'node:sqlite';
import { errors } from '../base/errors.ts';
import { messageOf } from '../base/message-of.ts';
import type { Database } from '../store/index.ts';
import type { ModelDescription } from './answerer.ts';
import type { ModelRequest, ModelResponse } from './request.ts';

const batchSize = 64;
const batchMs = 1000;

/** An answer to keep. */
export interface StoredAnswer {
  readonly task: string;
  /** As requestHash gives it. */
  readonly request: Uint8Array;
  readonly response: ModelResponse;
}

/** sha256 of all that a request says, whatever the order of its fields. */
export function requestHash(request: ModelRequest): Uint8Array {
  return sha256(JSON.stringify(Object.entries(request).sort(([a], [b]) => (a < b ? -1 : 1))));
}

/**
 * sha256 of what answers depend on: the weights (behind an endpoint, where and who it is), template, BOS
 * policy, context and device. Name and path of a model with a hash may change.
 */
export function modelKey(description: ModelDescription): Uint8Array {
  const { name, location, ...rest } = description;
  const identity = description.sha256 === null ? { ...rest, name, location } : rest;
  return sha256(JSON.stringify(Object.entries(identity).sort(([a], [b]) => (a < b ? -1 : 1))));
}

/** The answers of one model. Flush it in the end to keep the last batch. */
export class AnswerStore {
  readonly #database: Database;
  readonly #model: number;
  readonly #insert: StatementSync;
  readonly #select: StatementSync;
  readonly #now: () => number;
  #batch: StoredAnswer[] = [];
  #writtenMs: number;

  constructor(database: Database, key: Uint8Array, now: () => number) {
    this.#database = database;
    this.#now = now;
    this.#writtenMs = now();
    this.#model = this.#write(() => {
      database.prepare('INSERT OR IGNORE INTO models (key) VALUES (?)').run(key);
      const row = database.prepare('SELECT id FROM models WHERE key = ?').get(key);
      return (row as { id: number }).id;
    });
    this.#insert = database.prepare('INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?)');
    this.#select = database.prepare(
      'SELECT response FROM answers WHERE model = ? AND task = ? AND request = ?',
    );
  }

  find(task: string, request: Uint8Array): ModelResponse | undefined {
    const row = this.#select.get(this.#model, task, request) as { response: string } | undefined;
    return row === undefined ? undefined : (JSON.parse(row.response, readNumber) as ModelResponse);
  }

  /** Forgets all answers to these tasks. Throws FILE_UNWRITABLE. */
  forget(tasks: readonly string[]): void {
    const remove = this.#database.prepare('DELETE FROM answers WHERE model = ? AND task = ?');
    this.#write(() => {
      for (const task of tasks) remove.run(this.#model, task);
    });
  }

  /** Keeps an answer with the next batch. Throws FILE_UNWRITABLE when the disk is full. */
  add(answer: StoredAnswer): void {
    this.#batch.push(answer);
    const isDue = this.#now() - this.#writtenMs >= batchMs;
    if (this.#batch.length >= batchSize || isDue) this.flush();
  }

  /** Writes what waits. Throws FILE_UNWRITABLE. */
  flush(): void {
    const batch = this.#batch;
    this.#batch = [];
    this.#writtenMs = this.#now();
    if (batch.length === 0) return;
    this.#write(() => {
      for (const { task, request, response } of batch) {
        this.#insert.run(this.#model, task, request, JSON.stringify(response, writeNumber));
      }
    });
  }

  #write<T>(work: () => T): T {
    try {
      this.#database.exec('BEGIN IMMEDIATE');
      const result = work();
      this.#database.exec('COMMIT');
      return result;
    } catch (cause) {
      // A full disk has rolled back by itself.
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      const reason = messageOf(cause);
      const path = this.#database.location() ?? 'the database in memory';
      throw errors.FILE_UNWRITABLE({ path, reason }, { cause });
    }
  }
}

// JSON has no NaN and no infinities: a model of broken weights gives them, and null would be read as 0.
function writeNumber(_key: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
}

function readNumber(key: string, value: unknown): unknown {
  return key === 'logprob' && typeof value === 'string' ? Number(value) : value;
}

function sha256(text: string): Uint8Array {
  return createHash('sha256').update(text).digest();
}
