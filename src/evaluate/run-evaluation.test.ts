import { fork } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
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
    answer: async (requests, { onAnswer, signal }) => {
      for (const [index, request] of requests.entries()) {
        if (signal?.aborted === true) throw new Error('stopped');
        asked.push(request);
        onAnswer(index, answerTo(request));
      }
      return { computedTokens: requests.length, naiveTokens: 4 * requests.length };
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
    expect(result.cost).toEqual({ computedTokens: 46, naiveTokens: 184 });
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
    expect(result.tasks).toEqual((await runEvaluation(options({}))).tasks);
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

  /** Runs to the end, or until so much is done; gives what was answered, or nothing. */
  const evaluate = (database: string, killAt = Number.POSITIVE_INFINITY): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const process = fork(child, [model, join(folder, database)]);
      let answered: unknown;
      process.on('message', (message: { done?: number; answered?: unknown }) => {
        if ((message.done ?? 0) >= killAt) process.kill('SIGKILL');
        answered ??= message.answered;
      });
      process.once('error', reject);
      process.once('exit', () => resolve(answered));
    });

  it('and resumed gives the answers of an unbroken run, also beside another process', async () => {
    await makeTinyModel(model);
    // In tokens, of some 40,000.
    for (const killAt of [2_000, 5_000, 3_000]) {
      expect(await evaluate('killed.db', killAt)).toBeUndefined();
    }
    {
      using database = openEvaluationDatabase(join(folder, 'killed.db'));
      const row = database.prepare('SELECT COUNT(*) AS count FROM answers').get();
      expect((row as { count: number }).count).toBeGreaterThan(60);
    }
    const [resumed, beside, unbroken] = await Promise.all(
      ['killed.db', 'killed.db', 'unbroken.db'].map((database) => evaluate(database)),
    );
    expect(unbroken).toHaveLength(423);
    expect(resumed).toEqual(unbroken);
    expect(beside).toEqual(unbroken);
  }, 30_000);
});
