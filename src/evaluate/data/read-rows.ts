// Rows of a data file: JSON lines (also gzipped), JSON, CSV with a header, Parquet, and plain text by
// the line. Nothing here knows which data set it reads.
import { readFile } from 'node:fs/promises';
import { gunzipSync } from 'node:zlib';
import { parse as parseCsv } from 'csv-parse/sync';
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet';
import { errors } from '../../base/errors.ts';
import type { Doc } from '../task.ts';

/** File name endings that can be read, the first found wins. */
export const dataFileEndings = ['jsonl', 'jsonl.gz', 'parquet', 'json', 'csv', 'txt'] as const;

/** All rows of a file, or of one of the lists that a JSON file holds. Throws DATA_INVALID. */
export async function readRows(file: string, member?: string): Promise<Doc[]> {
  try {
    if (file.endsWith('.parquet')) return await readParquet(file);
    const bytes = await readFile(file);
    const text = (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8');
    if (/\.jsonl(\.gz)?$/u.test(file)) return readJsonLines(text);
    if (file.endsWith('.json')) return rowsOf(JSON.parse(text), member);
    if (file.endsWith('.csv')) {
      return parseCsv(text, { columns: true, bom: true, relax_column_count: false }) as Doc[];
    }
    return text
      .replace(/\n$/u, '')
      .split('\n')
      .map((line) => ({ text: line }));
  } catch (cause) {
    throw errors.DATA_INVALID({ file, reason: (cause as Error).message }, { cause });
  }
}

function readJsonLines(text: string): Doc[] {
  return text.split('\n').flatMap((line, index) => {
    if (line.trim() === '') return [];
    try {
      return [asRow(JSON.parse(line))];
    } catch (cause) {
      throw new Error(`line ${index + 1}: ${(cause as Error).message}`, { cause });
    }
  });
}

/** The rows of a JSON file: the list it is, or the list that it holds under a name, or its only one. */
function rowsOf(value: unknown, member: string | undefined): Doc[] {
  if (Array.isArray(value)) return value.map(asRow);
  const lists = Object.entries(Object(value) as object).filter(([name, list]) => {
    return Array.isArray(list) && (member === undefined || name === member);
  });
  const [only] = lists;
  if (only === undefined || lists.length > 1) {
    throw new Error(`it is no list of rows and holds no single list${member ? ` ${member}` : ''}`);
  }
  return (only[1] as unknown[]).map(asRow);
}

function asRow(value: unknown): Doc {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Error('a row is no object');
  }
  return value as Doc;
}

async function readParquet(file: string): Promise<Doc[]> {
  const rows = await parquetReadObjects({ file: await asyncBufferFromFile(file) });
  return rows.map((row) => withoutBigInts(row) as Doc);
}

/** As JSON would have it. 64-bit integers become numbers: labels and ids of benchmarks are small. */
function withoutBigInts(value: unknown): unknown {
  if (value === undefined) return null;
  if (typeof value === 'bigint') return Number(value);
  if (Array.isArray(value)) return value.map(withoutBigInts);
  if (typeof value === 'object' && value !== null && !(value instanceof Uint8Array)) {
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, withoutBigInts(item)]),
    );
  }
  return value;
}
