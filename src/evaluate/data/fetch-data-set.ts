// Gets data sets from a Hugging Face hub into a data folder, as Parquet: the hub converts every public
// set and keeps the result on the branch refs/convert/parquet as NAME/SPLIT/0000.parquet. Downloads are
// resumed and checked as those of models are.
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { errors } from '../../base/errors.ts';
import { downloadFiles } from '../../store/download.ts';
import {
  dataSetFileUrl,
  type HubOptions,
  listRepositoryFiles,
  type RepositoryFile,
} from '../../store/hub.ts';
import { PartialFile } from '../../store/partial-file.ts';
import { type PullOptions, readHubOptions } from '../../store/pull.ts';
import { selectTasks } from '../definition/catalog.ts';
import type { TaskConfig } from '../definition/task-config.ts';

/** Where to and from where. */
export interface FetchDataOptions
  extends Pick<
    PullOptions,
    | 'hubUrl'
    | 'token'
    | 'fetch'
    | 'signal'
    | 'retries'
    | 'retryDelayMs'
    | 'stallMs'
    | 'parallel'
    | 'onProgress'
    | 'env'
  > {
  readonly dataDir: string;
}

/** Some splits of a data set. */
export interface WantedData {
  readonly path: string;
  readonly name: string | undefined;
  readonly splits: ReadonlySet<string>;
}

/** A data set that is there now. */
export interface FetchedData {
  readonly path: string;
  readonly name: string | undefined;
  readonly files: readonly string[];
  readonly bytes: number;
}

const branch = 'refs/convert/parquet';
const segmentBytes = 32 * 2 ** 20;

/**
 * Gets what tasks, groups or files of tasks read: the splits they are scored on and draw examples from.
 * @example await fetchTaskData(['gsm8k', 'mmlu'], { dataDir: 'data' });
 */
export async function fetchTaskData(
  names: readonly string[],
  options: FetchDataOptions,
): Promise<FetchedData[]> {
  const fetched: FetchedData[] = [];
  for (const wanted of wantedData(selectTasks(names).tasks)) {
    fetched.push(await fetchDataSet(wanted, options));
  }
  return fetched;
}

/** The data sets of tasks, each once. */
export function wantedData(tasks: readonly TaskConfig[]): WantedData[] {
  const wanted = new Map<string, { path: string; name: string | undefined; splits: Set<string> }>();
  for (const task of tasks) {
    const [path, name] = [task.dataset_path, task.dataset_name ?? undefined];
    const examples = task.fewshot_config?.split ?? task.fewshot_split;
    const own = task.fewshot_config?.samples !== undefined || task.num_fewshot === 0;
    const pool = examples ?? (own ? undefined : (task.training_split ?? task.validation_split));
    const key = `${path}:${name}`;
    const entry = wanted.get(key) ?? { path, name, splits: new Set() };
    for (const split of [task.test_split ?? task.validation_split, pool]) {
      if (split != null) entry.splits.add(split);
    }
    wanted.set(key, entry);
  }
  return Array.from(wanted.values());
}

/** Downloads splits of a data set that are not there yet. */
export async function fetchDataSet(
  wanted: WantedData,
  options: FetchDataOptions,
): Promise<FetchedData> {
  const { path, name, splits } = wanted;
  if (path.startsWith('local/')) throw errors.DATA_NOT_FETCHED({ path });
  const hub = readHubOptions(options, options.env ?? process.env);
  const found = await findFiles(wanted, hub);
  const missing = Array.from(splits).filter((split) => !found.some((each) => each.split === split));
  if (missing.length > 0) {
    const what = `split ${missing.join(', ')} of the data set ${path}${name ? ` (${name})` : ''}`;
    throw errors.HUB_NOT_FOUND({ what, hubUrl: hub.hubUrl });
  }
  const chosen = found.filter(({ split }) => splits.has(split));
  const parts = join(options.dataDir, '.partial');
  await makeFolder(parts);
  const folders = { files: join(options.dataDir, ...path.split('/')), parts, segmentBytes };
  const partials = chosen.map(
    ({ file, place }) => new PartialFile({ ...file, path: place }, folders),
  );
  const origins = new Map(chosen.map(({ file, place }) => [place, file.path]));
  await downloadFiles(partials, {
    ...hub,
    repo: path,
    parallel: options.parallel ?? 4,
    stallMs: options.stallMs ?? 60_000,
    onProgress: options.onProgress,
    urlOf: (place) => {
      return dataSetFileUrl(hub.hubUrl, {
        repo: path,
        revision: branch,
        path: origins.get(place) ?? place,
      });
    },
  });
  await rm(parts, { recursive: true, force: true });
  const bytes = chosen.reduce((sum, { file }) => sum + file.size, 0);
  return { path, name, files: partials.map(({ target }) => target), bytes };
}

interface FoundFile {
  readonly file: RepositoryFile;
  readonly split: string;
  /** Where it goes below the data set's folder. */
  readonly place: string;
}

/** The parquet files of a configuration: the one named, or `default`, or the only one there is. */
async function findFiles({ path, name }: WantedData, hub: HubOptions): Promise<FoundFile[]> {
  const source = { repo: path, kind: 'dataset', revision: branch, folder: name } as const;
  const files = (await listRepositoryFiles(source, hub)).flatMap((file) => {
    const match = /^([^/]+)\/([^/]+)\/([^/]+\.parquet)$/u.exec(file.path);
    const [, configuration = '', split = '', base = ''] = match ?? [];
    return match === null ? [] : [{ file, configuration, split, base }];
  });
  const configurations = new Set(files.map(({ configuration }) => configuration));
  const [only] = configurations;
  const chosen = name ?? (configurations.size === 1 ? only : 'default');
  return files
    .filter(({ configuration }) => configuration === chosen)
    .map(({ file, split, base }) => ({
      file,
      split,
      place: `${name ?? 'default'}/${split}/${base}`,
    }));
}

async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true });
  } catch (cause) {
    const reason = (cause as Error).message;
    throw errors.FILE_UNWRITABLE({ path, reason }, { cause });
  }
}
