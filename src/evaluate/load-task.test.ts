// Loading tasks: options, and what is said when something does not fit.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hasSharedData, sharedData } from '../../test/shared-data.ts';
import { listTasks, loadTask, loadTasks } from './load-task.ts';
import type { ModelResponse } from './request.ts';

const fixtures = join(import.meta.dirname, 'fixtures');

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'corral-load-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A task over rows of its own. */
function own(
  fields: string,
  rows: readonly object[],
): Promise<Awaited<ReturnType<typeof loadTask>>> {
  mkdirSync(join(folder, 'own', 'set'), { recursive: true });
  writeFileSync(
    join(folder, 'own', 'set', 'test.jsonl'),
    rows.map((row) => JSON.stringify(row)).join('\n'),
  );
  const file = join(folder, 'own.yaml');
  writeFileSync(file, `task: own\ndataset_path: own/set\ntest_split: test\n${fields}`);
  return loadTask(file, { dataDir: folder });
}

const metric = 'metric_list: [{ metric: exact_match }]\n';
const textFields = `doc_to_text: "{{q}}"\ndoc_to_target: "{{a}}"\n${metric}`;

it('takes the first items, and with them the prompts that a whole run has', async () => {
  const whole = await loadTask('gsm8k', { dataDir: fixtures });
  const two = await loadTask('gsm8k', { dataDir: fixtures, limit: 2 });
  expect(two.items).toEqual(whole.items.slice(0, 2));
  expect([two.originalCount, two.shots]).toEqual([3, 5]);
});

it('keeps no shots where the file says 0, as the harness does, and takes others elsewhere', async () => {
  const options = { dataDir: fixtures, shots: 2 };
  expect((await loadTask('humaneval', options)).shots).toBe(0);
  expect((await loadTask('hellaswag', options)).shots).toBe(2);
});

it('draws other examples from another seed', async () => {
  const context = async (seed?: number): Promise<string> => {
    const task = await loadTask('gsm8k', { dataDir: fixtures, ...(seed && { seed }) });
    const [request] = task.items[0]?.requests ?? [];
    return request?.kind === 'generate' ? request.context : '';
  };
  expect(await context(1234)).toBe(await context());
  expect(await context(99)).not.toBe(await context());
});

it('writes the whole file into the result, hooks by name', async () => {
  const { config } = await loadTask('hellaswag', { dataDir: fixtures });
  expect(config).toMatchObject({
    dataset_path: 'Rowan/hellaswag',
    process_docs: '!function hellaswag.process_docs',
    target_delimiter: ' ',
  });
});

it('loads a group with its tasks, and refuses it where one task is meant', async () => {
  const names = ['bbh_cot_fewshot_snarks', 'bbh_cot_fewshot_dyck_languages'];
  const { tasks, groups } = await loadTasks(names, { dataDir: fixtures });
  expect([tasks.map(({ name }) => name), groups]).toEqual([names, []]);
  await expect(loadTask('mmlu', { dataDir: fixtures })).rejects.toMatchObject({
    code: 'CORRAL_TASK_IS_GROUP',
  });
});

describe('what does not fit is said', () => {
  it('of more examples than there are', async () => {
    await expect(loadTask('commonsense_qa', { dataDir: fixtures, shots: 6 })).rejects.toMatchObject(
      {
        code: 'CORRAL_SHOTS_TOO_MANY',
        message:
          'commonsense_qa was asked for 6 examples before each item; it has 6 to choose from.',
      },
    );
  });

  it('of a template names the item and the columns there are', async () => {
    const fields = `doc_to_text: "{{gone}}"\ndoc_to_target: a\n${metric}`;
    await expect(own(fields, [{ q: 'x', a: 'y' }])).rejects.toThrow(
      /gone is undefined \(in "\{\{gone\}\}"\), for item 0 of own, whose columns are q, a/,
    );
  });

  it.each([
    [
      'a column that is not there',
      `doc_to_text: "{{gone}}"\ndoc_to_target: a\n${metric}`,
      'TASK_TEMPLATE_INVALID',
    ],
    [
      'choices that are none',
      `${textFields}doc_to_choice: "{{a}}"\noutput_type: multiple_choice\n`,
      'TASK_FIELD_INVALID',
    ],
    [
      'a target that is an object',
      `doc_to_text: "{{q}}"\ndoc_to_target: o\n${metric}`,
      'TASK_FIELD_INVALID',
    ],
    [
      'a hook that is not there',
      `${textFields}process_docs: !function utils.process\n`,
      'HOOK_UNKNOWN',
    ],
    ['a metric that is not there', textFields.replace('exact_match', 'bleu'), 'TASK_FIELD_INVALID'],
    [
      'a pattern that is none',
      `${textFields}filter_list: [{ name: f, filter: [{ function: regex, regex_pattern: "(" }] }]\n`,
      'PATTERN_INVALID',
    ],
  ])('of %s', async (_, fields, code) => {
    const rows = [{ q: 'x', a: 'y', o: { deep: 1 } }];
    await expect(own(fields, rows)).rejects.toMatchObject({ code: `CORRAL_${code}` });
  });

  it('of a split without items', async () => {
    await expect(own(textFields, [])).rejects.toMatchObject({ code: 'CORRAL_TASK_EMPTY' });
  });

  it('of programs that may not run', async () => {
    const task = await loadTask('humaneval', { dataDir: fixtures });
    const [item] = task.items;
    const answer: ModelResponse = {
      kind: 'generate',
      text: '    return x',
      promptTokens: 1,
      tokens: 1,
      finish: 'stop',
      cut: 0,
    };
    expect(task.runsCode).toBe(true);
    await expect(task.score(item as NonNullable<typeof item>, [answer], {})).rejects.toMatchObject({
      code: 'CORRAL_CODE_EXECUTION_NOT_ALLOWED',
    });
  });
});

it('asks several times, told apart by a seed, where a task wants several answers', async () => {
  const fields = `${textFields}repeats: 3\ngeneration_kwargs: { do_sample: true, temperature: 0.7, top_p: 0.9, until: "\\n" }\n`;
  const task = await own(fields, [{ q: 'x', a: 'y' }]);
  expect(task.items[0]?.requests).toEqual(
    [0, 1, 2].map((seed) => {
      const sampling = { temperature: 0.7, topP: 0.9, seed };
      return { kind: 'generate', context: 'x', until: ['\n'], maxTokens: 256, ...sampling };
    }),
  );
});

it('writes what a template gives as Python would, and takes columns as they are', async () => {
  const rows = [{ q: null, a: true, n: 7 }];
  const fields = (text: string, target: string): string => {
    return `doc_to_text: ${text}\ndoc_to_target: ${target}\ndoc_to_choice: [x, y]\noutput_type: multiple_choice\nmetric_list: [{ metric: acc }]\n`;
  };
  const [written] = (await own(fields('"{{q}} {{n}}"', '"{{a}}"'), rows)).items;
  expect(written?.requests[0]).toMatchObject({ context: 'None 7', continuation: ' x' });
  expect(written?.target).toBe('True');
  const [raw] = (await own(fields('"n is {{n}}"', 'a'), rows)).items;
  expect(raw?.target).toBe(1);
});

it('reads a list that a target is written as, and leaves text that only looks like one', async () => {
  const rows = [
    { q: 'x', a: "['one', \"two's\"]" },
    { q: 'y', a: '[0,1)]' },
  ];
  const { items } = await own(textFields, rows);
  expect(items.map(({ target }) => target)).toEqual([['one', "two's"], '[0,1)]']);
});

describe.skipIf(!hasSharedData)('the data at hand', () => {
  it('serves every local task, and the others whose original it holds', async () => {
    const local = listTasks()
      .tasks.map(({ task }) => task)
      .filter((task) => /_local/u.test(task) && !/^mmlu/u.test(task));
    const names = [
      ...local,
      'mmlu_local_anatomy',
      'gsm8k',
      'gsm8k_cot',
      'humaneval',
      'humaneval_ts',
    ];
    const more = ['humaneval_js', 'mbpp', 'bbh_cot_fewshot_snarks'];
    const { tasks } = await loadTasks([...names, ...more], { dataDir: sharedData(), limit: 5 });
    for (const task of tasks) {
      expect([task.name, task.items.length]).toEqual([task.name, 5]);
      for (const { requests } of task.items) expect(requests.length).toBeGreaterThan(0);
      expect(task.notComparable === undefined).toBe(!/_local/u.test(task.name));
    }
  });
});
