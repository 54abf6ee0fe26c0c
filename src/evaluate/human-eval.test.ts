import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import { solutions } from '../../test/human-eval-solutions.ts';
import { hasSharedData, sharedData } from '../../test/shared-data.ts';
import { concurrently } from '../base/concurrently.ts';
import { openCodeRunner, type Sandbox } from './code-runner.ts';
import {
  type HumanEvalProblem,
  type HumanEvalSample,
  scoreHumanEvalSamples,
} from './score-human-eval.ts';
import type { CodeOutcome } from './task.ts';

type Row = Readonly<Record<string, string>>;

function readRows(name: string): Row[] {
  const bytes = readFileSync(sharedData('humaneval', name));
  const text = (name.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8');
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => JSON.parse(line) as Row);
}

describe.skipIf(!hasSharedData)('HumanEval', () => {
  let sandbox: Sandbox;
  beforeAll(async () => {
    sandbox = await openCodeRunner();
  });

  async function runAll(
    programs: readonly Parameters<Sandbox['run']>[0][],
  ): Promise<CodeOutcome['result'][]> {
    const results: CodeOutcome['result'][] = [];
    await concurrently({ count: programs.length, limit: 4 }, async (index) => {
      const program = programs[index] as (typeof programs)[number];
      results[index] = (await sandbox.run(program)).result;
    });
    return results;
  }
  // The program of human-eval's check_correctness.
  const checked = (problem: Row, completion: string): string =>
    `${problem['prompt']}${completion}\n${problem['test']}\ncheck(${problem['entry_point']})`;

  it('gives its own sample file pass@1 = 0.4999999999999999', async () => {
    const { passAtK, outcomes } = await scoreHumanEvalSamples(
      readRows('example_samples.jsonl') as unknown as HumanEvalSample[], // human-eval's own rows
      {
        problems: readRows('example_problem.jsonl') as unknown as HumanEvalProblem[],
        codeRunner: sandbox,
      },
    );
    const results = outcomes.map(({ result }) => result);
    expect(results).toEqual(['failed', 'timed out', 'failed', 'passed', 'passed', 'passed']);
    expect(passAtK).toEqual({ 'pass@1': 0.4999999999999999 });
  }, 30_000);

  it('passes all 164 canonical solutions', async () => {
    const problems = readRows('HumanEval.jsonl.gz');
    const programs = problems.map((problem) => ({
      language: 'python' as const,
      source: checked(problem, problem['canonical_solution'] as string),
      // Some take a second on an idle machine.
      timeoutMs: 20_000,
    }));
    expect(programs).toHaveLength(164);
    const results = await runAll(programs);
    const failed = problems.filter((_, i) => results[i] !== 'passed');
    expect(failed.map((problem) => problem['task_id'])).toEqual([]);
  }, 120_000);

  it.each([
    ['javascript', 'humaneval-js.jsonl'],
    ['typescript', 'humaneval-ts.jsonl'],
  ] as const)(
    'passes twenty solutions in %s and none with one line changed',
    async (language, file) => {
      const problems = new Map(readRows(file).map((row) => [row['name'], row]));
      const names = Object.keys(solutions);
      expect(names).toHaveLength(20);
      const program = (name: string, body: string): Parameters<Sandbox['run']>[0] => {
        const { prompt, tests } = problems.get(name) as Row;
        return { language, source: `${prompt}${body}\n${tests}`, timeoutMs: 20_000 };
      };
      const right = Object.entries(solutions).map(([name, { body }]) => program(name, body));
      const wrong = Object.entries(solutions).map(([name, each]) => {
        const changed = each.body.replace(each.right, each.wrong);
        expect(
          changed.split('\n').filter((line, i) => line !== each.body.split('\n')[i]),
        ).toHaveLength(1);
        return program(name, changed);
      });
      const results = await runAll([...right, ...wrong]);
      const passed = (list: readonly string[]): string[] =>
        names.filter((_, i) => list[i] === 'passed');
      expect(passed(results.slice(0, 20))).toEqual(names);
      expect(passed(results.slice(20))).toEqual([]);
    },
    120_000,
  );
});
