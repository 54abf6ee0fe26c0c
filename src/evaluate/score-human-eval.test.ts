// pass@k over samples in human-eval's format, and the estimator by hand.
import { expect, it } from 'vitest';
import { scoreHumanEvalSamples } from './score-human-eval.ts';
import { passAtK } from './scoring/pass-at-k.ts';
import type { CodeRunner } from './task.ts';

it.each([
  // 1 − C(n−c, k) / C(n, k)
  [6, 3, 1, 1 - 3 / 6],
  [10, 4, 2, 1 - 15 / 45],
  [5, 0, 3, 0],
  [5, 3, 3, 1],
  [100, 1, 100, 1],
])('estimates from %i samples with %i right at k = %i', (samples, correct, k, expected) => {
  expect(passAtK({ samples, correct, k })).toBeCloseTo(expected, 12);
});

const problem = (id: string) => ({
  task_id: id,
  prompt: `def ${id}():\n`,
  test: 'def check(candidate): ...',
  entry_point: id,
});

it('means over problems, and leaves out a k that some problem has too few samples for', async () => {
  const seen: string[] = [];
  const codeRunner: CodeRunner = {
    run: async ({ source, timeoutMs }) => {
      seen.push(source);
      expect(timeoutMs).toBe(3000);
      const result = source.includes('return 1') ? 'passed' : 'failed';
      return { result, detail: '', durationMs: 1 };
    },
  };
  const samples = [
    { task_id: 'a', completion: '    return 1' },
    { task_id: 'b', completion: '    return 2' },
    { task_id: 'a', completion: '    return 2' },
    { task_id: 'b', completion: '    return 1' },
    { task_id: 'a', completion: '    return 2' },
  ];
  const options = { problems: [problem('a'), problem('b')], codeRunner, ks: [1, 2, 3] };
  const { passAtK: scores, outcomes } = await scoreHumanEvalSamples(samples, options);
  expect(Object.keys(scores)).toEqual(['pass@1', 'pass@2']);
  expect(scores['pass@1']).toBeCloseTo((1 / 3 + 1 / 2) / 2, 12);
  expect(scores['pass@2']).toBeCloseTo((2 / 3 + 1) / 2, 12);
  expect(outcomes.map(({ result }) => result)).toEqual([
    'passed',
    'failed',
    'failed',
    'passed',
    'failed',
  ]);
  expect(seen[0]).toBe('def a():\n    return 1\ndef check(candidate): ...\ncheck(a)');
});
