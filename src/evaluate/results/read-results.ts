// Reads result files back, those of Corral and those of lm-evaluation-harness alike. Samples are read when
// they are asked for, line by line.
import { createReadStream } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { CorralError } from '../../base/define-errors.ts';
import { errors } from '../../base/errors.ts';
import { messageOf } from '../../base/message-of.ts';
import type { EvaluationResult } from '../result.ts';
import { parseResultsFile } from './parse-results-file.ts';
import { ItemCollector } from './read-rows.ts';
import { sanitizeModelName, toResultsFile } from './results-file.ts';
import { sampleRows } from './sample-rows.ts';
import type { StoredItem, StoredResult } from './stored-result.ts';

const resultsName = /^results_(.+)\.json$/;

/**
 * The results at a path: of a results file, of a model's folder (its latest), or of a folder of such
 * folders (the latest of each). Throws RESULTS_NOT_FOUND or RESULTS_INVALID.
 */
export async function readResults(path: string): Promise<readonly StoredResult[]> {
  const there = await stat(path).catch(() => undefined);
  if (there === undefined) throw errors.RESULTS_NOT_FOUND({ path, found: 'nothing is there' });
  if (!there.isDirectory()) return [await readResultsFile(path)];
  const files = await latestFiles(path);
  if (files.length === 0) {
    throw errors.RESULTS_NOT_FOUND({ path, found: 'the folder has no results_<time>.json' });
  }
  return Promise.all(files.map(readResultsFile));
}

/** The same for a path that must hold one result. Throws RESULTS_AMBIGUOUS, too. */
export async function readOneResult(path: string): Promise<StoredResult> {
  const [result, ...more] = await readResults(path);
  if (result === undefined || more.length > 0) {
    const have = [result, ...more].map((one) => one?.model.name).join(', ');
    throw errors.RESULTS_AMBIGUOUS({ path, have });
  }
  return result;
}

/** A result that was just computed, as if read from its files. */
export function describeResult(result: EvaluationResult): StoredResult {
  const file: unknown = JSON.parse(JSON.stringify(toResultsFile(result)));
  const items = new Map(result.tasks.map((task) => [task.name, task.items]));
  return parseResultsFile(file, null, async (name) => {
    const collector = new ItemCollector();
    for (const row of sampleRows(items.get(name) ?? [])) collector.add(row);
    return collector.items();
  });
}

async function latestFiles(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const own = entries.filter((entry) => resultsName.test(entry.name)).map(({ name }) => name);
  const latest = own.sort().at(-1);
  if (latest !== undefined) return [join(folder, latest)];
  const inner = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  const found: string[] = [];
  for (const name of inner.sort()) {
    const files = (await readdir(join(folder, name))).filter((file) => resultsName.test(file));
    const last = files.sort().at(-1);
    if (last !== undefined) found.push(join(folder, name, last));
  }
  return found;
}

async function readResultsFile(path: string): Promise<StoredResult> {
  const text = await readFile(path, 'utf8').catch((cause: Error) => {
    throw errors.FILE_UNREADABLE({ path, reason: cause.message }, { cause });
  });
  const time = resultsName.exec(basename(path))?.[1];
  return parseResultsFile(parsePythonJson(text, path), path, (name) =>
    readSamples(path, name, time),
  );
}

/** JSON, and the NaN and Infinity that Python writes beside it, which become null. */
function parsePythonJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const tokens = /"(?:[^"\\]|\\.)*"|-?\b(?:NaN|Infinity)\b/g;
    const cleaned = text.replaceAll(tokens, (token) => (token.startsWith('"') ? token : 'null'));
    try {
      return JSON.parse(cleaned);
    } catch {
      const reason = messageOf(cause);
      throw errors.RESULTS_INVALID({ path, reason }, { cause });
    }
  }
}

async function readSamples(
  resultsPath: string,
  task: string,
  time: string | undefined,
): Promise<readonly StoredItem[] | undefined> {
  if (time === undefined) return undefined;
  const path = join(dirname(resultsPath), `samples_${sanitizeModelName(task)}_${time}.jsonl`);
  const there = await stat(path).catch(() => undefined);
  if (there === undefined) return undefined;
  const collector = new ItemCollector();
  let number = 0;
  try {
    const lines = createInterface({ input: createReadStream(path), crlfDelay: Infinity });
    for await (const line of lines) {
      number++;
      if (line === '' || collector.add(parsePythonJson(line, path))) continue;
      throw errors.RESULTS_INVALID({ path, reason: `line ${number} is no sample` });
    }
  } catch (cause) {
    if (CorralError.isInstance(cause)) throw cause;
    const reason = messageOf(cause);
    throw errors.FILE_UNREADABLE({ path, reason }, { cause });
  }
  return collector.items();
}
