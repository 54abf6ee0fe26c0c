// Task files: what they may say, and what is said of a wrong one.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { listTasks } from '../load-task.ts';
import { selectTasks } from './catalog.ts';
import { FunctionName } from './function-name.ts';
import { readTaskFile } from './task-file.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'corral-tasks-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function put(name: string, text: string): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
}

const whole = `task: own
dataset_path: own/set
test_split: test
doc_to_text: "{{q}}"
doc_to_target: a
metric_list: [{ metric: exact_match, ignore_case: true }]
`;

describe('a task file', () => {
  it('gets its defaults, and hooks as names', () => {
    const text = `${whole}process_docs: !function hellaswag.process_docs\n`;
    const [definition] = readTaskFile(put('own.yaml', text));
    expect(definition).toMatchObject({
      kind: 'task',
      config: {
        output_type: 'generate_until',
        target_delimiter: ' ',
        fewshot_delimiter: '\n\n',
        description: '',
        repeats: 1,
        metadata: { version: 'Yaml' },
        process_docs: new FunctionName('hellaswag.process_docs'),
        metric_list: [{ metric: 'exact_match', ignore_case: true }],
      },
    });
  });

  it('takes over what it includes, in order, its own keys last, in each of its documents', () => {
    put('base.yaml', `${whole}description: base\nnum_fewshot: 1\n`);
    put('more.yaml', 'description: more\nfewshot_delimiter: "--"\n');
    const text =
      'include: [base.yaml, more.yaml]\ntask: a\n---\ninclude: base.yaml\ntask: b\nnum_fewshot: 7\n';
    const configs = readTaskFile(put('own.yaml', text)).map(({ config }) => config);
    expect(configs).toMatchObject([
      { task: 'a', description: 'more', num_fewshot: 1, fewshot_delimiter: '--' },
      { task: 'b', description: 'base', num_fewshot: 7, fewshot_delimiter: '\n\n' },
    ]);
  });

  it.each([
    ['an unknown key', `${whole}num_shots: 5\n`, 7, 'unknown key num_shots'],
    ['a wrong value', whole.replace('test_split: test', 'test_split: 3'), 3, 'test_split'],
    [
      'a wrong value deep inside',
      `${whole}generation_kwargs:\n  until: ["x"]\n  temperature: -1\n`,
      9,
      'generation_kwargs.temperature',
    ],
    [
      'a loader argument that would be lost',
      `${whole}dataset_kwargs:\n  data_files: x.json\n`,
      8,
      'data_files',
    ],
    ['an unknown output type', `${whole}output_type: guess\n`, 7, 'output_type'],
    [
      'several things, those first that have a line',
      whole.replace('doc_to_text: "{{q}}"\n', 'output_type: guess\n'),
      4,
      'output_type is "guess": Invalid option: expected one of "loglikelihood"|"multiple_choice"|"loglikelihood_rolling"|"generate_until"; doc_to_text is missing',
    ],
    ['a missing key', whole.replace('doc_to_text: "{{q}}"\n', ''), 1, 'doc_to_text'],
    ['no split to score on', whole.replace('test_split: test\n', ''), 1, 'needs a test_split'],
    [
      'choices that are not there',
      `${whole}output_type: multiple_choice\n`,
      7,
      'needs doc_to_choice',
    ],
    // the parser notices where the file ends
    ['broken YAML', `${whole}tag: [a\n`, 8, 'end with a ]'],
    ['a key twice', `${whole}task: again\n`, 7, 'unique'],
    ['an unknown tag', `${whole}tag: !python/name:os.system x\n`, 7, 'Unresolved tag'],
    ['a list for a file', '- a\n', 1, 'no mapping'],
    ['nothing', '', 1, 'empty'],
    ['a circle', 'include: own.yaml\ntask: a\n', 1, 'circle'],
    ['a group without members', 'group: g\ntask: []\n', 2, 'task'],
  ])('with %s is refused with its line', (_, text, line, reason) => {
    const file = put('own.yaml', text);
    expect(() => readTaskFile(file)).toThrow(`${file}, line ${line}:`);
    expect(() => readTaskFile(file)).toThrow(reason);
  });

  it('that includes a file which is not there says which', () => {
    const file = put('own.yaml', 'include: gone.yaml\ntask: a\n');
    expect(() => readTaskFile(file)).toThrow(join(folder, 'gone.yaml'));
  });
});

describe('names', () => {
  it('select a group with its members and the groups inside, tags replaced', () => {
    const { tasks, groups } = selectTasks(['mmlu']);
    expect(tasks).toHaveLength(57);
    const sizes = groups.map(({ group, task }) => [group, task.length]);
    expect(Object.fromEntries(sizes)).toEqual({
      mmlu: 4,
      mmlu_stem: 19,
      mmlu_other: 13,
      mmlu_social_sciences: 12,
      mmlu_humanities: 13,
    });
  });

  it('select each task once, by name and by tag', () => {
    const { tasks } = selectTasks(['arc_easy', 'ai2_arc', 'arc_easy']);
    expect(tasks.map(({ task }) => task).sort()).toEqual(['arc_challenge', 'arc_easy']);
  });

  it('select what a file defines, which may group tasks that ship', () => {
    const text = `${whole}---\ngroup: mine\ntask: [own, piqa]\nmetadata: { version: 1 }\n`;
    const { tasks, groups } = selectTasks([put('own.yaml', text)]);
    expect(tasks.map(({ task }) => task)).toEqual(['own', 'piqa']);
    expect(groups.map(({ group }) => group)).toEqual(['mine']);
  });

  it('that are unknown are refused with the nearest that is known', () => {
    expect(() => selectTasks(['hellaswg'])).toThrow(/hellaswg; did you mean hellaswag\?/);
    expect(() => selectTasks(['zzzzzzzzzzzz'])).toThrow('no task, group or tag zzzzzzzzzzzz.');
  });
});

it('names source and version in every task that ships, and a reason in every local one', () => {
  const { tasks } = listTasks();
  expect(tasks.length).toBeGreaterThan(200);
  for (const { task, metadata } of tasks) {
    expect([task, typeof metadata.source, metadata.version]).toEqual([
      task,
      'string',
      expect.anything(),
    ]);
    if (/_local/u.test(task))
      expect([task, typeof metadata.not_comparable]).toEqual([task, 'string']);
  }
});
