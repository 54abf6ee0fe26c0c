// corral runs: the training runs of this machine; and one of them, or several side by side, as a page.
import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { RunRecord } from '../train/index.ts';
import { addCommonOptions, addIdleDeviceOptions, type CommonOptions } from './command-options.ts';
import { type Context, printJson, printLines } from './context.ts';
import { tell } from './io.ts';
import { storeOf } from './model-argument.ts';
import { formatTable } from './present.ts';

interface ShowFlags extends CommonOptions {
  readonly open?: boolean;
  readonly out?: string;
}

/** Adds the commands. */
export function addRuns(program: Command, context: Context): void {
  const runs = program
    .command('runs')
    .summary('the training runs of this machine')
    .description('Lists the runs of `corral train` and `corral tune`, the latest first.')
    .action((options) => listRuns(options, context));
  addCommonOptions(addIdleDeviceOptions(runs), 'the runs');
  const show = runs
    .command('show')
    .summary('one run, or several side by side')
    .description(
      'Says how runs went, and with --open or --out writes one HTML page with curves, samples and recipes.',
    )
    .argument(
      '<run...>',
      'ids that `corral runs` shows, or their beginnings; names where they are the only one',
    )
    .option('--out <file>', 'where to write the page')
    .option('--open', 'write the page and show it in a browser')
    .action((ids, _, command: Command) =>
      showRuns(ids, command.optsWithGlobals<ShowFlags>(), context),
    );
  addCommonOptions(show, 'the runs');
}

async function listRuns(options: CommonOptions, context: Context): Promise<void> {
  const { io } = context;
  const runs = await withRuns(context, (registry) => registry.list());
  if (options.json === true) return printJson(io, runs);
  if (runs.length === 0) return tell(io, 'There are no runs. `corral train RECIPE` makes one.\n');
  const rows = runs.map((run) => [
    run.id,
    run.name,
    run.command,
    run.status,
    `${run.step}/${run.steps}`,
    run.loss?.toFixed(4) ?? '',
    run.bestLoss?.toFixed(4) ?? '',
    run.startedAt.slice(0, 16).replace('T', ' '),
  ]);
  const head = ['id', 'name', 'command', 'status', 'steps', 'loss', 'held out', 'begun (UTC)'];
  return printLines(io, formatTable([head, ...rows], [4, 5, 6]));
}

async function showRuns(
  ids: readonly string[],
  options: ShowFlags,
  context: Context,
): Promise<void> {
  const { io, library } = context;
  const records = await withRuns(context, (registry) => ids.map((id) => registry.find(id)));
  const [first] = records;
  const isPage = options.open === true || options.out !== undefined;
  if (!isPage || first === undefined) {
    if (options.json === true) return printJson(io, records);
    return printLines(io, records.flatMap(describeRun));
  }
  const { makeRunsPage, readMetrics } = await library.training();
  const runs = [];
  for (const record of records) {
    const path = resolve(record.folder, 'metrics.jsonl');
    runs.push({ record, metrics: await readMetrics(path) });
  }
  const out = resolve(options.out ?? resolve(first.folder, 'run.html'));
  await library.writeFile(out, Buffer.from(makeRunsPage(runs)));
  await printLines(io, [out]);
  if (options.open === true) openInBrowser(out);
}

async function withRuns<T>(
  context: Context,
  use: (registry: InstanceType<typeof import('../train/index.ts').RunRegistry>) => T,
): Promise<T> {
  const { RunRegistry } = await context.library.training();
  const { store } = storeOf(context, await context.library.store());
  using registry = new RunRegistry(store);
  return use(registry);
}

function describeRun(run: RunRecord): string[] {
  const best =
    run.bestLoss === null ? 'none' : `${run.bestLoss.toFixed(4)} at step ${run.bestStep}`;
  return [
    `${run.id}  ${run.name} (${run.command})`,
    `  status    ${run.status}${run.error === null ? '' : `: ${run.error}`}`,
    `  steps     ${run.step} of ${run.steps}`,
    `  loss      ${run.loss?.toFixed(4) ?? 'none'}; lowest held-out loss ${best}`,
    `  begun     ${run.startedAt}, last heard of ${run.updatedAt}`,
    `  folder    ${run.folder}`,
    `  data      ${run.dataHash}`,
    `  seed      ${run.seed}`,
    `  commit    ${run.commit || 'none'}`,
    `  device    ${run.device}`,
  ];
}

// Where there is no browser, the path that was printed has to do.
function openInBrowser(path: string): void {
  const [command, ...before] =
    process.platform === 'darwin'
      ? ['open']
      : process.platform === 'win32'
        ? ['cmd', '/c', 'start', '']
        : ['xdg-open'];
  execFile(command as string, [...before, path], () => {});
}
