// corral eval: benchmark scores with error bars. Asks what is not answered yet, writes the results where
// they are wanted, and shows all models in one table. Results are compared and shown by its subcommands.
import { join } from 'node:path';
import type { Command } from 'commander';
import { CorralError } from '../base/define-errors.ts';
import { errors } from '../base/errors.ts';
import type {
  CodeRunner,
  EndpointPrices,
  EvaluationResult,
  StoredResult,
} from '../evaluate/index.ts';
import {
  addCommonOptions,
  addModelOptions,
  dropUndefined,
  gather,
  type ModelOptions,
  readNumber,
} from './command-options.ts';
import { type Context, interruptible, printJson, printLines } from './context.ts';
import { addEvalFetch } from './eval-fetch.ts';
import { listEvaluationTasks } from './eval-list.ts';
import { type EvaluatedName, openEvaluated, readPrices, resolveEvaluated } from './eval-models.ts';
import { addEvalDiff, addEvalReport, writeReport } from './eval-results.ts';
import { forTerminal, tell } from './io.ts';
import { openProgressBar } from './progress-bar.ts';

/** What `corral eval` is asked for. */
export interface EvalOptions extends ModelOptions {
  readonly list?: boolean;
  readonly tasks?: readonly string[];
  readonly model?: readonly string[];
  readonly baseUrl?: string;
  readonly concurrency?: number;
  readonly prices?: EndpointPrices;
  readonly limit?: number;
  readonly shots?: number;
  readonly chatTemplate?: boolean;
  readonly system?: string;
  readonly output?: string;
  readonly html?: string;
  readonly dataDir?: string;
  readonly allowCodeExecution?: boolean;
  readonly prefixSharing: boolean;
  readonly fresh?: boolean;
  readonly seed?: number;
  readonly bootstrap?: number;
  readonly yes?: boolean;
}

const large = 2 ** 31 - 1;

/** Adds the command and its subcommands. */
export function addEval(program: Command, context: Context): void {
  const count = (flag: string, low: number): ((text: string) => number) =>
    readNumber(flag, { low, high: large, whole: true });
  const command = program
    .command('eval')
    .enablePositionalOptions()
    .summary('benchmark scores with error bars')
    .description(
      'Runs benchmark tasks on each MODEL, exactly as lm-evaluation-harness would, and prints the scores with their standard errors. Answers are kept: stopped and started again, a run goes on where it was.',
    )
    .argument('[models...]', 'files, folders or names in the local store')
    .option('--list', 'list the tasks there are, and their groups')
    .option(
      '--tasks <names>',
      'tasks, groups, tags or .yaml files, with commas between',
      splitNames,
    )
    .option('--model <openai:name>', 'a model behind an endpoint; may come several times', gather)
    .option('--base-url <url>', 'where the endpoint is; its key is read from OPENAI_API_KEY')
    .option(
      '--concurrency <n>',
      'requests to an endpoint at a time (default 8)',
      count('--concurrency', 1),
    )
    .option(
      '--prices <in,out>',
      'of the endpoint, per million tokens: to show the cost',
      readPrices,
    )
    .option('--limit <n>', 'only the first N items of each task: for testing', count('--limit', 1))
    .option(
      '--shots <n>',
      "examples before each item (default: the task's own)",
      count('--shots', 0),
    )
    .option('--chat-template', "write prompts as conversations, by the model's chat template")
    .option('--system <text>', 'what stands before everything')
    .option('--output <folder>', 'write results and every item there')
    .option('--html <file>', 'write a report there, one page with everything in it')
    .option('--data-dir <folder>', 'where the data sets are (default: data in the store)')
    .option('--allow-code-execution', 'let tasks run programs that the model wrote')
    .option('--no-prefix-sharing', 'compute equal beginnings anew each time: slow, for checking')
    .option('--fresh', 'ask everything anew, also what was answered before')
    .option('--seed <n>', "seed of the examples' draw (default 1234)", count('--seed', 0))
    .option('--bootstrap <n>', 'resamples of bootstraps (default 100000)', count('--bootstrap', 0))
    .option('--yes', 'do not ask before an endpoint costs money')
    .addHelpText('after', '\nDocumentation: docs/guides/evaluate.md')
    .action((models, options) => evaluate(models, options, context));
  addCommonOptions(addModelOptions(command), 'the results');
  addEvalDiff(command, context);
  addEvalReport(command, context);
  addEvalFetch(command, context);
}

function splitNames(text: string, before: readonly string[] | undefined): readonly string[] {
  const names = text.split(',').map((name) => name.trim());
  return [...(before ?? []), ...names.filter((name) => name !== '')];
}

async function evaluate(
  models: readonly string[],
  options: EvalOptions,
  context: Context,
): Promise<void> {
  if (options.list === true) return listEvaluationTasks(options, context);
  const { tasks = [] } = options;
  if (tasks.length === 0) {
    const reason = 'No tasks were named: give --tasks NAME,NAME (`corral eval --list` shows them).';
    throw errors.USAGE_INVALID({ reason, command: 'corral eval' });
  }
  const { io, library } = context;
  const evaluation = await library.evaluation();
  // What is misspelt is said before gigabytes are loaded.
  const chosen = evaluation.listTasks(tasks).tasks;
  const named = await resolveEvaluated(models, options, context);
  const { storeFolder } = await library.store();
  using interrupt = interruptible(context);
  using database = evaluation.openEvaluationDatabase(evaluation.evaluationDatabasePath(io.env));
  const done: EvaluationResult[] = [];
  const paths = new Map<EvaluationResult, string>();
  const stored = (): StoredResult[] => done.map(evaluation.describeResult);
  const dataDir = options.dataDir ?? join(storeFolder(io.env), 'data');
  const runsCode = chosen.some(({ unsafe_code: unsafe }) => unsafe === true);
  const codeRunner = runsCode ? await openSandbox(options, context) : undefined;
  try {
    for (const one of named) {
      const result = await evaluateOne(one, {
        options,
        context,
        database,
        dataDir,
        codeRunner,
        signal: interrupt.signal,
      });
      // Before it is written: a full disk must not take the scores away, too.
      done.push(result);
      const { output } = options;
      if (output === undefined) continue;
      const written = await evaluation.writeResults(result, { folder: output, now: Date.now() });
      paths.set(result, written.path);
    }
  } catch (error) {
    if (options.json !== true) {
      if (done.length > 0) await printLines(io, evaluation.formatResults(stored()));
      if (wasStopped(error)) await tell(io, `${keptNote}\n`);
    }
    throw error;
  }
  const { html } = options;
  if (options.json === true) {
    const shown = done.map((result) => ({
      path: paths.get(result) ?? null,
      ...evaluation.toResultsFile(result),
    }));
    await printJson(io, shown);
  } else {
    await printLines(io, evaluation.formatResults(stored()));
    for (const path of paths.values()) await tell(io, `Written: ${forTerminal(path)}\n`);
  }
  if (html === undefined) return;
  await writeReport(stored(), { out: html }, context);
  if (options.json !== true) await tell(io, `Written: ${forTerminal(html)}\n`);
}

/** What may run models' programs, once it was allowed; says what protects from them. */
async function openSandbox(
  options: EvalOptions,
  { io, library }: Context,
): Promise<CodeRunner | undefined> {
  if (options.allowCodeExecution !== true) return undefined;
  const sandbox = await (await library.evaluation()).openCodeRunner();
  if (options.json !== true) await tell(io, `${sandbox.describeProtection()}\n`);
  return sandbox;
}

const keptNote = 'The answers so far are kept: the same command goes on from here.';

/** Did the run end in its midst, with answers worth going on from? */
function wasStopped(error: unknown): boolean {
  const midway = ['CORRAL_ABORTED', 'CORRAL_ENDPOINT_FAILED', 'CORRAL_FILE_UNWRITABLE'];
  return CorralError.isInstance(error) && midway.includes(error.code);
}

interface OneRun {
  readonly options: EvalOptions;
  readonly context: Context;
  readonly database: ReturnType<typeof import('../evaluate/index.ts').openEvaluationDatabase>;
  readonly dataDir: string;
  readonly codeRunner: CodeRunner | undefined;
  readonly signal: AbortSignal;
}

async function evaluateOne(named: EvaluatedName, run: OneRun): Promise<EvaluationResult> {
  const { options, context, database, dataDir, codeRunner, signal } = run;
  const { io, library } = context;
  const evaluation = await library.evaluation();
  const { limit, shots, seed, bootstrap, system, tasks: names = [] } = options;
  const chatTemplate = options.chatTemplate === true;
  using bar = await openProgressBar(io);
  const load = (render?: Parameters<typeof evaluation.loadTasks>[1]['renderChat']) =>
    evaluation.loadTasks(names, {
      dataDir,
      ...dropUndefined({
        limit,
        shots,
        seed,
        bootstrapIterations: bootstrap,
        systemInstruction: system,
        renderChat: render,
      }),
      multiturn: chatTemplate,
    });
  // Without a template prompts do not depend on the model: what is missing shows before it is loaded.
  const early = chatTemplate ? undefined : await load();
  await using opened = await openEvaluated(named, { ...run, onProgress: bar.onProgress });
  const { answerer } = opened;
  const { tasks, groups } = early ?? (await load((messages) => answerer.renderChat(messages)));
  await opened.confirm(tasks.flatMap(({ items }) => items.flatMap(({ requests }) => requests)));
  return await evaluation.runEvaluation({
    tasks,
    groups,
    answerer,
    database,
    ...dropUndefined({ codeRunner }),
    settings: {
      limit: limit ?? null,
      shots: shots ?? null,
      seed: seed ?? 1234,
      bootstrapIterations: bootstrap ?? 100_000,
      chatTemplate,
      ...(system === undefined ? {} : { systemPrompt: system }),
    },
    corralVersion: context.version,
    now: Date.now,
    onProgress: bar.onProgress,
    signal,
    fresh: options.fresh === true,
  });
}
