// Writing results, reading them back, and reading what lm-evaluation-harness wrote.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeEvaluation } from '../../../test/make-evaluation.ts';
import { describeResult, readOneResult, readResults } from './read-results.ts';
import { sanitizeModelName } from './results-file.ts';
import { findTask, type StoredResult } from './stored-result.ts';
import { fileTime, writeResults } from './write-results.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'corral-results-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const now = Date.UTC(2026, 10, 24, 12, 1, 30, 250);

async function itemsOf(result: StoredResult, task: string): Promise<unknown> {
  return findTask(result, task)?.readItems();
}

describe('result files', () => {
  it('lie where the harness puts them', async () => {
    const out = join(folder, 'layout');
    await writeResults(makeEvaluation({ model: 'owner/model:Q4_0' }), { folder: out, now });
    expect(readdirSync(out)).toEqual(['owner__model__Q4_0']);
    expect(readdirSync(join(out, 'owner__model__Q4_0')).sort()).toEqual([
      'results_2026-11-24T12-01-30.250000.json',
      'samples_gsm8k_2026-11-24T12-01-30.250000.jsonl',
      'samples_mmlu_astronomy_2026-11-24T12-01-30.250000.jsonl',
      'samples_mmlu_virology_2026-11-24T12-01-30.250000.jsonl',
      'samples_wikitext_2026-11-24T12-01-30.250000.jsonl',
    ]);
  });

  it('hold the harness’s keys, and the record of the model', async () => {
    const result = makeEvaluation();
    const { path } = await writeResults(result, { folder: join(folder, 'keys'), now });
    const file = JSON.parse(readFileSync(path, 'utf8'));
    expect(Object.keys(file.results)).toEqual([
      'mmlu',
      'mmlu_astronomy',
      'mmlu_virology',
      'gsm8k',
      'wikitext',
    ]);
    expect(file.results.mmlu_astronomy).toEqual({
      alias: ' - astronomy',
      'acc,none': result.tasks[0]?.metrics['acc,none']?.value,
      'acc_stderr,none': result.tasks[0]?.metrics['acc,none']?.stderr,
      sample_len: 20,
    });
    expect(file.results.wikitext['word_perplexity_stderr,none']).toBe('N/A');
    expect(file.groups).toEqual({ mmlu: file.results.mmlu });
    expect(file.group_subtasks).toEqual({ mmlu: ['mmlu_astronomy', 'mmlu_virology'] });
    expect(file['n-shot']).toEqual({
      mmlu_astronomy: 1,
      mmlu_virology: 1,
      gsm8k: 5,
      wikitext: 0,
      mmlu: 1,
    });
    expect(file['n-samples'].gsm8k).toEqual({ original: 4, effective: 4 });
    expect(file.higher_is_better.wikitext).toEqual({
      word_perplexity: false,
      bits_per_byte: false,
    });
    expect(file.config).toMatchObject({
      model: 'corral',
      model_sha: 'ab'.repeat(32),
      model_dtype: 'q4_0',
      fewshot_seed: 1234,
      bootstrap_iters: 1000,
    });
    expect(file.corral).toMatchObject({ version: '0.1.0', bos_policy: 'always' });
    expect(file.corral.items_cut).toEqual({
      mmlu_astronomy: 2,
      mmlu_virology: 2,
      gsm8k: 0,
      wikitext: 0,
    });
    expect(file.total_evaluation_time_seconds).toBe('90');
  });

  it('read back as the result they were written from', async () => {
    const result = makeEvaluation();
    const written = await writeResults(result, { folder: join(folder, 'round'), now });
    const read = await readOneResult(written.path);
    const described = describeResult(result);
    const plain = ({ tasks, path: _, ...rest }: StoredResult) => ({
      ...rest,
      tasks: tasks.map(({ readItems: _read, ...task }) => task),
    });
    expect(plain(read)).toEqual(plain(described));
    for (const { name } of result.tasks) {
      expect(await itemsOf(read, name)).toEqual(await itemsOf(described, name));
    }
    expect(await itemsOf(read, 'gsm8k')).toMatchObject([
      { docId: 0, contexts: [expect.stringMatching(/^Question: /)], texts: [expect.any(String)] },
      { docId: 1, filters: { 'strict-match': {}, 'flexible-extract': {} } },
      { docId: 2 },
      { docId: 3 },
    ]);
    expect(await itemsOf(read, 'mmlu_virology')).toMatchObject(
      result.tasks[1]?.items.map(({ responses, score }) => ({
        logprobs: responses.map((response) =>
          response.kind === 'generate' ? 0 : response.logprob,
        ),
        continuations: [' A', ' B', ' C', ' D'],
        filters: { none: { values: { acc: score.values['acc,none'] } } },
      })) ?? [],
    );
  });

  it('of a folder are the latest of each model', async () => {
    const out = join(folder, 'many');
    await writeResults(makeEvaluation({ model: 'a', skill: 0 }), { folder: out, now });
    await writeResults(makeEvaluation({ model: 'a', skill: 1 }), { folder: out, now: now + 1000 });
    await writeResults(makeEvaluation({ model: 'b' }), { folder: out, now });
    const read = await readResults(out);
    expect(read.map(({ model }) => model.name)).toEqual(['a', 'b']);
    expect(read[0]?.groups[0]?.metrics['acc,none']?.value).toBe(1);
    await expect(readOneResult(out)).rejects.toMatchObject({ code: 'CORRAL_RESULTS_AMBIGUOUS' });
    expect((await readOneResult(join(out, 'b'))).model.name).toBe('b');
  });

  it('of the harness itself are read, NaN and all', async () => {
    const place = join(folder, 'harness');
    mkdirSync(place);
    const time = '2024-05-01T12-34-56.789012';
    writeFileSync(
      join(place, `results_${time}.json`),
      `{"results": {"arc_easy": {"acc,none": 0.5, "acc_stderr,none": 0.5, "acc_norm,none": NaN, "alias": "arc_easy"}},
        "group_subtasks": {"arc_easy": []}, "configs": {}, "versions": {"arc_easy": 1.0}, "n-shot": {"arc_easy": 0},
        "n-samples": {"arc_easy": {"original": 2376, "effective": 2}}, "config": {"model": "hf",
        "model_args": "pretrained=EleutherAI/pythia-70m,dtype=float32", "limit": 2.0, "fewshot_seed": 1234},
        "date": 1714566896.5, "model_name": "", "lm_eval_version": "0.4.5", "note": "a NaN, -Infinity in text"}`,
    );
    const line = (docId: number, acc: number): string =>
      `{"doc_id": ${docId}, "doc": {"x": NaN}, "target": "1", "arguments": {"gen_args_0": {"arg_0": "Q", "arg_1": " a"}, "gen_args_1": {"arg_0": "Q", "arg_1": " b"}}, "resps": [[["-1.5", "False"]], [["-0.25", "True"]]], "filtered_resps": [["-1.5", "False"], ["-0.25", "True"]], "doc_hash": "d${docId}", "prompt_hash": "p", "target_hash": "t", "acc": ${acc}.0, "acc_norm": 1.0}\n`;
    writeFileSync(join(place, `samples_arc_easy_${time}.jsonl`), line(0, 1) + line(1, 0));
    const read = await readOneResult(place);
    expect(read).toMatchObject({
      model: { name: 'EleutherAI/pythia-70m', sha256: null },
      harness: 'lm-eval 0.4.5',
      cost: null,
      limit: 2,
    });
    expect(read.tasks[0]).toMatchObject({ version: '1', originalCount: 2376, count: 2 });
    expect(read.tasks[0]?.metrics['acc_norm,none']?.value).toBeNaN();
    expect(await itemsOf(read, 'arc_easy')).toEqual([
      {
        docId: 0,
        docHash: 'd0',
        promptHash: 'p',
        targetHash: 't',
        target: '1',
        contexts: ['Q'],
        continuations: [' a', ' b'],
        logprobs: [-1.5, -0.25],
        greedy: [false, true],
        texts: [],
        cutTokens: null,
        filters: {
          none: { values: { acc: 1, acc_norm: 1 }, filtered: ['-1.5, False', '-0.25, True'] },
        },
      },
      expect.objectContaining({ docId: 1 }),
    ]);
  });

  it('that are missing or something else are told apart', async () => {
    await expect(readResults(join(folder, 'nowhere'))).rejects.toMatchObject({
      code: 'CORRAL_RESULTS_NOT_FOUND',
    });
    const other = join(folder, 'other.json');
    writeFileSync(other, '{"loss": 1}');
    await expect(readResults(other)).rejects.toThrow(/other.json is no file of evaluation results/);
    writeFileSync(other, '{"results": ');
    await expect(readResults(other)).rejects.toMatchObject({ code: 'CORRAL_RESULTS_INVALID' });
  });

  it('are refused clearly where nothing can be written', async () => {
    const blocked = join(folder, 'blocked');
    writeFileSync(blocked, '');
    await expect(writeResults(makeEvaluation(), { folder: blocked, now })).rejects.toMatchObject({
      code: 'CORRAL_FILE_UNWRITABLE',
    });
  });
});

it('keeps model names from being places', () => {
  const names = ['a/b', '..', '.', '', 'C:\\x', 'plain-7b.Q4_0'];
  expect(names.map(sanitizeModelName)).toEqual([
    'a__b',
    '__..',
    '__.',
    '__',
    'C__x',
    'plain-7b.Q4_0',
  ]);
});

it('writes times as Python’s isoformat with microseconds', () => {
  expect(fileTime(now)).toBe('2026-11-24T12-01-30.250000');
});
