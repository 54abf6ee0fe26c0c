// The table of tasks in docs/guides/evaluate.md, made from the task files. `node scripts/tasks-page.ts`
// writes it; a test holds page and files together.
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { GroupConfig, TaskConfig } from '../src/evaluate/index.ts';
import { listTasks } from '../src/evaluate/index.ts';

const path: string = join(resolve(import.meta.dirname, '..'), 'docs', 'guides', 'evaluate.md');
const start = '<!-- tasks: node scripts/tasks-page.ts -->\n';
const end = '<!-- end of tasks -->';

/** The page with a fresh table. */
export function withTaskTable(page: string): string {
  const [before, rest] = page.split(start);
  const after = rest?.split(end)[1];
  if (before === undefined || after === undefined) throw new Error(`${path} has no place for it`);
  return `${before}${start}${taskTable()}${end}${after}`;
}

/** One row per task, or per group whose members differ only in their data. */
function taskTable(): string {
  const { tasks, groups } = listTasks();
  const inner = new Set(groups.flatMap(({ task }) => task));
  const grouped = new Map<string, GroupConfig>();
  for (const group of groups.filter((each) => !inner.has(each.group))) {
    for (const name of leavesOf(group, groups)) grouped.set(name, group);
  }
  const rows = new Map<string, string>();
  for (const task of tasks) {
    const group = grouped.get(task.task);
    const key = group?.group ?? task.task;
    if (rows.has(key)) continue;
    const count = group === undefined ? 1 : leavesOf(group, groups).length;
    const name = group === undefined ? `\`${key}\`` : `\`${key}\` (${count} tasks)`;
    const paths = new Set(group === undefined ? [] : pathsOf(leavesOf(group, groups), tasks));
    rows.set(key, row(name, task, paths.size > 1 ? ' …' : ''));
  }
  const sorted = Array.from(rows).sort(([a], [b]) => (a < b ? -1 : 1));
  const head =
    '| task | data set, split | shots | metrics | version, source |\n|---|---|---|---|---|\n';
  return head + sorted.map(([, text]) => text).join('');
}

function leavesOf(group: GroupConfig, groups: readonly GroupConfig[]): string[] {
  return group.task.flatMap((name) => {
    const member = groups.find((each) => each.group === name);
    return member === undefined ? [name] : leavesOf(member, groups);
  });
}

function pathsOf(names: readonly string[], tasks: readonly TaskConfig[]): string[] {
  return tasks.filter(({ task }) => names.includes(task)).map((each) => each.dataset_path);
}

function row(name: string, task: TaskConfig, more: string): string {
  const { metadata, dataset_path, test_split, validation_split, num_fewshot } = task;
  const metrics = task.metric_list.map(({ metric }) => {
    return typeof metric === 'string' ? metric : metric.name.replace(/^code\./u, '');
  });
  const filters = (task.filter_list ?? []).map((each) => each.name);
  const measured = [
    metrics.join(', '),
    ...(filters.length > 1 ? [`(${filters.join(', ')})`] : []),
  ].join(' ');
  const mark = metadata.not_comparable === undefined ? '' : ' ✱';
  const source = `${metadata.version}: ${metadata.source ?? ''}`;
  const split = test_split ?? validation_split;
  return `| ${name}${mark} | ${dataset_path}${more}, ${split} | ${num_fewshot ?? 0} | ${measured} | ${source} |\n`;
}

if (import.meta.main) writeFileSync(path, withTaskTable(readFileSync(path, 'utf8')));
