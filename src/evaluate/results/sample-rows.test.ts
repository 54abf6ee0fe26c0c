// Expected hashes come from Python: golden/make-golden.py computes them as lm-evaluation-harness does.
import { expect, it } from 'vitest';
import { makeEvaluation } from '../../../test/make-evaluation.ts';
import type { ItemResult } from '../result.ts';
import golden from './golden/golden.json' with { type: 'json' };
import { hashTask, sampleRows } from './sample-rows.ts';

const items = golden.samples.map(
  ({ doc, prompt, target }, docId): ItemResult => ({
    docId,
    doc,
    target,
    requests: [{ kind: 'loglikelihood', context: prompt, continuation: ' a' }],
    responses: [{ kind: 'loglikelihood', logprob: -3, greedy: false, tokens: 3, cut: 0 }],
    score: { values: { 'acc,none': 0 }, filtered: { none: [] } },
  }),
);

it('hashes documents, prompts and targets as the harness does', () => {
  const hashes = [...sampleRows(items)].map(({ doc_hash, prompt_hash, target_hash }) => ({
    doc_hash,
    prompt_hash,
    target_hash,
  }));
  const expected = golden.samples.map(({ doc_hash, prompt_hash, target_hash }) => ({
    doc_hash,
    prompt_hash,
    target_hash,
  }));
  expect(hashes).toEqual(expected);
});

it('hashes a task as the harness does', () => {
  expect(hashTask(items)).toBe(golden.taskHash);
});

it('writes a log-likelihood as texts in a pair, and every choice as an argument', () => {
  const [task] = makeEvaluation({ items: 1, skill: 1 }).tasks;
  const [row] = sampleRows(task?.items ?? []);
  const context = task?.items[0]?.requests[0];
  const prompt = context?.kind === 'loglikelihood' ? context.context : '';
  expect(row?.arguments).toEqual({
    gen_args_0: { arg_0: prompt, arg_1: ' A' },
    gen_args_1: { arg_0: prompt, arg_1: ' B' },
    gen_args_2: { arg_0: prompt, arg_1: ' C' },
    gen_args_3: { arg_0: prompt, arg_1: ' D' },
  });
  expect(row?.resps).toHaveLength(4);
  expect(row?.resps[0]).toEqual([[expect.stringMatching(/^-\d\.\d+$/), 'True']]);
  expect(row?.resps[1]).toEqual([[expect.stringMatching(/^-\d\.\d+$/), 'False']]);
  expect(row).toMatchObject({ target: '0', filter: 'none', metrics: ['acc'], acc: 1 });
});

it('gives each filter its own line with its own values', () => {
  const task = makeEvaluation({ items: 10 }).tasks.find(({ name }) => name === 'gsm8k');
  const rows = [...sampleRows(task?.items ?? [])];
  expect(rows.map(({ doc_id, filter }) => [doc_id, filter])).toEqual([
    [0, 'strict-match'],
    [1, 'strict-match'],
    [0, 'flexible-extract'],
    [1, 'flexible-extract'],
  ]);
  expect(rows[0]?.filtered_resps).not.toEqual(rows[2]?.filtered_resps);
  expect(rows[0]?.metrics).toEqual(['exact_match']);
});

it('joins repeated samples of one context into one request with several answers', () => {
  const sample = (text: string, seed: number) =>
    [
      {
        kind: 'generate',
        context: 'def f',
        until: [],
        maxTokens: 8,
        temperature: 0.8,
        topP: 1,
        seed,
      },
      { kind: 'generate', text, promptTokens: 2, tokens: 1, finish: 'stop', cut: 0 },
    ] as const;
  const both = [sample('one', 0), sample('two', 1)];
  const [row] = sampleRows([
    {
      docId: 0,
      doc: {},
      target: '',
      requests: both.map(([request]) => request),
      responses: both.map(([, response]) => response),
      score: { values: { 'pass@1,none': 0.5 }, filtered: { none: [['one', 'two']] } },
    },
  ]);
  expect(row?.resps).toEqual([['one', 'two']]);
  expect(Object.keys(row?.arguments ?? {})).toEqual(['gen_args_0']);
  expect(row?.['pass@1']).toBe(0.5);
});
