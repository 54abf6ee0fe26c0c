// Writes a result as lm-evaluation-harness does: `<folder>/<model>/results_<time>.json` and one
// `samples_<task>_<time>.jsonl` per task. Each file appears whole or not at all, the results file last:
// where it is, its samples are.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { errors } from '../../base/errors.ts';
import { writeFileAtomically } from '../../formats/files.ts';
import type { EvaluationResult } from '../result.ts';
import { sanitizeModelName, toResultsFile } from './results-file.ts';
import { sampleRows } from './sample-rows.ts';

/** Where a result was written. */
export interface WrittenResult {
  readonly path: string;
  readonly samples: readonly string[];
}

/**
 * Writes the files of a result. `now` is milliseconds since 1970. Throws FILE_UNWRITABLE, also when the
 * disk is full; files written before that stay.
 */
export async function writeResults(
  result: EvaluationResult,
  { folder, now }: { readonly folder: string; readonly now: number },
): Promise<WrittenResult> {
  const place = join(folder, sanitizeModelName(result.model.name));
  await mkdir(place, { recursive: true }).catch((cause: Error) => {
    throw errors.FILE_UNWRITABLE({ path: place, reason: cause.message }, { cause });
  });
  const time = fileTime(now);
  const samples: string[] = [];
  for (const task of result.tasks) {
    const path = join(place, `samples_${sanitizeModelName(task.name)}_${time}.jsonl`);
    await writeFileAtomically(path, async (sink) => {
      const encoder = new TextEncoder();
      for (const row of sampleRows(task.items)) {
        await sink.write(encoder.encode(`${JSON.stringify(row, writeBigInt)}\n`));
      }
    });
    samples.push(path);
  }
  const path = join(place, `results_${time}.json`);
  const text = `${JSON.stringify(toResultsFile(result), writeBigInt, 2)}\n`;
  await writeFileAtomically(path, (sink) => sink.write(new TextEncoder().encode(text)));
  return { path, samples };
}

/** Python's `datetime.isoformat` in UTC, to microseconds, with `-` for `:`. */
export function fileTime(now: number): string {
  return new Date(now).toISOString().replaceAll(':', '-').replace('Z', '000');
}

/** Documents from Parquet files may hold 64-bit integers. */
function writeBigInt(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? Number(value) : value;
}
