// corral pull: gets a model from a hub into the local store.
import type { Command } from 'commander';
import { CorralError } from '../base/define-errors.ts';
import type { LicenceToAccept } from '../store/index.ts';
import {
  addCommonOptions,
  type CommonOptions,
  dropUndefined,
  gather,
  readNumber,
} from './command-options.ts';
import { type Context, interruptible, makeLogger, printJson, printLines } from './context.ts';
import { forTerminal, tell } from './io.ts';
import { storeOf } from './model-argument.ts';
import { formatBytes, formatFiles } from './present.ts';
import { openProgressBar } from './progress-bar.ts';

interface PullFlags extends CommonOptions {
  readonly revision?: string;
  readonly include?: readonly string[];
  readonly hubUrl?: string;
  readonly acceptLicence?: boolean;
  readonly parallel?: number;
}

const keptNote =
  'Stopped. What came is kept: pull again to go on (`corral list` shows the command).';

/** Adds the command. */
export function addPull(program: Command, context: Context): void {
  const parallel = readNumber('--parallel', { low: 1, high: 32, whole: true });
  const command = program
    .command('pull')
    .summary('get a model from a hub')
    .description(
      'Downloads REPO (OWNER/NAME, OWNER/NAME:Q4_K_M, OWNER/NAME:FILE, OWNER/NAME@REVISION) into the local store, goes on where an earlier pull stopped, and checks every file by its hash. The token is read from HF_TOKEN.',
    )
    .argument('<repo>', 'repository on the hub')
    .option('--revision <name>', 'branch, tag or commit')
    .option('--include <pattern>', 'take these files instead; may come several times', gather)
    .option('--hub-url <url>', 'a mirror that speaks the paths of the hub (or set HF_ENDPOINT)')
    .option('--accept-licence', 'accept the licence of the model without being asked')
    .option('--parallel <n>', 'requests at a time (default 4)', parallel)
    .action((repo, options) => pullModel(repo, options, context));
  addCommonOptions(command, 'name, path and files');
}

async function pullModel(repo: string, options: PullFlags, context: Context): Promise<void> {
  const { io, library } = context;
  const store = await library.store();
  const ask = (licence: LicenceToAccept): Promise<boolean> => askLicence(licence, options, context);
  using interrupt = interruptible(context);
  using bar = await openProgressBar(io);
  const { revision, include, hubUrl, parallel } = options;
  const pulling = store.pull(repo, {
    ...storeOf(context, store),
    ...dropUndefined({ revision, include, hubUrl, parallel }),
    env: io.env,
    signal: interrupt.signal,
    acceptLicence: ask,
    logger: makeLogger(io, options.verbose),
    onProgress: bar.onProgress,
  });
  const model = await pulling.catch(async (error: unknown) => {
    bar[Symbol.dispose]();
    const stopped = CorralError.isInstance(error) && error.code === 'CORRAL_ABORTED';
    // With --json, stderr carries one object and nothing else.
    if (stopped && options.json !== true) await tell(io, `${keptNote}\n`);
    throw error;
  });
  bar[Symbol.dispose]();
  const { name, path, commit, licence, bytes, files, fresh } = model;
  if (options.json === true) {
    return printJson(io, { name, path, commit, licence, bytes, files, fresh });
  }
  const size = `${formatFiles(files.length)}, ${formatBytes(bytes)}`;
  return printLines(io, [
    `${name} ${fresh ? 'is now' : 'was already'} in the store: ${size}`,
    path,
  ]);
}

async function askLicence(
  { repo, licence, text, page }: LicenceToAccept,
  options: PullFlags,
  { io, library }: Context,
): Promise<boolean> {
  if (options.acceptLicence === true) return true;
  // Without someone to answer, the error says what to do.
  if (!io.isTerminal.stdin || !io.isTerminal.stderr) return false;
  await tell(io, `${forTerminal(text)}\n\nThe licence of ${repo}, as at ${page}\n`);
  return library.confirm(`Do you accept the licence ${licence}?`);
}
