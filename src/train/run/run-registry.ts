// The runs made on this machine, in a database of the store's folder: what was run on what, how it went.
// Runs are rows; curves and samples stay in the run's own folder.
import { join } from 'node:path';
import * as z from 'zod';
import { errors } from '../../base/errors.ts';
import { type Database, openDatabase } from '../../store/database.ts';

/** How a run is going, or how it ended; `killed`: its process is gone without a word. */
export const runStatuses = [
  'running',
  'finished',
  'stopped-early',
  'interrupted',
  'failed',
  'killed',
] as const;

/** A run as it is kept. */
export interface RunRecord {
  readonly id: string;
  readonly name: string;
  readonly command: 'train' | 'tune';
  readonly status: (typeof runStatuses)[number];
  /** ISO 8601. */
  readonly startedAt: string;
  /** When the row last changed. */
  readonly updatedAt: string;
  /** Absolute path of its output. */
  readonly folder: string;
  /** The whole recipe as JSON. */
  readonly recipe: string;
  readonly dataHash: string;
  readonly seed: number;
  /** Commit of the working folder, with `+` where files differ from it; empty: no repository. */
  readonly commit: string;
  readonly device: string;
  readonly step: number;
  readonly steps: number;
  readonly loss: number | null;
  readonly bestLoss: number | null;
  readonly bestStep: number | null;
  readonly tokensPerSecond: number | null;
  readonly error: string | null;
  /** The process that runs it, on this machine. */
  readonly process: number | null;
}

const steps = [
  `CREATE TABLE runs (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, command TEXT NOT NULL, status TEXT NOT NULL,
    startedAt TEXT NOT NULL, updatedAt TEXT NOT NULL, folder TEXT NOT NULL, recipe TEXT NOT NULL,
    dataHash TEXT NOT NULL, seed INTEGER NOT NULL, "commit" TEXT NOT NULL, device TEXT NOT NULL,
    step INTEGER NOT NULL, steps INTEGER NOT NULL, loss REAL, bestLoss REAL, bestStep INTEGER,
    tokensPerSecond REAL, error TEXT
  ) STRICT`,
  'ALTER TABLE runs ADD COLUMN process INTEGER',
];

const rowSchema: z.ZodType<RunRecord> = z.object({
  id: z.string(),
  name: z.string(),
  command: z.enum(['train', 'tune']),
  status: z.enum(runStatuses),
  startedAt: z.string(),
  updatedAt: z.string(),
  folder: z.string(),
  recipe: z.string(),
  dataHash: z.string(),
  seed: z.number(),
  commit: z.string(),
  device: z.string(),
  step: z.number(),
  steps: z.number(),
  loss: z.number().nullable(),
  bestLoss: z.number().nullable(),
  bestStep: z.number().nullable(),
  tokensPerSecond: z.number().nullable(),
  error: z.string().nullable(),
  process: z.number().nullable(),
});

const columns = [
  'id',
  'name',
  'command',
  'status',
  'startedAt',
  'updatedAt',
  'folder',
  'recipe',
  'dataHash',
  'seed',
  'commit',
  'device',
  'step',
  'steps',
  'loss',
  'bestLoss',
  'bestStep',
  'tokensPerSecond',
  'error',
  'process',
] as const satisfies readonly (keyof RunRecord)[];

/** The table of runs. */
export class RunRegistry implements Disposable {
  readonly #database: Database;

  /** Opens `runs.db` in the store's folder. Throws FILE_UNREADABLE. */
  constructor(storeFolder: string) {
    this.#database = openDatabase(join(storeFolder, 'runs.db'), steps);
  }

  /** Writes a run, in place of what was known of it. */
  put(run: RunRecord): void {
    const names = columns.map((column) => `"${column}"`).join(', ');
    const places = columns.map(() => '?').join(', ');
    this.#database
      .prepare(`INSERT OR REPLACE INTO runs (${names}) VALUES (${places})`)
      .run(...columns.map((column) => run[column]));
  }

  /** All runs, the latest first. */
  list(): RunRecord[] {
    const rows = this.#database.prepare('SELECT * FROM runs ORDER BY startedAt DESC, id').all();
    return rows.map((row) => {
      const run = rowSchema.parse(row);
      const isGone = run.status === 'running' && !isAlive(run.process);
      return isGone ? { ...run, status: 'killed' } : run;
    });
  }

  /** The run whose id, or name if only one has it, this is; ids may be cut short. Throws RUN_NOT_FOUND. */
  find(id: string): RunRecord {
    const runs = this.list();
    const found = runs.filter((run) => run.id === id);
    const near = found.length > 0 ? found : runs.filter((run) => run.id.startsWith(id));
    const named = near.length > 0 ? near : runs.filter((run) => run.name === id);
    const [run, ...others] = named;
    if (id !== '' && run !== undefined && others.length === 0) return run;
    const have = (others.length > 0 ? named : runs).slice(0, 9).map((each) => each.id);
    throw errors.RUN_NOT_FOUND({ id, have: have.join(', ') || 'none' });
  }

  [Symbol.dispose](): void {
    this.#database.close();
  }
}

function isAlive(processId: number | null): boolean {
  if (processId === null) return false;
  try {
    return process.kill(processId, 0);
  } catch (error) {
    // It is there, but another user's.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
