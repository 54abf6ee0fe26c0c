// corral eval, end to end on a tiny model and a task of the test's own.
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Outcome, runCorral } from '../../test/command-line.ts';
import { makeTinyModel } from '../../test/make-tiny-model.ts';
import { load } from '../index.ts';

let folder = '';
let model = '';
let task = '';

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'corral-eval-'));
  model = join(folder, 'tiny.gguf');
  await makeTinyModel(model);
  task = join(folder, 'sums.yaml');
  writeFileSync(
    task,
    [
      'task: sums',
      'dataset_path: mine/sums',
      'test_split: test',
      'output_type: multiple_choice',
      "doc_to_text: '{{question}}'",
      'doc_to_choice: choices',
      'doc_to_target: answer',
      'metric_list: [{ metric: acc }]',
      'metadata: { version: 1 }',
    ].join('\n'),
  );
  mkdirSync(join(folder, 'data', 'mine', 'sums'), { recursive: true });
  const rows = Array.from({ length: 12 }, (_, index) => ({
    question: `What is ${index} and ${index}?`,
    choices: [`${index * 2}`, `${index * 2 + 1}`],
    answer: 0,
  }));
  const lines = rows.map((row) => `${JSON.stringify(row)}\n`).join('');
  writeFileSync(join(folder, 'data', 'mine', 'sums', 'test.jsonl'), lines);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function evaluate(args: readonly string[], home = 'home'): Promise<Outcome> {
  return runCorral(['eval', ...args], {
    env: { CORRAL_HOME: join(folder, home) },
    library: { loadForEvaluation: load },
  });
}

const usual = (): string[] => [model, '--tasks', task, '--data-dir', join(folder, 'data')];

describe('corral eval', () => {
  it('prints a table, and writes results, items and a report', async () => {
    const [out, page] = [join(folder, 'out'), join(folder, 'page.html')];
    const { status, stdout, stderr } = await evaluate([
      ...usual(),
      '--output',
      out,
      '--html',
      page,
    ]);
    expect(stderr).toMatch(/^Written: .*results_.*\.json\nWritten: .*page\.html\n$/);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^\|Tasks\|Version\|Filter\|n-shot\|Metric\|/);
    expect(stdout).toMatch(/\|sums \|1 +\|none +\|0 +\|acc +\|↑ +\| *[01]\.\d{4}\|± +\|0\.\d{4}\|/);
    expect(stdout).toMatch(/tiny: [\d,]+ tokens computed/);
    const [name = ''] = readdirSync(out);
    expect(readdirSync(join(out, name)).map((file) => file.replace(/_2.*\./, '.'))).toEqual([
      'results.json',
      'samples_sums.jsonl',
    ]);
    expect(readFileSync(page, 'utf8')).toMatch(/^<!doctype html>/);
  });

  it('prints JSON in the harness’s layout, and computes nothing that was answered before', async () => {
    const { stdout, stderr } = await evaluate([...usual(), '--json']);
    expect(stderr).toBe('');
    const [result] = JSON.parse(stdout);
    expect(result.results.sums['acc,none']).toBeGreaterThanOrEqual(0);
    expect(result['n-samples'].sums).toEqual({ original: 12, effective: 12 });
    expect(result.corral).toMatchObject({ bos_policy: expect.any(String) });
    expect(result.corral_sitting).toEqual({ answers: 0, answers_kept: 24, computed_tokens: 0 });
    const fresh = JSON.parse((await evaluate([...usual(), '--json', '--fresh'])).stdout)[0];
    expect(fresh.corral_sitting).toEqual({
      answers: 24,
      answers_kept: 0,
      computed_tokens: fresh.corral.planned_tokens,
    });
    expect(fresh.results).toEqual(result.results);
    expect(fresh.corral).toEqual(result.corral);
  });

  it('gives the same numbers when nothing is shared', async () => {
    const [shared] = JSON.parse((await evaluate([...usual(), '--json'], 'home-a')).stdout);
    const alone = [...usual(), '--json', '--no-prefix-sharing'];
    const [computed] = JSON.parse((await evaluate(alone, 'home-b')).stdout);
    expect(computed.results).toEqual(shared.results);
    for (const { corral, corral_sitting: sitting } of [shared, computed]) {
      expect(sitting.computed_tokens).toBe(corral.planned_tokens);
    }
    expect(computed.corral.planned_tokens).toBeGreaterThanOrEqual(shared.corral.planned_tokens);
  });

  it('asks only the first items when limited', async () => {
    const { stdout } = await evaluate([...usual(), '--limit', '5']);
    expect(stdout).toMatch(/limited to their first items/);
  });

  it('shows several models in one table', async () => {
    const { stdout } = await evaluate([model, ...usual()]);
    expect(stdout).toMatch(/^\|Tasks\|.*\| +tiny\| +tiny\|$/m);
  });

  it.each([
    ['no task', [], 2, /No tasks were named: give --tasks/],
    ['a misspelt task', ['--tasks', 'helaswag'], 1, /no task, group or tag helaswag.*hellaswag/s],
    ['no model', ['--tasks', 'hellaswag'], 2, /No model was named/],
  ])('says what is wrong with %s', async (_, args, status, message) => {
    const outcome = await evaluate(args);
    expect(outcome.stderr).toMatch(message);
    expect(outcome.status).toBe(status);
  });

  it('says which data are missing and where it looked before it loads the model', async () => {
    const { status, stderr } = await runCorral(
      ['eval', model, '--tasks', task, '--data-dir', join(folder, 'empty')],
      { env: { CORRAL_HOME: join(folder, 'home') } },
    );
    expect(status).toBe(1);
    expect(stderr).toMatch(/mine\/sums/);
    expect(stderr).toContain(join(folder, 'empty'));
  });

  it('keeps the scores of models before one that fails', async () => {
    const broken = join(folder, 'broken.gguf');
    writeFileSync(broken, 'GGUF');
    const { status, stdout, stderr } = await evaluate([...usual(), broken]);
    expect(status).toBe(1);
    expect(stdout).toMatch(/\|sums /);
    expect(stderr).toMatch(/broken\.gguf/);
  });

  it('shows the scores even where they cannot be written', async () => {
    const blocked = join(folder, 'blocked');
    writeFileSync(blocked, '');
    const { status, stdout, stderr } = await evaluate([...usual(), '--output', blocked]);
    expect(status).toBe(1);
    expect(stdout).toMatch(/\|sums /);
    expect(stderr).toMatch(/blocked.*could not be written/);
  });

  it('lists tasks, and the members of one group', async () => {
    const all = (await evaluate(['--list'])).stdout;
    expect(all).toMatch(/^mmlu {2,}4 members$/m);
    expect(all).toMatch(/^hellaswag_local \* /m);
    expect(all).toMatch(/^mmlu_local \* {2,}4 members$/m);
    const { tasks } = JSON.parse((await evaluate(['--list', '--tasks', 'mmlu', '--json'])).stdout);
    expect(tasks).toHaveLength(57);
    expect(tasks[0]).toMatchObject({ kind: 'multiple_choice', notComparable: null });
  });
});

describe('corral eval diff and report', () => {
  const results: string[] = [];
  beforeAll(async () => {
    for (const [index, limit] of ['12', '12', '6'].entries()) {
      const out = join(folder, `result-${index}`);
      await evaluate([...usual(), '--limit', limit, '--output', out]);
      results.push(out);
    }
  });

  it('compares two results on the same items', async () => {
    const [a = '', b = ''] = results;
    const { status, stdout } = await evaluate(['diff', a, b, '--bootstrap', '100']);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^A: tiny \(.*result-0.*\)\nB: tiny \(.*result-1.*\)\n/);
    expect(stdout).toMatch(/\|sums .*\+0\.0000.*\+0\.0000 to \+0\.0000/);
    const json = JSON.parse((await evaluate(['diff', a, b, '--json'])).stdout);
    expect(json.comparisons[0]).toMatchObject({
      name: 'sums',
      items: 12,
      difference: 0,
      mcNemar: { onlyA: 0, onlyB: 0, pValue: 1 },
    });
  });

  it('refuses results of other items', async () => {
    const [a = '', , c = ''] = results;
    const { status, stderr } = await evaluate(['diff', a, c]);
    expect(status).toBe(1);
    expect(stderr).toMatch(/cannot be compared: sums: 12 items against 6/);
  });

  it('writes one page about several results, and says where', async () => {
    const [a = '', b = ''] = results;
    const out = join(folder, 'both.html');
    const { status, stderr } = await evaluate(['report', a, b, '--out', out, '--title', 'Two <b>']);
    expect({ status, stderr }).toEqual({ status: 0, stderr: `Written: ${out}\n` });
    const page = readFileSync(out, 'utf8');
    expect(page).toContain('<title>Two &lt;b&gt;</title>');
    expect(page).not.toMatch(/(src|href)="(https?:)?\/\//);
  });

  it('says when there are no results', async () => {
    const { status, stderr } = await evaluate(['report', join(folder, 'nothing')]);
    expect(status).toBe(1);
    expect(stderr).toMatch(/no evaluation results at .*nothing: nothing is there/);
    expect(existsSync('report.html')).toBe(false);
  });
});
