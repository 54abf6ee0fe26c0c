// Finds a split of a data set below a data folder and reads it. The layout is the hub's:
// DATASET_PATH/NAME/SPLIT.ENDING (`default` or nothing where there is no name), a folder SPLIT/ of
// parquet files, or SPLIT-00000-of-00002.parquet; and that of the authors' own repositories.
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { errors } from '../../base/errors.ts';
import type { Doc } from '../task.ts';
import { knownFile } from './known-layouts.ts';
import { dataFileEndings, readRows } from './read-rows.ts';

/** A split of a data set. */
export interface SplitSource {
  /** As on the hub, such as `openai/gsm8k`. */
  readonly path: string;
  readonly name: string | undefined;
  readonly split: string;
}

/** The rows of a split. Throws DATA_MISSING with every place looked at, DATA_INVALID. */
export async function readSplit(
  source: SplitSource,
  { dataDir, task }: { readonly dataDir: string; readonly task: string },
): Promise<readonly Doc[]> {
  const folders = foldersOf(source).map((folder) => join(dataDir, folder));
  for (const folder of folders) {
    const files = await filesOf(folder, source.split);
    if (files.length > 0) return (await Promise.all(files.map((file) => readRows(file)))).flat();
  }
  const known = knownFile(source);
  if (known !== undefined && (await exists(join(dataDir, known.file)))) {
    const file = join(dataDir, known.file);
    const rows = await readRows(file, known.member);
    return known.rows === undefined ? rows : rows.filter(known.rows);
  }
  const looked = folders.map((folder) =>
    join(folder, `${source.split}.{${dataFileEndings.join(',')}}`),
  );
  if (known !== undefined) looked.push(join(dataDir, known.file));
  const { path, name, split } = source;
  const label = name === undefined ? path : `${path} (${name})`;
  throw errors.DATA_MISSING({ label, split, task, dataDir, looked: looked.join(', ') });
}

function foldersOf({ path, name }: SplitSource): string[] {
  return name === undefined ? [join(path, 'default'), path] : [join(path, name)];
}

/** The files of a split in a folder, in order. */
async function filesOf(folder: string, split: string): Promise<string[]> {
  const names = await namesIn(folder);
  for (const ending of dataFileEndings) {
    if (names.includes(`${split}.${ending}`)) return [join(folder, `${split}.${ending}`)];
  }
  const shards = names.filter((name) => {
    return name.startsWith(`${split}-`) && /-\d+-of-\d+\.parquet$/u.test(name);
  });
  if (shards.length > 0) return shards.sort().map((name) => join(folder, name));
  const inside = names.includes(split) ? await namesIn(join(folder, split)) : [];
  return inside
    .filter((name) => name.endsWith('.parquet'))
    .sort()
    .map((name) => join(folder, split, name));
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch {
    return []; // a folder that is not there is looked for, not relied on
  }
}

async function exists(file: string): Promise<boolean> {
  return (await stat(file).catch(() => undefined))?.isFile() ?? false;
}
