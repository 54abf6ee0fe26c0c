// Getting data sets from a hub: a local server that speaks the paths of one, with its faults.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type HubServer, startHubServer } from '../../../test/hub-server.ts';
import { listTasks, loadTask } from '../load-task.ts';
import { readSplit } from './data-set.ts';
import { fetchDataSet, fetchTaskData, wantedData } from './fetch-data-set.ts';

const parquet = readFileSync(join(import.meta.dirname, '..', 'golden', 'tiny.parquet'));
let dataDir = '';
let hub: HubServer;

beforeEach(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'corral-fetch-'));
  hub = await startHubServer({
    'datasets/owner/set': {
      files: {
        'main/test/0000.parquet': parquet,
        'main/test/0001.parquet': parquet,
        'main/train/0000.parquet': parquet,
        'other/test/0000.parquet': parquet,
        'README.md': 'not data',
      },
    },
    'datasets/owner/single': { files: { 'plain_text/test/0000.parquet': parquet } },
    'datasets/tau/commonsense_qa': {
      files: {
        'default/validation/0000.parquet': parquet,
        'default/train/0000.parquet': parquet,
        'default/test/0000.parquet': parquet,
      },
    },
  });
});
afterEach(async () => {
  await hub.close();
  rmSync(dataDir, { recursive: true, force: true });
});

const options = () => ({ dataDir, hubUrl: hub.url, retryDelayMs: 1, env: {} });
const test = new Set(['test']);

it('brings the splits asked for, in shards, to where tasks look for them', async () => {
  const wanted = { path: 'owner/set', name: 'main', splits: test };
  const fetched = await fetchDataSet(wanted, options());
  expect(fetched.bytes).toBe(2 * parquet.length);
  expect(existsSync(join(dataDir, 'owner', 'set', 'main', 'train'))).toBe(false);
  const source = { path: 'owner/set', name: 'main', split: 'test' };
  expect(await readSplit(source, { dataDir, task: 'any' })).toHaveLength(6);
});

it('takes the only configuration there is where none is named', async () => {
  await fetchDataSet({ path: 'owner/single', name: undefined, splits: test }, options());
  const source = { path: 'owner/single', name: undefined, split: 'test' };
  expect(await readSplit(source, { dataDir, task: 'any' })).toHaveLength(3);
});

it('goes on after a cut connection, and leaves files that are there alone', async () => {
  hub.faults = { cut: { 'main/test/0000.parquet': { afterBytes: 700, times: 1 } } };
  const wanted = { path: 'owner/set', name: 'main', splits: test };
  const { files } = await fetchDataSet(wanted, options());
  expect(files.map((file) => readFileSync(file).equals(parquet))).toEqual([true, true]);
  const before = hub.requests.length;
  await fetchDataSet(wanted, options());
  const again = hub.requests.slice(before);
  expect(again.filter(({ path }) => path.includes('/resolve/'))).toEqual([]);
});

it('refuses damaged bytes', async () => {
  hub.faults = { corrupt: { 'main/test/0001.parquet': { byte: 9, times: 2 } } };
  const wanted = { path: 'owner/set', name: 'main', splits: test };
  await expect(fetchDataSet(wanted, options())).rejects.toMatchObject({
    code: 'CORRAL_DOWNLOAD_CORRUPTED',
  });
});

it('says which split, name or data set the hub does not have', async () => {
  const missing = (path: string, name: string | undefined, split: string) =>
    fetchDataSet({ path, name, splits: new Set([split]) }, options());
  const code = 'CORRAL_HUB_NOT_FOUND';
  await expect(missing('owner/set', 'main', 'dev')).rejects.toMatchObject({
    code,
    message: expect.stringContaining('split dev of the data set owner/set (main)'),
  });
  await expect(missing('owner/set', undefined, 'test')).rejects.toMatchObject({ code });
  await expect(missing('owner/none', undefined, 'test')).rejects.toMatchObject({ code });
  await expect(missing('local/mmlu', 'anatomy', 'test')).rejects.toMatchObject({
    code: 'CORRAL_DATA_NOT_FETCHED',
  });
});

it('fetches what a task is scored on and draws from, and the task finds it', async () => {
  const [fetched] = await fetchTaskData(['commonsense_qa'], options());
  expect(fetched?.files.map((file) => file.slice(dataDir.length + 1))).toEqual([
    join('tau', 'commonsense_qa', 'default', 'validation', '0000.parquet'),
    join('tau', 'commonsense_qa', 'default', 'train', '0000.parquet'),
  ]);
  // the rows are those of another set, so the task gets as far as its first field
  await expect(loadTask('commonsense_qa', { dataDir })).rejects.toMatchObject({
    code: 'CORRAL_TASK_TEMPLATE_INVALID',
  });
});

it('knows for every task that ships which splits it needs, each data set once', () => {
  const wanted = wantedData(listTasks(['mmlu', 'gsm8k', 'gsm8k_cot', 'bbh', 'truthfulqa']).tasks);
  const of = (path: string, name?: string): string[] => {
    const found = wanted.filter((each) => each.path === path && (name ?? each.name) === each.name);
    return found.flatMap(({ splits }) => Array.from(splits));
  };
  expect(of('cais/mmlu', 'anatomy')).toEqual(['test', 'dev']);
  expect(of('openai/gsm8k')).toEqual(['test', 'train']);
  expect(of('SaylorTwift/bbh', 'snarks')).toEqual(['test']);
  expect(of('truthfulqa/truthful_qa')).toEqual(['validation']);
  expect(wanted).toHaveLength(57 + 1 + 27 + 1);
});
