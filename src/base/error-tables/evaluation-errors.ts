// Evaluation: tasks and their data, endpoints, programs that models write, results. Rows of the one table in errors.ts.

/** Rows by code without the CORRAL_ prefix. */
export const evaluationErrors = {
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
    message: (e: { field: string; found: string; allowed: string; item?: string }): string =>
      `The task's ${e.field} gave ${e.found}; allowed is ${e.allowed}${e.item === undefined ? '' : ` (${e.item})`}.`,
    hint: 'Compare the field with the columns of the data set, and with docs/guides/evaluate.md.',
  },
  TASK_TEMPLATE_INVALID: {
    status: 400,
    message: (e: { reason: string; item?: string }): string =>
      `A template of the task failed: ${e.reason}${e.item === undefined ? '' : `, for ${e.item}`}.`,
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
  EVALUATION_REFUSED: {
    status: 400,
    message: (e: { tasks: string; reason: string }): string => `${e.tasks}: ${e.reason}.`,
    hint: 'Leave these tasks away, or evaluate a model that can answer them.',
  },
  ITEM_UNANSWERABLE: {
    status: 400,
    message: (e: { item: string; reason: string }): string =>
      `The model cannot be asked ${e.item}. ${e.reason}`,
    hint: 'Leave this task away, or give a model that reads more (--context, as far as it was trained for). Answers given before are kept.',
  },
  ENDPOINT_FAILED: {
    status: 502,
    message: (e: { url: string; reason: string; attempts: number }): string =>
      `${e.url} failed: ${e.reason} (attempts: ${e.attempts}).`,
    hint: 'Answers given before are kept: start again when the endpoint is well, perhaps with a smaller --concurrency.',
  },
  ENDPOINT_REFUSED: {
    status: 400,
    message: (e: { url: string; status: number; reason: string }): string =>
      `${e.url} refused with ${e.status}: ${e.reason}.`,
    hint: 'Check --base-url, the name of the model and the key in OPENAI_API_KEY.',
  },
  ENDPOINT_ANSWER_INVALID: {
    status: 502,
    message: (e: { url: string; found: string }): string =>
      `${e.url} gave an answer that cannot be right: ${e.found}.`,
    hint: 'The server may not honour what it was asked for. Update it, or leave these tasks away.',
  },
  RUNTIME_MISSING: {
    status: 400,
    message: (e: { language: string; command: string }): string =>
      `${e.language} programs need ${e.command}, which could not be run.`,
    hint: 'Install it so that it is on the PATH, or leave tasks in that language away.',
  },
  CODE_EXECUTION_UNAVAILABLE: {
    status: 500,
    message: (e: { attempts: string }): string =>
      `Programs cannot be run under any protection here. Tried: ${e.attempts}.`,
    hint: 'Install bubblewrap or util-linux; see docs/guides/code-execution.md.',
  },
  CODE_EXECUTION_NOT_ALLOWED: {
    status: 403,
    message: (e: { tasks: string }): string =>
      `${e.tasks} would run programs that the model wrote, and that was not allowed.`,
    hint: 'Read docs/guides/code-execution.md, then allow it with --allow-code-execution.',
  },
  RESULTS_NOT_FOUND: {
    status: 404,
    message: (e: { path: string; found: string }): string =>
      `There are no evaluation results at ${e.path}: ${e.found}.`,
    hint: 'Name a results_<time>.json, or the folder it lies in; `corral eval MODEL --tasks … --output FOLDER` writes them.',
  },
  RESULTS_INVALID: {
    status: 400,
    message: (e: { path: string; reason: string }): string =>
      `${e.path} is no file of evaluation results: ${e.reason}.`,
    hint: 'Corral reads what it writes itself, and what lm-evaluation-harness writes with --output_path and --log_samples.',
  },
  RESULTS_AMBIGUOUS: {
    status: 400,
    message: (e: { path: string; have: string }): string =>
      `${e.path} holds results of more than one model: ${e.have}.`,
    hint: 'Name the folder of one model, or one results_<time>.json.',
  },
  RESULTS_UNPAIRED: {
    status: 409,
    message: (e: { reason: string }): string => `The results cannot be compared: ${e.reason}.`,
    hint: 'Both runs must ask the same items of the same task version: give both the same --tasks, --limit, --shots, --seed and data. The same items asked by other prompts are compared with --different-prompts.',
  },
} as const;
