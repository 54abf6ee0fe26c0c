// The database of servers: keys, and what answers used. One file for all servers of this machine's store.
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { errors } from '../../base/errors.ts';
import { messageOf } from '../../base/message-of.ts';
import { type Database, openDatabase, storeFolder } from '../../store/index.ts';

// Steps are never edited once released. A row of usage is named by the server process that wrote it and its number there:
// one that is written again after a failure stays one. Its day's sums change with it, in one transaction, so that
// neither is ever without the other.
const steps: readonly string[] = [
  `CREATE TABLE keys (
     id TEXT PRIMARY KEY,
     name TEXT NOT NULL,
     hash BLOB NOT NULL,
     models TEXT,
     requests_per_minute INTEGER,
     tokens_per_day INTEGER,
     tenant TEXT,
     created_at TEXT NOT NULL,
     revoked_at TEXT
   ) STRICT, WITHOUT ROWID;
   CREATE UNIQUE INDEX live_names ON keys (name) WHERE revoked_at IS NULL;
   CREATE TABLE usage (
     run TEXT NOT NULL,
     number INTEGER NOT NULL,
     key TEXT NOT NULL,
     model TEXT NOT NULL,
     path TEXT NOT NULL,
     request TEXT NOT NULL,
     ended_at TEXT NOT NULL,
     prompt_tokens INTEGER NOT NULL,
     cached_tokens INTEGER NOT NULL,
     completion_tokens INTEGER NOT NULL,
     seconds REAL NOT NULL,
     outcome TEXT NOT NULL,
     PRIMARY KEY (run, number)
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE usage_days (
     day TEXT NOT NULL,
     key TEXT NOT NULL,
     model TEXT NOT NULL,
     answers INTEGER NOT NULL,
     aborted INTEGER NOT NULL,
     failed INTEGER NOT NULL,
     prompt_tokens INTEGER NOT NULL,
     cached_tokens INTEGER NOT NULL,
     completion_tokens INTEGER NOT NULL,
     seconds REAL NOT NULL,
     PRIMARY KEY (day, key, model)
   ) STRICT, WITHOUT ROWID;
   CREATE TRIGGER add_to_day AFTER INSERT ON usage BEGIN
     INSERT INTO usage_days VALUES (
       substr(new.ended_at, 1, 10), new.key, new.model,
       1, new.outcome = 'aborted', new.outcome = 'failed',
       new.prompt_tokens, new.cached_tokens, new.completion_tokens, new.seconds
     ) ON CONFLICT DO UPDATE SET
       answers = answers + 1,
       aborted = aborted + excluded.aborted,
       failed = failed + excluded.failed,
       prompt_tokens = prompt_tokens + excluded.prompt_tokens,
       cached_tokens = cached_tokens + excluded.cached_tokens,
       completion_tokens = completion_tokens + excluded.completion_tokens,
       seconds = seconds + excluded.seconds;
   END`,
];

/** Where keys and usage are kept unless another place is given. */
export function serverDatabasePath(
  env: Readonly<Record<string, string | undefined>> = process.env,
): string {
  return join(storeFolder(env), 'server.db');
}

/** Opens the database; a new one is its owner's alone to read. Throws FILE_UNREADABLE. */
export function openServerDatabase(path: string): Database {
  try {
    mkdirSync(dirname(path), { recursive: true });
    // SQLite gives its other files the rights of this one.
    closeSync(openSync(path, 'a', 0o600));
  } catch (cause) {
    const reason = messageOf(cause);
    throw errors.FILE_UNREADABLE({ path, reason }, { cause });
  }
  return openDatabase(path, steps);
}
