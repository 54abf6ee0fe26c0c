// corral eval fetch: brings the data sets of tasks from a hub to where `corral eval` looks for them.
import { join } from 'node:path';
import type { Command } from 'commander';
import { CorralError } from '../base/define-errors.ts';
import { errors } from '../base/errors.ts';
import { addCommonOptions, type CommonOptions, dropUndefined } from './command-options.ts';
import { type Context, interruptible, printJson, printLines } from './context.ts';
import { tell } from './io.ts';
import { formatBytes, formatFiles } from './present.ts';
import { openProgressBar } from './progress-bar.ts';

interface FetchFlags extends CommonOptions {
  readonly tasks?: string;
  readonly dataDir?: string;
  readonly hubUrl?: string;
}

/** Adds `corral eval fetch`. */
export function addEvalFetch(command: Command, context: Context): void {
  const fetching = command
    .command('fetch')
    .summary('get the data sets of tasks from a hub')
    .description(
      'Downloads what tasks are scored on and draw their examples from, as Parquet, and checks every file by its hash. Stopped and started again, it goes on where it was. The token is read from HF_TOKEN.',
    )
    .argument('[tasks...]', 'tasks, groups, tags or .yaml files')
    .option('--tasks <names>', 'the same, with commas between')
    .option('--data-dir <folder>', 'where to put them (default: data in the store)')
    .option('--hub-url <url>', 'a mirror that speaks the paths of the hub (or set HF_ENDPOINT)')
    .action((tasks, options) => fetchData(tasks, options, context));
  addCommonOptions(fetching, 'data sets and files');
}

async function fetchData(
  tasks: readonly string[],
  options: FetchFlags,
  context: Context,
): Promise<void> {
  const { io, library } = context;
  const names = [...tasks, options.tasks ?? '']
    .flatMap((text) => text.split(','))
    .map((name) => name.trim())
    .filter((name) => name !== '');
  if (names.length === 0) {
    const reason =
      'No tasks were named: give them, or --tasks NAME,NAME (`corral eval --list` shows them).';
    throw errors.USAGE_INVALID({ reason, command: 'corral eval fetch' });
  }
  const evaluation = await library.evaluation();
  const { storeFolder } = await library.store();
  const dataDir = options.dataDir ?? join(storeFolder(io.env), 'data');
  using interrupt = interruptible(context);
  using bar = await openProgressBar(io);
  const fetching = evaluation.fetchTaskData(names, {
    dataDir,
    ...dropUndefined({ hubUrl: options.hubUrl }),
    env: io.env,
    signal: interrupt.signal,
    onProgress: bar.onProgress,
  });
  const fetched = await fetching.catch(async (error: unknown) => {
    bar[Symbol.dispose]();
    const stopped = CorralError.isInstance(error) && error.code === 'CORRAL_ABORTED';
    if (stopped && options.json !== true) {
      await tell(io, 'Stopped. What came is kept: fetch again to go on.\n');
    }
    throw error;
  });
  bar[Symbol.dispose]();
  if (options.json === true) return printJson(io, { dataDir, data: fetched });
  return printLines(
    io,
    fetched.map(({ path, name, files, bytes }) => {
      const label = name === undefined ? path : `${path} (${name})`;
      return `${label}: ${formatFiles(files.length)}, ${formatBytes(bytes)}`;
    }),
  );
}
