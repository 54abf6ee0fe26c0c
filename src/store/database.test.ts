import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openDatabase } from './database.ts';

const first = 'CREATE TABLE runs (id TEXT PRIMARY KEY) STRICT';
const second = 'ALTER TABLE runs ADD COLUMN loss REAL';

function newPath(): string {
  return join(mkdtempSync(join(tmpdir(), 'corral-database-')), 'sub', 'runs.db');
}

it('runs each schema step once and keeps what was stored before the next', () => {
  const path = newPath();
  {
    using database = openDatabase(path, [first]);
    database.exec("INSERT INTO runs VALUES ('a')");
  }
  {
    using database = openDatabase(path, [first, second]);
    database.exec('UPDATE runs SET loss = 1.5');
  }
  using database = openDatabase(path, [first, second]);
  expect(database.prepare('SELECT * FROM runs').all()).toEqual([{ id: 'a', loss: 1.5 }]);
});

it('refuses a database of a later version and a file that is none', () => {
  const path = newPath();
  openDatabase(path, [first, second]).close();
  expect(() => openDatabase(path, [first])).toThrow(/schema is version 2/);
  const text = join(mkdtempSync(join(tmpdir(), 'corral-database-')), 'text.db');
  writeFileSync(text, 'not a database, but long enough to look at'.repeat(50));
  expect(() => openDatabase(text, [first])).toThrow(/could not be read/);
});
