import { fork } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { choiceTask, generateTask, rollingTask } from '../../test/evaluation-tasks.ts';
import { makeTinyModel } from '../../test/make-tiny-model.ts';
import type { Answerer, ModelDescription } from './answerer.ts';
import { openEvaluationDatabase } from './evaluation-database.ts';
import type { ModelRequest, ModelResponse } from './request.ts';
import { type EvaluationOptions, runEvaluation } from './run-evaluation.ts';
import type { CodeRunner, Task } from './task.ts';

const description: ModelDescription = {
  name: 'stub',
  source: 'corral',
  location: 'nowhere',
  sha256: 'ab'.repeat(32),
  quantisation: null,
  parameters: null,
  chatTemplateSha256: null,
  chatTemplate: null,
  bosPolicy: 'never',
  maxLength: 100,
  device: null,
  bosToken: null,
  eosToken: null,
};

// A stub whose answers are a function of the request; counts what it is asked.
function stub(changes: Partial<Answerer> = {}): Answerer & { asked: ModelRequest[] } {
  const asked: ModelRequest[] = [];
  const close = async (): Promise<void> => {};
  return {
    asked,
    description,
    refusal: () => undefined,
    renderChat: () => '',
    close,
    [Symbol.asyncDispose]: close,
    answer: async (requests, { known = [], onAnswer, signal }) => {
      for (const [index, request] of requests.entries()) {
        if (signal?.aborted === true) throw new Error('stopped');
        if (known[index] !== undefined) continue;
        asked.push(request);
        onAnswer(index, answerTo(request));
      }
      return {
        plannedTokens: requests.length,
        naiveTokens: 4 * requests.length,
        computedTokens: asked.length,
      };
    },
    ...changes,
  };
}

function answerTo(request: ModelRequest): ModelResponse {
  const weight = [...JSON.stringify(request)].reduce((sum, c) => sum + c.charCodeAt(0), 0);
  const logprob = -weight / 7;
  if (request.kind === 'generate') {
    const text = `${weight}`;
    return { kind: 'generate', text, promptTokens: 1, tokens: 1, finish: 'stop', cut: 0 };
  }
  if (request.kind === 'rolling') return { kind: 'rolling', logprob, tokens: 1 };
  return { kind: 'loglikelihood', logprob, greedy: false, tokens: 1, cut: 0 };
}

function options(changes: Partial<EvaluationOptions>): EvaluationOptions {
  return {
    tasks: [choiceTask(10), rollingTask(), generateTask(3)],
    answerer: stub(),
    database: openEvaluationDatabase(':memory:'),
    settings: { limit: null, shots: null, seed: 1234, bootstrapIterations: 0, chatTemplate: false },
    corralVersion: '0',
    now: () => 0,
    ...changes,
  };
}

describe('runEvaluation', () => {
  it('puts each item together with its answers in order', async () => {
    const result = await runEvaluation(options({}));
    expect(result.tasks.map(({ name }) => name)).toEqual(['choices', 'rolling', 'answers']);
    const [choices] = result.tasks;
    expect(choices?.items).toHaveLength(10);
    for (const { requests, responses, score } of choices?.items ?? []) {
      expect(responses).toEqual(requests.map(answerTo));
      const sum = responses.reduce(
        (total, each) => total + (each as { logprob: number }).logprob,
        0,
      );
      expect(score.values['sum,none']).toBe(sum);
    }
    expect(result.cost).toEqual({ plannedTokens: 46, naiveTokens: 184 });
    expect(result.sitting).toEqual({ answers: 46, kept: 0, computedTokens: 46 });
  });

  it('asks nothing twice: not in one run, not in the next, and everything of another model', async () => {
    const database = openEvaluationDatabase(':memory:');
    const tasks = [choiceTask(6), choiceTask(6, { name: 'again' })];
    const first = stub();
    const result = await runEvaluation(options({ database, tasks, answerer: first }));
    expect(first.asked).toHaveLength(24);
    const second = stub({ description: { ...description, name: 'moved', location: 'elsewhere' } });
    const repeated = await runEvaluation(options({ database, tasks, answerer: second }));
    expect(second.asked).toEqual([]);
    expect(repeated.tasks).toEqual(result.tasks);
    const other = stub({ description: { ...description, sha256: 'cd'.repeat(32) } });
    await runEvaluation(options({ database, tasks, answerer: other }));
    expect(other.asked).toHaveLength(24);
  });

  it('keeps what was answered before a failure or an abort, and goes on from there', async () => {
    const database = openEvaluationDatabase(':memory:');
    const failing = stub();
    const answer: Answerer['answer'] = async (requests, { onAnswer }) => {
      for (let i = 0; i < 20; i++) onAnswer(i, answerTo(requests[i] as ModelRequest));
      throw new Error('the power went');
    };
    const broken = options({ database, answerer: { ...failing, answer } });
    await expect(runEvaluation(broken)).rejects.toThrow('the power went');
    const next = stub();
    const result = await runEvaluation(options({ database, answerer: next }));
    expect(next.asked).toHaveLength(26);
    const { sitting, ...unbroken } = await runEvaluation(options({}));
    expect(result).toEqual({ ...unbroken, sitting: { answers: 26, kept: 20, computedTokens: 26 } });
    expect(sitting).toEqual({ answers: 46, kept: 0, computedTokens: 46 });
  });

  it('keeps log-probabilities that are no numbers as they are', async () => {
    const database = openEvaluationDatabase(':memory:');
    const values = [Number.NaN, Number.NEGATIVE_INFINITY, -1.25];
    const answer: Answerer['answer'] = async (requests, { known = [], onAnswer }) => {
      for (const index of requests.keys()) {
        const logprob = values[index % 3] ?? 0;
        if (known[index] === undefined) onAnswer(index, { kind: 'rolling', logprob, tokens: 1 });
      }
      return { plannedTokens: 0, naiveTokens: 0, computedTokens: 0 };
    };
    const run = options({ database, tasks: [rollingTask()], answerer: stub({ answer }) });
    const [first, second] = [await runEvaluation(run), await runEvaluation(run)];
    expect(second.sitting.kept).toBe(3);
    expect(second.tasks).toEqual(first.tasks);
    const responses = second.tasks[0]?.items.flatMap((item) => item.responses);
    expect(responses?.map((each) => (each as { logprob: number }).logprob)).toEqual(values);
  });

  it('says so when the disk is full, stops, and has kept the batches before', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'corral-run-'));
    const database = openEvaluationDatabase(join(folder, 'evaluation.db'));
    const { page_count: pages } = database.prepare('PRAGMA page_count').get() as {
      page_count: number;
    };
    database.exec(`PRAGMA max_page_count = ${pages + 8}`);
    const tasks = [choiceTask(400)];
    const answerer = stub();
    await expect(runEvaluation(options({ database, tasks, answerer }))).rejects.toThrow(
      /evaluation.db could not be written: .*full/,
    );
    expect(answerer.asked.length).toBeLessThan(1600);
    database.exec(`PRAGMA max_page_count = ${pages + 4000}`);
    const rest = stub();
    const result = await runEvaluation(options({ database, tasks, answerer: rest }));
    expect(rest.asked.length).toBeLessThan(1600);
    expect(rest.asked.length).toBeGreaterThan(0);
    expect(result.tasks).toEqual((await runEvaluation(options({ tasks }))).tasks);
  });

  it('refuses before it asks anything: requests a model cannot answer, and code without leave', async () => {
    const reason = 'the endpoint gives no log-probabilities of prompts';
    const answerer = stub({ refusal: (kind) => (kind === 'generate' ? undefined : reason) });
    await expect(runEvaluation(options({ answerer }))).rejects.toThrow(
      `choices, rolling: ${reason}.`,
    );
    const short = stub({ refusal: (_, maxTokens = 0) => (maxTokens < 8 ? undefined : 'too long') });
    await expect(runEvaluation(options({ answerer: short }))).rejects.toThrow('answers: too long.');
    const tasks = [generateTask(2)].map((task): Task => ({ ...task, runsCode: true }));
    await expect(runEvaluation(options({ answerer, tasks }))).rejects.toMatchObject({
      code: 'CORRAL_CODE_EXECUTION_NOT_ALLOWED',
    });
    expect(answerer.asked).toEqual([]);
  });

  it('gives tasks that run code the runner and runs a few items at once', async () => {
    let running = 0;
    let most = 0;
    const codeRunner: CodeRunner = {
      run: async () => {
        most = Math.max(most, ++running);
        await setTimeout(2);
        running--;
        return { result: 'passed', detail: '', durationMs: 2 };
      },
    };
    const task: Task = {
      ...generateTask(9),
      runsCode: true,
      score: async (_, __, tools) => {
        const outcome = await tools.codeRunner?.run({ language: 'python', source: '' });
        return { values: { 'sum,none': Number(outcome?.result === 'passed') }, filtered: {} };
      },
    };
    const done: number[] = [];
    const result = await runEvaluation(
      options({ tasks: [task], codeRunner, onProgress: (progress) => done.push(progress.done) }),
    );
    expect(result.tasks[0]?.metrics['sum,none']?.value).toBe(9);
    expect(most).toBeGreaterThan(1);
    expect(done.at(-1)).toBe(9);
  });
});

describe('a process killed at random', () => {
  const child = join(import.meta.dirname, '..', '..', 'test', 'evaluation-child.ts');
  const folder = mkdtempSync(join(tmpdir(), 'corral-kill-'));
  const model = join(folder, 'tiny.gguf');

  /** Runs to the end, or until so much is done; gives the folder of its files, or nothing. */
  const evaluate = (
    database: string,
    { output = database, killAt = Number.POSITIVE_INFINITY } = {},
  ): Promise<string | undefined> =>
    new Promise((resolve, reject) => {
      const process = fork(child, [model, join(folder, database), join(folder, 'out', output)]);
      let written: string | undefined;
      process.on('message', (message: { done?: number; written?: string }) => {
        if ((message.done ?? 0) >= killAt) process.kill('SIGKILL');
        written ??= message.written;
      });
      process.once('error', reject);
      process.once('exit', () => resolve(written));
    });

  it('and resumed writes the files of an unbroken run, also beside another process', async () => {
    await makeTinyModel(model);
    // In tokens, of some 40,000.
    for (const killAt of [2_000, 5_000, 3_000]) {
      expect(await evaluate('killed.db', { killAt })).toBeUndefined();
    }
    {
      using database = openEvaluationDatabase(join(folder, 'killed.db'));
      const row = database.prepare('SELECT COUNT(*) AS count FROM answers').get();
      expect((row as { count: number }).count).toBeGreaterThan(60);
    }
    const places = await Promise.all([
      evaluate('killed.db'),
      evaluate('killed.db', { output: 'beside' }),
      evaluate('unbroken.db'),
    ]);
    const [resumed, beside, unbroken] = places.map((place) => readFiles(place ?? 'nothing'));
    expect(Object.keys(unbroken?.samples ?? {})).toHaveLength(3);
    expect(resumed?.samples).toEqual(unbroken?.samples);
    expect(beside?.samples).toEqual(unbroken?.samples);
    expect(withoutSitting(resumed)).toEqual(withoutSitting(unbroken));
    expect(withoutSitting(beside)).toEqual(withoutSitting(unbroken));
    const sitting = resumed?.results['corral_sitting'] as Record<string, number> | undefined;
    const { answers = 0, answers_kept: kept = 0 } = sitting ?? {};
    expect(kept).toBeGreaterThan(60);
    expect(answers + kept).toBe(1600 + 3 + 20);
  }, 30_000);
});

interface Files {
  readonly results: Record<string, unknown>;
  /** Text of each samples file, by its name without the time. */
  readonly samples: Record<string, string>;
}

function readFiles(place: string): Files {
  const read = (name: string): string => readFileSync(join(place, name), 'utf8');
  const names = readdirSync(place);
  const [results = ''] = names.filter((name) => name.startsWith('results_'));
  const samples = names
    .filter((name) => name.startsWith('samples_'))
    .map((name) => [name.replace(/_2\d{3}-.*/, ''), read(name)]);
  return { results: JSON.parse(read(results)), samples: Object.fromEntries(samples) };
}

// The times of a run, and what its last sitting did: all that may differ, as docs/guides/evaluate.md says.
function withoutSitting(files: Files | undefined): unknown {
  const {
    date: _date,
    start_time: _start,
    end_time: _end,
    total_evaluation_time_seconds: _seconds,
    corral_sitting: _sitting,
    ...rest
  } = files?.results ?? {};
  return rest;
}
