// Finding and reading data sets: every file type, every layout, and what is said when there is nothing.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hasSharedData, sharedData } from '../../../test/shared-data.ts';
import { readSplit } from './data-set.ts';
import { readRows } from './read-rows.ts';

let dataDir = '';
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'corral-data-'));
});
afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

const parquet = readFileSync(join(import.meta.dirname, '..', 'golden', 'tiny.parquet'));

function put(path: string, content: string | Uint8Array): string {
  const file = join(dataDir, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
  return file;
}

const split = (source: { path: string; name?: string; split: string }) => {
  return readSplit({ name: undefined, ...source }, { dataDir, task: 'some_task' });
};

describe('rows of a file', () => {
  it.each([
    ['a.jsonl', '{"x":1}\n\n{"x":"zwei"}\r\n', [{ x: 1 }, { x: 'zwei' }]],
    ['a.jsonl.gz', gzipSync('{"x":1}\n'), [{ x: 1 }]],
    ['a.json', '[{"x":[1]}]', [{ x: [1] }]],
    ['b.json', '{"canary":"no","examples":[{"x":null}]}', [{ x: null }]],
    [
      'a.csv',
      '\ufeffx,y\n"one, two",3\n"a ""b""",\n',
      [
        { x: 'one, two', y: '3' },
        { x: 'a "b"', y: '' },
      ],
    ],
    ['a.txt', 'first\n\nthird\n', [{ text: 'first' }, { text: '' }, { text: 'third' }]],
  ] as const)('reads %s', async (name, content, rows) => {
    expect(await readRows(put(name, content))).toEqual(rows);
  });

  it('reads parquet as pyarrow wrote it: lists, structures, nulls, 64-bit integers', async () => {
    expect(await readRows(put('a.parquet', parquet))).toEqual([
      {
        question: 'Wo? ü\u2028🦙',
        label: 0,
        choices: { text: ['a', 'b'], label: ['A', 'B'] },
        gold: [1],
      },
      { question: '', label: 2 ** 40, choices: { text: [], label: [] }, gold: [] },
      { question: null, label: null, choices: null, gold: null },
    ]);
  });

  it.each([
    ['a.jsonl', '{"x":1}\n{"x":\n', /line 2/],
    ['a.jsonl', '3\n', /line 1: a row is no object/],
    ['a.json', '{"a":[],"b":[]}', /no single list/],
    ['a.csv', 'x,y\n1,2,3\n', /a\.csv cannot be read/],
    ['a.parquet', 'PAR1', /a\.parquet cannot be read/],
    ['a.jsonl.gz', 'plain', /a\.jsonl\.gz cannot be read/],
  ])('says what is wrong with %s holding %j', async (name, content, message) => {
    await expect(readRows(put(name, content))).rejects.toThrow(message);
  });
});

describe('a split', () => {
  it('is found by data set, name and split, whichever form it has', async () => {
    put('owner/set/main/test.jsonl', '{"x":1}');
    put('owner/set/other/test/0000.parquet', parquet);
    put('owner/set/other/test/0001.parquet', parquet);
    put('owner/set/sharded/test-00001-of-00002.parquet', parquet);
    put('owner/set/sharded/test-00000-of-00002.parquet', parquet);
    put('owner/plain/test.csv', 'x\n1\n');
    put('owner/whole/default/test.json', '[{"x":1}]');
    const path = 'owner/set';
    expect(await split({ path, name: 'main', split: 'test' })).toEqual([{ x: 1 }]);
    expect(await split({ path, name: 'other', split: 'test' })).toHaveLength(6);
    expect(await split({ path, name: 'sharded', split: 'test' })).toHaveLength(6);
    expect(await split({ path: 'owner/plain', split: 'test' })).toEqual([{ x: '1' }]);
    expect(await split({ path: 'owner/whole', split: 'test' })).toEqual([{ x: 1 }]);
  });

  it('is found where the authors keep it, rows picked by id and lists by name', async () => {
    const rows = [10, 11, 510, 511].map((id) => JSON.stringify({ task_id: id }));
    put('mbpp/mbpp.jsonl', rows.join('\n'));
    put('bbh/snarks.json', '{"canary":"x","examples":[{"input":"a"}]}');
    put('hellaswag/hellaswag-abstainqa.json', '{"dev":[{"id":1}],"test":[{"id":2}]}');
    const mbpp = { path: 'google-research-datasets/mbpp', name: 'full', split: 'test' };
    expect(await split(mbpp)).toEqual([{ task_id: 11 }, { task_id: 510 }]);
    const bbh = { path: 'SaylorTwift/bbh', name: 'snarks', split: 'test' };
    expect(await split(bbh)).toEqual([{ input: 'a' }]);
    expect(await split({ path: 'local/hellaswag', split: 'validation' })).toEqual([{ id: 1 }]);
  });

  it('that is missing is reported with every place looked at and how to get it', async () => {
    const error = await split({ path: 'openai/gsm8k', name: 'main', split: 'test' }).then(
      () => undefined,
      (caught: { code: string; message: string; hint: string }) => caught,
    );
    expect(error?.code).toBe('CORRAL_DATA_MISSING');
    expect(error?.message).toContain('openai/gsm8k (main), split test, which some_task needs');
    expect(error?.message).toContain(join(dataDir, 'openai', 'gsm8k', 'main', 'test.{jsonl,'));
    expect(error?.message).toContain(join(dataDir, 'gsm8k', 'test.jsonl'));
    expect(error?.hint).toContain(`corral eval fetch --tasks some_task --data-dir ${dataDir}`);
    await expect(
      split({ path: 'local/agieval', name: 'math', split: 'test' }),
    ).rejects.toMatchObject({
      code: 'CORRAL_DATA_MISSING',
      hint: expect.not.stringContaining('fetch'),
    });
  });
});

describe.skipIf(!hasSharedData)('the real data sets at hand', () => {
  it.each([
    ['openai/gsm8k', 'main', 'train', 7473],
    ['openai/gsm8k', 'main', 'test', 1319],
    ['openai/openai_humaneval', undefined, 'test', 164],
    ['google-research-datasets/mbpp', 'full', 'test', 500],
    ['SaylorTwift/bbh', 'snarks', 'test', 178],
    ['local/truthfulqa', undefined, 'validation', 817],
    ['local/mmlu', 'anatomy', 'test', 135],
  ])('%s (%s) has in %s as many rows as its paper says', async (path, name, part, count) => {
    const source = { path, name, split: part };
    const rows = await readSplit(source, { dataDir: sharedData(), task: 'some_task' });
    expect(rows).toHaveLength(count);
  });
});
