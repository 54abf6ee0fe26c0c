// What is believed of a results file, and how its columns become a stored result. Everything but the scores
// may be missing: lm-evaluation-harness has changed the rest often.
import { z } from 'zod';
import { errors } from '../../base/errors.ts';
import type { AnswerCost } from '../answerer.ts';
import type { Sitting } from '../result.ts';
import type { MetricValue } from '../task.ts';
import { orderRows, stderrKey } from './results-file.ts';
import type { StoredGroup, StoredItem, StoredResult, StoredTask } from './stored-result.ts';

const metricsSchema = z.record(z.string(), z.unknown());

const resultsFileSchema = z.looseObject({
  results: z.record(z.string(), metricsSchema),
  groups: z.record(z.string(), metricsSchema).optional(),
  group_subtasks: z.record(z.string(), z.array(z.string())).optional(),
  configs: z.record(z.string(), metricsSchema).optional(),
  versions: z.record(z.string(), z.unknown()).optional(),
  'n-shot': z.record(z.string(), z.unknown()).optional(),
  higher_is_better: z.record(z.string(), z.record(z.string(), z.boolean().nullable())).optional(),
  'n-samples': z
    .record(z.string(), z.looseObject({ original: z.number(), effective: z.number() }))
    .optional(),
  config: z.looseObject({ limit: z.number().nullish() }).optional(),
  date: z.number().optional(),
  task_hashes: z.record(z.string(), z.string()).optional(),
  model_name: z.string().nullish(),
  model_source: z.string().nullish(),
  max_length: z.number().nullish(),
  chat_template: z.unknown().optional(),
  chat_template_sha: z.string().nullish(),
  total_evaluation_time_seconds: z.union([z.string(), z.number()]).nullish(),
  lm_eval_version: z.string().nullish(),
  corral: z
    .looseObject({
      version: z.string(),
      location: z.string(),
      bos_policy: z.string(),
      quantisation: z.string().nullable(),
      planned_tokens: z.number().optional(),
      naive_tokens: z.number().optional(),
      chat_template: z.boolean(),
      items_cut: z.record(z.string(), z.number()).optional(),
      not_comparable: z.record(z.string(), z.string()),
    })
    .optional(),
  corral_sitting: z
    .looseObject({ answers: z.number(), answers_kept: z.number(), computed_tokens: z.number() })
    .optional(),
});

/** A results file as read. */
type ResultsFile = z.infer<typeof resultsFileSchema>;

/** The result that a parsed file describes. Throws RESULTS_INVALID. */
export function parseResultsFile(
  value: unknown,
  path: string | null,
  readItems: (task: string) => Promise<readonly StoredItem[] | undefined>,
): StoredResult {
  const file = checkResultsFile(value, path ?? 'This result');
  const { corral, config } = file;
  const groupNames = new Set([
    ...Object.keys(file.groups ?? {}),
    ...Object.entries(file.group_subtasks ?? {}).flatMap(([name, members]) =>
      members.length > 0 ? [name] : [],
    ),
  ]);
  const taskNames = Object.keys(file.results).filter((name) => !groupNames.has(name));
  const head = (name: string): Omit<StoredGroup, 'members'> => ({
    name,
    alias: String(file.results[name]?.alias ?? name).replace(/^ *- /, ''),
    version: String(file.versions?.[name] ?? ''),
    shots: numberOrNull(file['n-shot']?.[name]),
    metrics: metricsOf(file.results[name] ?? {}, file.higher_is_better?.[name] ?? {}),
  });
  const tasks = taskNames.map(
    (name): StoredTask => ({
      ...head(name),
      data: dataOf(file.configs?.[name]),
      notComparable: corral?.not_comparable[name] ?? null,
      originalCount: file['n-samples']?.[name]?.original ?? null,
      count: file['n-samples']?.[name]?.effective ?? numberOrNull(file.results[name]?.sample_len),
      cutCount: corral?.items_cut?.[name] ?? null,
      hash: file.task_hashes?.[name] ?? null,
      readItems: () => readItems(name),
    }),
  );
  const groups = [...groupNames]
    .filter((name) => file.results[name] !== undefined)
    .map((name): StoredGroup => ({ ...head(name), members: file.group_subtasks?.[name] ?? [] }));
  const members = new Map(groups.map((group) => [group.name, group.members]));
  const seconds = Number(file.total_evaluation_time_seconds ?? Number.NaN);
  return {
    path,
    model: {
      name: file.model_name || modelFromArgs(config?.model_args) || 'unnamed model',
      source: file.model_source ?? null,
      location: corral?.location ?? null,
      sha256: textOrNull(config?.model_sha),
      quantisation: corral?.quantisation ?? textOrNull(config?.model_dtype),
      parameters: numberOrNull(config?.model_num_parameters),
      chatTemplateSha256: file.chat_template_sha ?? null,
      bosPolicy: corral?.bos_policy ?? null,
      maxLength: file.max_length ?? null,
      device: textOrNull(config?.device),
    },
    tasks,
    groups,
    rows: orderRows(taskNames, members),
    cost: costOf(corral),
    sitting: sittingOf(file.corral_sitting),
    limit: config?.limit ?? null,
    seed: numberOrNull(config?.fewshot_seed),
    chatTemplate: corral?.chat_template ?? Boolean(file.chat_template),
    harness:
      corral === undefined
        ? `lm-eval ${file.lm_eval_version ?? '(version unknown)'}`
        : `corral ${corral.version}`,
    startedAt: file.date === undefined ? null : file.date * 1000,
    seconds: Number.isFinite(seconds) ? seconds : null,
  };
}

/** `acc,none` and `acc_stderr,none` → one metric with its error bar. */
function metricsOf(
  columns: Readonly<Record<string, unknown>>,
  directions: Readonly<Record<string, boolean | null>>,
): Record<string, MetricValue> {
  const metrics: Record<string, MetricValue> = {};
  for (const [key, value] of Object.entries(columns)) {
    const [metric = '', filter] = key.split(',');
    if (filter === undefined || metric.endsWith('_stderr')) continue;
    if (typeof value !== 'number' && value !== null) continue;
    const stderr = columns[stderrKey(key)];
    metrics[key] = {
      value: value ?? Number.NaN,
      ...(typeof stderr === 'number' ? { stderr } : {}),
      higherIsBetter: directions[metric] ?? true,
    };
  }
  return metrics;
}

function costOf(corral: ResultsFile['corral']): AnswerCost | null {
  const { planned_tokens: plannedTokens, naive_tokens: naiveTokens } = corral ?? {};
  if (plannedTokens === undefined || naiveTokens === undefined) return null;
  return { plannedTokens, naiveTokens };
}

function sittingOf(sitting: ResultsFile['corral_sitting']): Sitting | null {
  if (sitting === undefined) return null;
  const { answers, answers_kept: kept, computed_tokens: computedTokens } = sitting;
  return { answers, kept, computedTokens };
}

function dataOf(config: Readonly<Record<string, unknown>> | undefined): string | null {
  const { dataset_path: path, dataset_name: name } = config ?? {};
  const split = config?.test_split ?? config?.validation_split;
  const parts = [path, name, split].filter((part) => typeof part === 'string' && part !== '');
  return parts.length === 0 ? null : parts.join(' · ');
}

function modelFromArgs(args: unknown): string | undefined {
  if (typeof args === 'string') return /(?:pretrained|model)=([^,]+)/.exec(args)?.[1];
  const named = args as
    | { readonly pretrained?: unknown; readonly model?: unknown }
    | null
    | undefined;
  const name = named?.pretrained ?? named?.model;
  return typeof name === 'string' ? name : undefined;
}

function numberOrNull(value: unknown): number | null {
  return typeof value === 'number' ? value : null;
}

function textOrNull(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

function checkResultsFile(value: unknown, path: string): ResultsFile {
  const parsed = resultsFileSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const reason = `${issue?.path.join('.') || 'its content'}: ${issue?.message ?? 'not as expected'}`;
  throw errors.RESULTS_INVALID({ path, reason });
}
