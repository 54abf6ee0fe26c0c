// What answers used, as rows of the database: written in batches, read as sums by day, key and model.
import * as z from 'zod';
import type { Database } from '../../store/index.ts';
import type { AnswerRecord } from '../request-context.ts';

/** One answer's use. */
export interface UsageRow {
  /** Which process wrote it, and as its how manieth. */
  readonly run: string;
  readonly number: number;
  /** Id of the key; empty for callers without one. */
  readonly key: string;
  readonly model: string;
  readonly path: string;
  readonly request: string;
  /** ISO 8601, UTC. */
  readonly endedAt: string;
  readonly promptTokens: number;
  readonly cachedTokens: number;
  readonly completionTokens: number;
  readonly seconds: number;
  readonly outcome: AnswerRecord['outcome'];
}

/** Which sums to read. */
export interface UsageQuery {
  /** First and last day, `YYYY-MM-DD`, UTC. */
  readonly from: string;
  readonly to: string;
  /** Ids; empty for callers without a key. Default: all. */
  readonly keys?: readonly string[];
  readonly models?: readonly string[];
}

/** What one key used of one model in one day, by the day on which answers ended. */
export interface UsageDay {
  readonly day: string;
  readonly key: string;
  readonly model: string;
  readonly answers: number;
  /** Of the answers, those whose client left, and those that failed. */
  readonly aborted: number;
  readonly failed: number;
  readonly promptTokens: number;
  /** Of the prompts' tokens, those that were not computed again. */
  readonly cachedTokens: number;
  readonly completionTokens: number;
  /** Of the engine's time. */
  readonly seconds: number;
}

/** Writes rows, all or none; those that are there already stay as they are. */
export function writeUsage(database: Database, rows: readonly UsageRow[]): void {
  database.exec('BEGIN IMMEDIATE');
  try {
    const insert = database.prepare(
      `INSERT INTO usage VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (run, number) DO NOTHING`,
    );
    for (const row of rows) {
      insert.run(
        ...[row.run, row.number, row.key, row.model, row.path, row.request, row.endedAt],
        ...[row.promptTokens, row.cachedTokens, row.completionTokens, row.seconds, row.outcome],
      );
    }
    database.exec('COMMIT');
  } catch (error) {
    // A failed commit may have ended the transaction, or not.
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}

const dayRow = z.object({
  day: z.string(),
  key: z.string(),
  model: z.string(),
  answers: z.number(),
  aborted: z.number(),
  failed: z.number(),
  promptTokens: z.number(),
  cachedTokens: z.number(),
  completionTokens: z.number(),
  seconds: z.number(),
});

/** The sums of a query, by day, key and model. */
export function readUsage(database: Database, query: UsageQuery): UsageDay[] {
  const { from, to, keys, models } = query;
  const rows = database
    .prepare(
      `SELECT day, key, model, answers, aborted, failed, prompt_tokens AS promptTokens,
         cached_tokens AS cachedTokens, completion_tokens AS completionTokens, seconds
       FROM usage_days
       WHERE day BETWEEN ?1 AND ?2
         AND (?3 IS NULL OR key IN (SELECT value FROM json_each(?3)))
         AND (?4 IS NULL OR model IN (SELECT value FROM json_each(?4)))
       ORDER BY day, key, model`,
    )
    .all(from, to, listOf(keys), listOf(models));
  return rows.map((row) => dayRow.parse(row));
}

function listOf(values: readonly string[] | undefined): string | null {
  return values === undefined ? null : JSON.stringify(values);
}

/** Tokens that each key has used on a day. */
export function tokensOfDay(database: Database, day: string): Map<string, number> {
  const used = new Map<string, number>();
  for (const row of readUsage(database, { from: day, to: day })) {
    const { key, promptTokens, completionTokens } = row;
    used.set(key, (used.get(key) ?? 0) + promptTokens + completionTokens);
  }
  return used;
}
