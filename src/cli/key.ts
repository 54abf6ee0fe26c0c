// corral key: who may ask this machine's servers, for how much, and what was used. Servers that run notice changes.
import type { Command } from 'commander';
import type { Key, UsageDay } from '../api/index.ts';
import { errors } from '../base/errors.ts';
import {
  addCommonOptions,
  type CommonOptions,
  dropUndefined,
  gather,
  readNumber,
} from './command-options.ts';
import { type Context, printJson, printLines } from './context.ts';
import { tell, write } from './io.ts';
import { formatTable } from './present.ts';

interface CreateFlags extends CommonOptions {
  readonly name: string;
  readonly models?: readonly string[];
  readonly requestsPerMinute?: number;
  readonly tokensPerDay?: number;
  readonly tenant?: string;
}

interface UsageFlags extends CommonOptions {
  readonly from?: string;
  readonly to?: string;
  readonly model?: readonly string[];
}

type Api = typeof import('../api/index.ts');
type OpenDatabase = ReturnType<Api['openServerDatabase']>;

const defaultDays = 30;
const dayMs = 86_400_000;

/** Adds the commands. */
export function addKey(program: Command, context: Context): void {
  const key = program
    .command('key')
    .summary('keys of the server, their limits and usage')
    .description(
      'Keys let their holders ask `corral serve`. They lie, as hashes, in the store’s folder; servers that run notice new and revoked ones within a second.',
    );
  const create = key
    .command('create')
    .summary('make a key')
    .description('Makes a key and prints it: this once, since only its hash is kept.')
    .requiredOption('--name <name>', 'whose it is', readName('--name'))
    .option('--models <names>', 'models it may use, by commas (default: all)', readNames)
    .option(
      '--requests-per-minute <n>',
      'in any 60 seconds (default: any number)',
      // So many times are remembered for each key.
      readNumber('--requests-per-minute', { low: 1, high: 60_000, whole: true }),
    )
    .option(
      '--tokens-per-day <n>',
      'of prompts and answers together, from midnight to midnight UTC (default: any number)',
      readNumber('--tokens-per-day', { low: 1, high: Number.MAX_SAFE_INTEGER, whole: true }),
    )
    .option(
      '--tenant <name>',
      'keys of one tenant share the cache, and one turn in the engine (default: its own)',
      readName('--tenant'),
    )
    .action((options) => createOne(options, context));
  addCommonOptions(create, 'the key');
  const list = key
    .command('list')
    .alias('ls')
    .summary('the keys there are')
    .description('Lists keys, the oldest first, revoked ones too.')
    .action((options) => listAll(options, context));
  addCommonOptions(list, 'the keys');
  const revoke = key
    .command('revoke')
    .summary('take keys back')
    .description('Revokes keys: no server lets them in any more. Their usage stays.')
    .argument('<key...>', 'names or ids that `corral key list` shows')
    .action((given, options) => revokeAll(given, options, context));
  addCommonOptions(revoke, 'what was revoked');
  const usage = key
    .command('usage')
    .summary('what was used')
    .description('Says what keys used, by day and model; answers without a key come as `(none)`.')
    .argument('[key...]', 'names or ids (default: all)')
    .option('--from <day>', 'first day, YYYY-MM-DD in UTC (default: 30 days to --to)', readDay)
    .option('--to <day>', 'last day (default: today)', readDay)
    .option('--model <name>', 'of this model alone; may come several times', gather)
    .action((given, options) => showUsage(given, options, context));
  addCommonOptions(usage, 'the sums');
}

async function createOne(options: CreateFlags, context: Context): Promise<void> {
  const { io } = context;
  const { name, models, requestsPerMinute, tokensPerDay, tenant } = options;
  const optional = dropUndefined({ models, requestsPerMinute, tokensPerDay, tenant });
  const made = await withDatabase(context, (database, { createKey }) =>
    createKey(database, { name, ...optional }),
  );
  if (options.json === true) {
    return printJson(io, { ...describeKey(made.key), secret: made.secret });
  }
  await write(io, `${made.secret}\n`);
  return tell(io, 'This is the key. It is shown this once: only its hash is kept.\n');
}

async function listAll(options: CommonOptions, context: Context): Promise<void> {
  const { io } = context;
  const keys = await withDatabase(context, (database, { listKeys }) => listKeys(database));
  if (options.json === true) return printJson(io, keys.map(describeKey));
  if (keys.length === 0) {
    return tell(io, 'There are no keys. `corral key create --name NAME` makes one.\n');
  }
  const rows = keys.map((key) => [
    key.id,
    key.name,
    key.models?.join(',') ?? 'all',
    String(key.requestsPerMinute ?? 'any'),
    String(key.tokensPerDay ?? 'any'),
    key.tenant ?? '',
    key.createdAt.slice(0, 10),
    key.revokedAt === null ? '' : `revoked ${key.revokedAt.slice(0, 10)}`,
  ]);
  const head = ['id', 'name', 'models', 'requests/min', 'tokens/day', 'tenant', 'made', ''];
  return printLines(io, formatTable([head, ...rows], [3, 4]));
}

async function revokeAll(
  given: readonly string[],
  options: CommonOptions,
  context: Context,
): Promise<void> {
  const { io } = context;
  const keys = await withDatabase(context, (database, { revokeKey }) =>
    given.map((one) => revokeKey(database, one)),
  );
  if (options.json === true) return printJson(io, keys.map(describeKey));
  return printLines(
    io,
    keys.map(({ id, name }) => `${name} (${id}) is revoked`),
  );
}

async function showUsage(
  given: readonly string[],
  options: UsageFlags,
  context: Context,
): Promise<void> {
  const { io } = context;
  const to = options.to ?? dayOf(Date.now());
  const from = options.from ?? dayOf(Date.parse(to) - (defaultDays - 1) * dayMs);
  if (from > to) {
    throw errors.OPTION_INVALID({ option: '--from', found: from, allowed: `a day up to ${to}` });
  }
  const days = await withDatabase(context, (database, { listKeys, readUsage }) => {
    const names = new Map(listKeys(database).map(({ id, name }) => [id, name]));
    const keys = given.length === 0 ? undefined : given.flatMap((one) => findIds(names, one));
    const query = { from, to, ...dropUndefined({ keys, models: options.model }) };
    return readUsage(database, query).map((use) => ({ ...use, name: names.get(use.key) ?? null }));
  });
  if (options.json === true) {
    return printJson(
      io,
      days.map(({ key, ...use }) => ({ ...use, key: key === '' ? null : key })),
    );
  }
  if (days.length === 0) return tell(io, `Nothing was used from ${from} to ${to}.\n`);
  const head = ['day', 'key', 'model', ...columns.map(({ title }) => title)];
  const rows = days.map((use) => [
    use.day,
    use.name ?? '(none)',
    use.model,
    ...columns.map(({ show }) => show(use)),
  ]);
  const numbers = columns.map((_, index) => index + 3);
  return printLines(io, formatTable([head, ...rows], numbers));
}

const columns: readonly { readonly title: string; readonly show: (use: UsageDay) => string }[] = [
  { title: 'answers', show: (use) => String(use.answers) },
  { title: 'left', show: (use) => String(use.aborted) },
  { title: 'failed', show: (use) => String(use.failed) },
  { title: 'prompt tokens', show: (use) => String(use.promptTokens) },
  { title: 'of them cached', show: (use) => String(use.cachedTokens) },
  { title: 'answer tokens', show: (use) => String(use.completionTokens) },
  { title: 'engine seconds', show: (use) => use.seconds.toFixed(1) },
];

// A name may have belonged to several keys, one after another.
function findIds(names: ReadonlyMap<string, string>, given: string): string[] {
  if (names.has(given)) return [given];
  const ids = [...names].filter(([, name]) => name === given).map(([id]) => id);
  if (ids.length > 0) return ids;
  const have = [...new Set(names.values())].slice(0, 9).join(', ') || 'none';
  throw errors.KEY_NOT_FOUND({ given, have });
}

async function withDatabase<T>(
  { library, io }: Context,
  use: (database: OpenDatabase, api: Api) => T,
): Promise<T> {
  const api = await library.api();
  using database = api.openServerDatabase(api.serverDatabasePath(io.env));
  return use(database, api);
}

/** A key for programs: all but its hash. */
function describeKey({ hash: _, ...key }: Key): Omit<Key, 'hash'> {
  return key;
}

function readName(flag: string): (text: string) => string {
  return (text) => {
    if (/^[^\p{C}\s](?:[^\p{C}]{0,98}[^\p{C}\s])?$/u.test(text)) return text;
    const allowed = '1 to 100 characters, none of them a control character, no space at its ends';
    throw errors.OPTION_INVALID({ option: flag, found: JSON.stringify(text), allowed });
  };
}

function readNames(text: string): readonly string[] {
  const names = text.split(',').map((name) => name.trim());
  if (names.every((name) => name !== '')) return [...new Set(names)];
  const allowed = 'names that `corral serve` gives, by commas';
  throw errors.OPTION_INVALID({ option: '--models', found: JSON.stringify(text), allowed });
}

function readDay(text: string): string {
  const time = Date.parse(`${text}T00:00:00Z`);
  if (/^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(time) && dayOf(time) === text) return text;
  const allowed = 'a day as YYYY-MM-DD';
  throw errors.OPTION_INVALID({ option: 'The day', found: text, allowed });
}

function dayOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}
