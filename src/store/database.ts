// Opens SQLite files for rooms above: write-ahead log, a busy timeout, and schema steps that each run
// once. Knows no tables of its own.
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { CorralError } from '../base/define-errors.ts';
import { errors } from '../base/errors.ts';
import { messageOf } from '../base/message-of.ts';

// How long a writer waits for another process before it gives up.
const busyTimeoutMs = 10_000;

/** A database that is closed by `using`. */
export type Database = DatabaseSync & Disposable;

/**
 * Opens or creates a database and brings its schema up to date. `steps[i]` is SQL that takes the schema
 * from version i to i + 1; steps are never edited once released. Throws FILE_UNREADABLE.
 * @example using database = openDatabase('runs.db', ['CREATE TABLE runs (id TEXT PRIMARY KEY) STRICT']);
 */
export function openDatabase(path: string, steps: readonly string[]): Database {
  let database: DatabaseSync | undefined;
  try {
    if (path !== ':memory:') mkdirSync(dirname(path), { recursive: true });
    database = new DatabaseSync(path, { timeout: busyTimeoutMs });
    database.exec(
      'PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON',
    );
    upgrade(database, path, steps);
    return database;
  } catch (cause) {
    database?.close();
    if (CorralError.isInstance(cause)) throw cause;
    const reason = messageOf(cause);
    throw errors.FILE_UNREADABLE({ path, reason }, { cause });
  }
}

function upgrade(database: DatabaseSync, path: string, steps: readonly string[]): void {
  const row = database.prepare('PRAGMA user_version').get() as { user_version: number };
  if (row.user_version > steps.length) {
    const reason = `its schema is version ${row.user_version}; this Corral knows ${steps.length}`;
    throw errors.FILE_UNREADABLE({ path, reason });
  }
  for (let version = row.user_version; version < steps.length; version++) {
    database.exec(
      `BEGIN IMMEDIATE; ${steps[version]}; PRAGMA user_version = ${version + 1}; COMMIT`,
    );
  }
}
