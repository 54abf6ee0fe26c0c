// Errors about evaluation tasks and their data: rows of the one table in errors.ts, kept apart for its size.

/** The rows, by code without the CORRAL_ prefix. */
export const taskErrorTable = {
  TASK_UNKNOWN: {
    status: 404,
    message: (e: { name: string; near: string }): string =>
      `There is no task, group or tag ${e.name}${e.near === '' ? '.' : `; did you mean ${e.near}?`}`,
    hint: '`corral eval --list` shows all tasks. A task of your own is a path that ends in .yaml.',
  },
  TASK_IS_GROUP: {
    status: 400,
    message: (e: { name: string; count: number }): string =>
      `${e.name} stands for ${e.count} tasks, where one was asked for.`,
    hint: 'Name one of its tasks, or load all of them with loadTasks.',
  },
  TASK_INVALID: {
    status: 400,
    message: (e: { file: string; line: number; reason: string }): string =>
      `The task file ${e.file}, line ${e.line}: ${e.reason}.`,
    hint: 'docs/guides/evaluate.md lists the keys of a task file.',
  },
  TASK_FIELD_INVALID: {
    status: 400,
    message: (e: { field: string; found: string; allowed: string }): string =>
      `The task's ${e.field} gave ${e.found}; allowed is ${e.allowed}.`,
    hint: 'Compare the field with the columns of the data set, and with docs/guides/evaluate.md.',
  },
  TASK_TEMPLATE_INVALID: {
    status: 400,
    message: (e: { reason: string }): string => `A template of the task failed: ${e.reason}.`,
    hint: 'Templates are Jinja; their variables are the columns of the data set.',
  },
  TASK_EMPTY: {
    status: 400,
    message: (e: { task: string }): string => `The split that ${e.task} is scored on has no items.`,
    hint: 'Look whether its data file is complete.',
  },
  HOOK_UNKNOWN: {
    status: 400,
    message: (e: { name: string; kind: string; have: string }): string =>
      `!function ${e.name} is no ${e.kind} function of Corral. It has: ${e.have || 'none'}.`,
    hint: "Python functions of lm-evaluation-harness do not run here; Corral's own are in src/evaluate/hooks.",
  },
  PATTERN_INVALID: {
    status: 400,
    message: (e: { pattern: string; reason: string }): string =>
      `The regular expression ${JSON.stringify(e.pattern)} cannot be used: ${e.reason}.`,
    hint: "Patterns are Python's; look-behind, groups, classes and the flags i, m and s are known.",
  },
  SHOTS_TOO_MANY: {
    status: 400,
    message: (e: { task: string; shots: number; have: number }): string =>
      `${e.task} was asked for ${e.shots} examples before each item; it has ${e.have} to choose from.`,
    hint: 'Ask for fewer with --shots.',
  },
  DATA_MISSING: {
    status: 404,
    message: (e: {
      label: string;
      split: string;
      task: string;
      dataDir: string;
      looked: string;
    }): string =>
      `The data set ${e.label}, split ${e.split}, which ${e.task} needs, is not in ${e.dataDir}. Looked for: ${e.looked}.`,
    hint: (e: { label: string; task: string; dataDir: string }): string =>
      e.label.startsWith('local/')
        ? 'Name the folder that holds these files with --data-dir; no hub has them in this form.'
        : `Get it with: corral eval fetch --tasks ${e.task} --data-dir ${e.dataDir}, or name another folder with --data-dir.`,
  },
  DATA_NOT_FETCHED: {
    status: 400,
    message: (e: { path: string }): string =>
      `${e.path} stands for files at hand, which no hub has in this form.`,
    hint: 'Put the files where docs/guides/evaluate.md says, or fetch the task of the same name without _local.',
  },
  DATA_INVALID: {
    status: 400,
    message: (e: { file: string; reason: string }): string =>
      `The data file ${e.file} cannot be read: ${e.reason}.`,
    hint: 'Rows are JSON lines, a JSON list, CSV with a header, or Parquet with snappy or no compression.',
  },
} as const;
