// The database of evaluations: answers that models gave, and hashes of their files. One file for all
// models and processes of this machine.
import { join } from 'node:path';
import { type Database, openDatabase, storeFolder } from '../store/index.ts';

// Steps are never edited once released.
const steps: readonly string[] = [
  `CREATE TABLE models (id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE) STRICT;
   CREATE TABLE answers (
     model INTEGER NOT NULL REFERENCES models (id) ON DELETE CASCADE,
     task TEXT NOT NULL,
     request BLOB NOT NULL,
     response TEXT NOT NULL,
     PRIMARY KEY (model, task, request)
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE file_hashes (
     path TEXT PRIMARY KEY,
     size INTEGER NOT NULL,
     modified_ms REAL NOT NULL,
     sha256 TEXT NOT NULL
   ) STRICT, WITHOUT ROWID`,
];

/** Where evaluations are kept unless another place is given. */
export function evaluationDatabasePath(
  env: Readonly<Record<string, string | undefined>> = process.env,
): string {
  return join(storeFolder(env), 'evaluation.db');
}

/** Opens the database. Throws FILE_UNREADABLE. */
export function openEvaluationDatabase(path: string = evaluationDatabasePath()): Database {
  return openDatabase(path, steps);
}
