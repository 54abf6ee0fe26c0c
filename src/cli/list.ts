// corral list and corral rm: what the local store holds, and taking a model out of it.
import type { Command } from 'commander';
import { errors } from '../base/errors.ts';
import type { AskedPull } from '../store/index.ts';
import { addCommonOptions, type CommonOptions } from './command-options.ts';
import { type Context, printJson, printLines } from './context.ts';
import { tell } from './io.ts';
import { storeOf } from './model-argument.ts';
import { formatBytes, formatTable } from './present.ts';

/** Adds the commands. */
export function addList(program: Command, context: Context): void {
  const list = program
    .command('list')
    .alias('ls')
    .summary('the models in the local store')
    .description('Lists the models in the local store: those that are whole.')
    .action((options) => listStore(options, context));
  addCommonOptions(list, 'the models');
  const remove = program
    .command('rm')
    .summary('remove models from the local store')
    .description('Removes models, and what interrupted pulls of them left.')
    .argument('[name...]', 'names that `corral list` shows')
    .option('--packed', 'remove the packed weights of all models, which make their starts quick')
    .action((names, options) => removeFromStore(names, options, context));
  addCommonOptions(remove, 'what was removed');
}

async function listStore(options: CommonOptions, context: Context): Promise<void> {
  const { io, library } = context;
  const store = await library.store();
  const models = await store.listModels(storeOf(context, store));
  if (options.json === true) {
    const shown = models.map(({ name, path, bytes, commit, licence, pulledAt }) => ({
      name,
      path,
      bytes,
      commit,
      licence,
      pulledAt,
    }));
    return printJson(io, shown);
  }
  const rows = models.map(({ name, bytes, pulledAt }) => [
    name,
    formatBytes(bytes),
    pulledAt.slice(0, 10),
  ]);
  if (rows.length > 0)
    await printLines(io, formatTable([['name', 'size', 'pulled'], ...rows], [1]));
  else await tell(io, 'The store is empty. `corral pull OWNER/NAME` gets a model.\n');
  const packed = await new store.PackedStore(storeOf(context, store)).list();
  if (packed.length > 0) {
    const bytes = formatBytes(packed.reduce((sum, each) => sum + each.bytes, 0));
    await tell(io, `Packed weights take ${bytes}: \`corral rm --packed\` removes them.\n`);
  }
  const here = { ...storeOf(context, store), env: io.env };
  for (const { name, bytes, asked } of await store.listUnfinished(here)) {
    const so = `${name} is unfinished (${formatBytes(bytes)} so far)`;
    await tell(io, `${so}: \`${pullCommand(asked)}\` goes on.\n`);
  }
}

/** The command line that asks for the same once more. */
function pullCommand({ repo, include, hubUrl }: AskedPull): string {
  const patterns = include.flatMap((pattern) => ['--include', pattern]);
  const hub = hubUrl === undefined ? [] : ['--hub-url', hubUrl];
  return ['corral', 'pull', repo, ...patterns, ...hub].map(quoteForShell).join(' ');
}

function quoteForShell(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

async function removeFromStore(
  names: readonly string[],
  options: CommonOptions & { readonly packed?: boolean },
  context: Context,
): Promise<void> {
  const { io, library } = context;
  if (names.length === 0 && options.packed !== true) {
    const reason = 'Neither a model nor --packed is given.';
    throw errors.USAGE_INVALID({ reason, command: 'corral rm' });
  }
  const store = await library.store();
  const here = storeOf(context, store);
  const removed: { readonly name: string; readonly bytes: number }[] = [];
  for (const name of names) removed.push(await store.removeModel(name, here));
  if (options.packed === true) {
    const { bytes } = await new store.PackedStore(here).clear();
    removed.push({ name: 'packed weights', bytes });
  }
  if (options.json === true) return printJson(io, removed);
  return printLines(
    io,
    removed.map(({ name, bytes }) => `${name} removed, ${formatBytes(bytes)} free again`),
  );
}
