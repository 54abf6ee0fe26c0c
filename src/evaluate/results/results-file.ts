// The results file: scores, versions, configs and the record of the run, in the layout of
// lm-evaluation-harness 0.4.13 (evaluator.py, loggers/evaluation_tracker.py). What the harness has no
// place for stands under `corral`.
import { arch, cpus, platform } from 'node:os';
import type { EvaluationResult, GroupResult } from '../result.ts';
import type { MetricValue } from '../task.ts';
import { hashTask, hashText } from './sample-rows.ts';
import type { StoredRow } from './stored-result.ts';

// The release whose layout and conventions these files follow.
const layoutVersion = '0.4.13';

/** The name as a folder: the harness's replacement, and none of the names that mean another place. */
export function sanitizeModelName(name: string): string {
  const safe = name.replaceAll(/["<>:/|\\?*[\]]+/g, '__').slice(0, 200);
  return /^\.*$/.test(safe) ? `__${safe}` : safe;
}

/** Tasks and groups in the order of tables: each group before what it holds. */
export function tableRows(result: Pick<EvaluationResult, 'tasks' | 'groups'>): StoredRow[] {
  const groups = new Map(result.groups.map(({ group }) => [group.name, group.members]));
  return orderRows(
    result.tasks.map(({ name }) => name),
    groups,
  );
}

/** The same from names alone. */
export function orderRows(
  tasks: readonly string[],
  groups: ReadonlyMap<string, readonly string[]>,
): StoredRow[] {
  const parents = new Map<string, string>();
  for (const [name, members] of groups) for (const member of members) parents.set(member, name);
  const rows: StoredRow[] = [];
  const known = new Set(tasks);
  const seen = new Set<string>();
  const add = (name: string, depth: number): void => {
    if (seen.has(name) || !(known.has(name) || groups.has(name))) return;
    seen.add(name);
    rows.push({ name, depth });
    for (const member of groups.get(name) ?? []) add(member, depth + 1);
  };
  const rootOf = (name: string): string => {
    let root = name;
    const way = new Set<string>();
    for (let up = parents.get(root); up !== undefined && !way.has(up); up = parents.get(root)) {
      way.add(up);
      root = up;
    }
    return root;
  };
  for (const name of [...tasks, ...groups.keys()]) add(rootOf(name), 0);
  for (const name of tasks) add(name, 0);
  return rows;
}

/**
 * What a run broken and resumed may say differently from an unbroken one: when it ran, and what the sitting
 * that finished it did. Nothing else in the files differs.
 */
export function sittingFields({
  startedAt,
  endedAt,
  sitting,
}: Pick<EvaluationResult, 'startedAt' | 'endedAt' | 'sitting'>): Record<string, unknown> {
  return {
    date: startedAt / 1000,
    start_time: startedAt / 1000,
    end_time: endedAt / 1000,
    total_evaluation_time_seconds: String((endedAt - startedAt) / 1000),
    corral_sitting: {
      answers: sitting.answers,
      answers_kept: sitting.kept,
      computed_tokens: sitting.computedTokens,
    },
  };
}

/** The content of the results file. */
export function toResultsFile(result: EvaluationResult): Record<string, unknown> {
  const { model, tasks, settings, cost } = result;
  const { systemPrompt } = settings;
  const rows = tableRows(result);
  const aliases = new Map(rows.map(({ name, depth }) => [name, depth]));
  const indent = (name: string, alias: string): string => {
    const depth = aliases.get(name) ?? 0;
    return depth === 0 ? alias : `${' '.repeat(depth)}- ${alias}`;
  };
  const results: Record<string, unknown> = {};
  const groups: Record<string, unknown> = {};
  for (const { name } of rows) {
    const task = tasks.find((one) => one.name === name);
    const group = result.groups.find((one) => one.group.name === name);
    if (task !== undefined) {
      results[name] = {
        alias: indent(name, task.alias),
        ...metricColumns(task.metrics),
        sample_len: task.items.length,
      };
    } else if (group !== undefined) {
      const content = { alias: indent(name, group.group.alias), ...metricColumns(group.metrics) };
      results[name] = content;
      groups[name] = content;
    }
  }
  const byTask = <T>(value: (task: EvaluationResult['tasks'][number]) => T): Record<string, T> =>
    Object.fromEntries(tasks.map((task) => [task.name, value(task)]));
  return {
    results,
    ...(result.groups.length > 0 ? { groups } : {}),
    group_subtasks: Object.fromEntries(
      result.groups.map(({ group }) => [group.name, group.members]),
    ),
    configs: byTask(({ config }) => config),
    versions: {
      ...byTask(({ version }) => version),
      ...Object.fromEntries(result.groups.map(({ group }) => [group.name, group.version])),
    },
    'n-shot': { ...byTask(({ shots }) => shots), ...groupShots(result) },
    higher_is_better: {
      ...byTask(({ metrics }) => directions(metrics)),
      ...Object.fromEntries(
        result.groups.map(({ group, metrics }) => [group.name, directions(metrics)]),
      ),
    },
    'n-samples': byTask(({ originalCount, items }) => ({
      original: originalCount,
      effective: items.length,
    })),
    config: {
      model: model.source,
      model_args: model.source === 'openai' ? `model=${model.name}` : `pretrained=${model.name}`,
      model_num_parameters: model.parameters,
      model_dtype: model.quantisation,
      model_revision: null,
      model_sha: model.sha256,
      batch_size: null,
      batch_sizes: [],
      device: model.device,
      use_cache: null,
      limit: settings.limit,
      bootstrap_iters: settings.bootstrapIterations,
      gen_kwargs: null,
      random_seed: settings.seed,
      numpy_seed: settings.seed,
      torch_seed: settings.seed,
      fewshot_seed: settings.seed,
    },
    git_hash: null,
    pretty_env_info: `Node ${process.version}, ${platform()} ${arch()}, ${cpus()[0]?.model ?? 'unknown CPU'}`,
    transformers_version: null,
    lm_eval_version: layoutVersion,
    tokenizer_bos_token: model.bosToken,
    tokenizer_eos_token: model.eosToken,
    max_length: model.maxLength,
    task_hashes: byTask(({ items }) => hashTask(items)),
    model_source: model.source,
    model_name: model.name,
    model_name_sanitized: sanitizeModelName(model.name),
    system_instruction: systemPrompt ?? null,
    system_instruction_sha: systemPrompt === undefined ? null : hashText(systemPrompt),
    fewshot_as_multiturn: settings.chatTemplate,
    chat_template: model.chatTemplate,
    chat_template_sha: model.chatTemplateSha256,
    ...sittingFields(result),
    corral: {
      version: result.corralVersion,
      location: model.location,
      bos_policy: model.bosPolicy,
      quantisation: model.quantisation,
      planned_tokens: cost.plannedTokens,
      naive_tokens: cost.naiveTokens,
      shots: settings.shots,
      chat_template: settings.chatTemplate,
      items_cut: byTask(({ items }) => items.filter(wasCut).length),
      not_comparable: Object.fromEntries(
        tasks.flatMap(({ name, notComparable }) =>
          notComparable === undefined ? [] : [[name, notComparable]],
        ),
      ),
    },
  };
}

function wasCut({ responses }: EvaluationResult['tasks'][number]['items'][number]): boolean {
  return responses.some((response) => 'cut' in response && response.cut > 0);
}

function metricColumns(metrics: Readonly<Record<string, MetricValue>>): Record<string, unknown> {
  const columns: Record<string, unknown> = {};
  for (const [key, { value, stderr }] of Object.entries(metrics)) {
    columns[key] = value;
    columns[stderrKey(key)] = stderr ?? 'N/A';
  }
  return columns;
}

/** `acc,none` → `acc_stderr,none`. */
export function stderrKey(key: string): string {
  const comma = key.indexOf(',');
  return `${key.slice(0, comma)}_stderr${key.slice(comma)}`;
}

function directions(metrics: Readonly<Record<string, MetricValue>>): Record<string, boolean> {
  return Object.fromEntries(
    Object.entries(metrics).map(([key, { higherIsBetter }]) => [
      key.slice(0, key.indexOf(',')),
      higherIsBetter,
    ]),
  );
}

/** A group has a number of shots where all its tasks share it. */
function groupShots({ tasks, groups }: EvaluationResult): Record<string, number> {
  const shots = new Map(tasks.map((task) => [task.name, task.shots]));
  const members = new Map(groups.map(({ group }) => [group.name, group.members]));
  const collect = (name: string, seen: Set<string>): number[] => {
    if (seen.has(name)) return [];
    seen.add(name);
    const own = shots.get(name);
    const inner = (members.get(name) ?? []).flatMap((member) => collect(member, seen));
    return own === undefined ? inner : [own, ...inner];
  };
  const entries = groups.map(({ group }: GroupResult): [string, number[]] => [
    group.name,
    [...new Set(collect(group.name, new Set()))],
  ]);
  return Object.fromEntries(
    entries.flatMap(([name, [only, ...more]]) =>
      only === undefined || more.length > 0 ? [] : [[name, only]],
    ),
  );
}
