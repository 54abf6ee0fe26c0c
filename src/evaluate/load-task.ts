// A task by its name, ready to run: reads its file and its data, draws its examples, writes its prompts.
import { CorralError } from '../base/define-errors.ts';
import { errors } from '../base/errors.ts';
import { readSplit } from './data/data-set.ts';
import { type Selection, selectAll, selectTasks } from './definition/catalog.ts';
import { findHook } from './definition/doc-fields.ts';
import { FunctionName } from './definition/function-name.ts';
import type { GroupConfig, TaskConfig } from './definition/task-config.ts';
import type { SamplesHook, SplitHook } from './hooks/hook.ts';
import { makeItemBuilder } from './prompt/build-requests.ts';
import { fewShotSeed, firstSampler, randomSampler } from './prompt/few-shot.ts';
import type { Message } from './prompt/turns.ts';
import { aggregationOf, standardErrorOf, usualBootstrapIterations } from './scoring/aggregate.ts';
import { makeScorer } from './scoring/score-item.ts';
import type { Doc, ItemScore, MetricValue, Task, TaskGroup, TaskItem } from './task.ts';

/** How tasks are loaded. */
export interface LoadTaskOptions {
  /** Where the data sets lie; see docs/guides/evaluate.md. */
  readonly dataDir: string;
  /** At most so many items of each task, from the first on. */
  readonly limit?: number;
  /** Examples before each item, instead of the task's own number. Tasks with 0 in their file keep 0. */
  readonly shots?: number;
  /** Seed of the examples' draw; the harness's 1234 unless given. */
  readonly seed?: number;
  readonly bootstrapIterations?: number;
  /** Writes conversations as the model's chat template does; without it prompts are plain text. */
  readonly renderChat?: (messages: readonly Message[]) => string;
  /** What stands before the task's description. */
  readonly systemInstruction?: string;
  /** Each example as turns of its own instead of all in one turn of the user. */
  readonly multiturn?: boolean;
}

/** One task. Throws TASK_UNKNOWN, TASK_INVALID, DATA_MISSING. */
export async function loadTask(name: string, options: LoadTaskOptions): Promise<Task> {
  const { tasks } = selectTasks([name]);
  const [only] = tasks;
  if (only === undefined || tasks.length > 1) {
    throw errors.TASK_IS_GROUP({ name, count: tasks.length });
  }
  return loadConfig(only, options);
}

/** All tasks that names of tasks, groups and tags and paths of files come to, and the groups among them. */
export async function loadTasks(
  names: readonly string[],
  options: LoadTaskOptions,
): Promise<{ readonly tasks: readonly Task[]; readonly groups: readonly TaskGroup[] }> {
  const selection = selectTasks(names);
  const tasks: Task[] = [];
  for (const config of selection.tasks) tasks.push(await loadConfig(config, options));
  return { tasks, groups: selection.groups.map(asGroup) };
}

/** What names stand for, without reading any data. */
export function listTasks(names?: readonly string[]): Selection {
  return names === undefined ? selectAll() : selectTasks(names);
}

function asGroup(config: GroupConfig): TaskGroup {
  return {
    name: config.group,
    alias: config.group_alias ?? config.group,
    members: config.task,
    metrics: config.aggregate_metric_list.map(({ metric, filter_list, weight_by_size }) => {
      return { metric, filters: [filter_list].flat(), weightBySize: weight_by_size };
    }),
    version: config.metadata.version,
  };
}

async function loadConfig(config: TaskConfig, options: LoadTaskOptions): Promise<Task> {
  const shots = config.num_fewshot === 0 ? 0 : (options.shots ?? config.num_fewshot ?? 0);
  const docs = await readDocs(config, config.test_split ?? config.validation_split, options);
  if (docs.length === 0) throw errors.TASK_EMPTY({ task: config.task });
  const pool = shots === 0 ? [] : await readExamples(config, options);
  const chosen = pool.filter((_, i) => config.fewshot_config?.fewshot_indices?.includes(i) ?? true);
  const makeSampler = config.fewshot_config?.sampler === 'first_n' ? firstSampler : randomSampler;
  const build = makeItemBuilder({
    config,
    shots,
    sampler: makeSampler(chosen, options.seed ?? fewShotSeed),
    columns: new Set(Object.keys(docs[0] as Doc)),
    exampleColumns: new Set(Object.keys(chosen[0] ?? {})),
    // as the harness has it: also where neither is named, and the examples are of the training split
    excludeItem: (fewShotSplit(config) ?? null) === (config.test_split ?? null),
    renderChat: options.renderChat,
    systemInstruction: options.systemInstruction,
    multiturn: options.multiturn ?? false,
  });
  const items = docs.slice(0, options.limit ?? docs.length).map((doc, docId) => {
    try {
      return build(docId, doc);
    } catch (cause) {
      if (!(cause instanceof RangeError)) throw ofItem(cause, { task: config.task, docId, doc });
      throw errors.SHOTS_TOO_MANY({ task: config.task, shots, have: chosen.length }, { cause });
    }
  });
  return makeTask(config, { shots, items, originalCount: docs.length, options });
}

/** What a field of an item failed with, and which item and columns it had. */
function ofItem(
  cause: unknown,
  { task, docId, doc }: { readonly task: string; readonly docId: number; readonly doc: Doc },
): unknown {
  if (!CorralError.isInstance(cause)) return cause;
  const item = `item ${docId} of ${task}, whose columns are ${Object.keys(doc).join(', ')}`;
  const data = { ...cause.data, item } as never;
  switch (cause.code) {
    case 'CORRAL_TASK_TEMPLATE_INVALID':
      return errors.TASK_TEMPLATE_INVALID(data, { cause });
    case 'CORRAL_TASK_FIELD_INVALID':
      return errors.TASK_FIELD_INVALID(data, { cause });
    default:
      return cause;
  }
}

function makeTask(
  config: TaskConfig,
  loaded: {
    readonly shots: number;
    readonly items: readonly TaskItem[];
    readonly originalCount: number;
    readonly options: LoadTaskOptions;
  },
): Task {
  const { shots, items, originalCount, options } = loaded;
  const { not_comparable, version } = config.metadata;
  const manyTargets = Array.isArray(items[0]?.target);
  return {
    name: config.task,
    alias: config.task_alias ?? config.task,
    version,
    config: JSON.parse(JSON.stringify(config)) as Readonly<Record<string, unknown>>,
    shots,
    runsCode: config.unsafe_code ?? false,
    ...(not_comparable !== undefined && { notComparable: not_comparable }),
    originalCount,
    items,
    score: makeScorer(config, { manyTargets }),
    aggregate: (scores, { signal } = {}) => {
      const iterations = options.bootstrapIterations ?? usualBootstrapIterations;
      return aggregateScores(config, scores, { iterations, signal });
    },
  };
}

/** The numbers of a task, by `metric,filter`, in the order in which they were met. */
async function aggregateScores(
  config: TaskConfig,
  scores: readonly ItemScore[],
  resampling: { readonly iterations: number; readonly signal: AbortSignal | undefined },
): Promise<Readonly<Record<string, MetricValue>>> {
  const metrics: Record<string, MetricValue> = {};
  for (const key of new Set(scores.flatMap(({ values }) => Object.keys(values)))) {
    const metric = key.slice(0, key.lastIndexOf(','));
    // a hook names its own metrics, such as pass@1
    const entry =
      config.metric_list.find((each) => each.metric === metric) ??
      config.metric_list.find((each) => each.metric instanceof FunctionName);
    const aggregation = aggregationOf(entry ?? { metric });
    const values = scores.flatMap(({ values: own }) => (own[key] === undefined ? [] : [own[key]]));
    const stderr = await standardErrorOf(aggregation, values, resampling);
    const value = aggregation.aggregate(values);
    const { higherIsBetter } = aggregation;
    metrics[key] = { value, higherIsBetter, ...(stderr !== undefined && { stderr }) };
  }
  return metrics;
}

function fewShotSplit(config: TaskConfig): string | null | undefined {
  return config.fewshot_config?.split ?? config.fewshot_split;
}

/** The examples' pool: the split or the list named, else the training split, the validation, the test. */
async function readExamples(config: TaskConfig, options: LoadTaskOptions): Promise<readonly Doc[]> {
  const split = fewShotSplit(config);
  const { samples, process_docs } = config.fewshot_config ?? {};
  if (split == null && samples !== undefined) {
    return samples instanceof FunctionName
      ? (findHook('samples', samples) as SamplesHook)()
      : samples;
  }
  const usual = config.training_split ?? config.validation_split ?? config.test_split;
  return readDocs(config, split ?? usual, options, split == null ? undefined : process_docs);
}

async function readDocs(
  config: TaskConfig,
  split: string | null | undefined,
  { dataDir }: LoadTaskOptions,
  process: FunctionName | undefined = config.process_docs,
): Promise<readonly Doc[]> {
  if (split == null) return [];
  const source = { path: config.dataset_path, name: config.dataset_name ?? undefined, split };
  const docs = await readSplit(source, { dataDir, task: config.task });
  return process === undefined ? docs : (findHook('split', process) as SplitHook)(docs);
}
