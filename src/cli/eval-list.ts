// corral eval --list: the tasks there are, with their groups, shots and sources.
import { type Context, printJson, printLines } from './context.ts';
import type { EvalOptions } from './eval.ts';
import { formatTable } from './present.ts';

/** Prints all tasks, or those that --tasks names. */
export async function listEvaluationTasks(options: EvalOptions, context: Context): Promise<void> {
  const { io, library } = context;
  const evaluation = await library.evaluation();
  const { tasks, groups } = evaluation.listTasks(options.tasks);
  if (options.json === true) {
    return printJson(io, {
      groups: groups.map(({ group, task }) => ({ name: group, members: task })),
      tasks: tasks.map(({ task, tag, num_fewshot, output_type, dataset_path, metadata }) => ({
        name: task,
        tags: [tag ?? []].flat(),
        shots: num_fewshot ?? 0,
        kind: output_type,
        data: dataset_path,
        notComparable: metadata.not_comparable ?? null,
      })),
    });
  }
  const inGroups = new Set(groups.flatMap(({ task }) => task));
  const apart = new Set(
    tasks.flatMap(({ task, metadata }) => (metadata.not_comparable === undefined ? [] : [task])),
  );
  // Members come before the groups that hold them.
  for (const { group, task } of groups) if (task.some((name) => apart.has(name))) apart.add(group);
  const mark = (name: string): string => `${name}${apart.has(name) ? ' *' : ''}`;
  const rows = [
    ...groups.map(({ group, task }) => [mark(group), `${task.length} members`, '', '']),
    ...tasks
      .filter(({ task }) => !inGroups.has(task) || options.tasks !== undefined)
      .map(({ task, num_fewshot, output_type, dataset_path }) => [
        mark(task),
        output_type,
        String(num_fewshot ?? 0),
        dataset_path,
      ]),
  ];
  await printLines(io, [
    ...formatTable([['task', 'kind', 'shots', 'data'], ...rows], [2]),
    '',
    '* not comparable with published scores: results, and --list --json, say why',
    'Members of a group: corral eval --list --tasks GROUP',
  ]);
}
