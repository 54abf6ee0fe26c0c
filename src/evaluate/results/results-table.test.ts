// Tables for a terminal.
import { expect, it } from 'vitest';
import { makeEvaluation } from '../../../test/make-evaluation.ts';
import { compareResults } from './compare-results.ts';
import { describeResult } from './read-results.ts';
import { formatComparison, formatResults } from './results-table.ts';

const first = makeEvaluation({ items: 40, model: 'first' });
const second = makeEvaluation({ items: 40, model: 'second', skill: 0.9 });

it('shows one result in the columns of the harness', () => {
  const lines = formatResults([describeResult(first)]);
  expect(lines[0]).toBe(
    '|Tasks       |Version|Filter          |n-shot|Metric         |   |  Value|   |Stderr|',
  );
  const { value, stderr } = first.groups[0]?.metrics['acc,none'] ?? { value: 0, stderr: 0 };
  expect(lines[2]).toBe(
    `|mmlu        |2      |none            |1     |acc            |↑  | ${value.toFixed(4)}|±  |${stderr?.toFixed(4)}|`,
  );
  expect(lines[3]).toMatch(/^\| - astronomy\|1 /);
  expect(lines.find((line) => line.includes('word_perplexity'))).toMatch(/↓ .*± {2}\| {3}N\/A\|$/);
  expect(lines.filter((line) => line.startsWith('|Groups'))).toHaveLength(1);
  expect(lines).toContain(
    'first: 1,000 tokens computed; a run that shares nothing computes 20,000, 20.0 times as many.',
  );
  expect(lines).toContain(
    'wikitext is not comparable with published scores. It is a tokenised copy.',
  );
});

it('says which tasks had prompts that the context has no room for', () => {
  const lines = formatResults([describeResult(first)]);
  expect(lines).toContain(
    'first has a context of 4,096 tokens: longer prompts were cut on the left, as the harness does, in astronomy (4 of 40 items), virology (4 of 40 items).',
  );
  const whole = first.tasks.filter(({ name }) => name === 'gsm8k');
  expect(formatResults([describeResult({ ...first, tasks: whole })]).join('\n')).not.toMatch(/cut/);
});

it('says what a run did that went on from kept answers', () => {
  const sitting = { answers: 40, kept: 60, computedTokens: 1450 };
  expect(formatResults([describeResult({ ...first, sitting })])).toContain(
    'first: a run without a break computes 1,000 tokens, one that shares nothing 20,000, 20.0 times as many. This one computed 1,450: 40 requests were asked; answers kept from before: 60.',
  );
});

it('shows several results side by side', () => {
  const lines = formatResults([describeResult(first), describeResult(second)]);
  expect(lines[0]).toMatch(/\| +first\| +second\|$/);
  expect(lines[2]).toMatch(/\|0\.\d{4} ± 0\.\d{4}\|0\.\d{4} ± 0\.\d{4}\|$/);
});

it('says when only some items were asked', () => {
  const [task, ...rest] = first.tasks;
  const limited = {
    ...first,
    tasks: [{ ...task, originalCount: 500 } as typeof task & object, ...rest],
  };
  expect(formatResults([describeResult(limited)]).join('\n')).toMatch(/for testing only/);
});

it('shows a comparison with its interval and its test', async () => {
  const comparison = await compareResults(describeResult(first), describeResult(second), {
    iterations: 200,
  });
  const lines = formatComparison(comparison);
  expect(lines.slice(0, 2)).toEqual(['A: first', 'B: second']);
  expect(lines[5]).toMatch(
    /^\|mmlu +\|none +\|acc +\|↑ +\| +80\| *0\.\d+\| *0\.\d+\|\+0\.\d+\|0\.\d+\|\+0\.\d+ to \+0\.\d+\| +0\| +\d+\|/,
  );
  expect(lines.find((line) => line.includes('bits_per_byte'))).toMatch(/\|−0\.\d+ to −0\.\d+\|/);
});
