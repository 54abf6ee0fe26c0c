// corral serve: one or more models behind an OpenAI-compatible API. stdout says where; stderr carries the
// log, one JSON object a line. The first signal lets answers under way finish, the second ends at once.
import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { ApiSettings, ModelSource } from '../api/index.ts';
import { errors } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import type { PageStore } from '../engine/index.ts';
import {
  activationsOption,
  addDeviceOptions,
  dropUndefined,
  gather,
  readChoice,
  readNumber,
  speculateOption,
} from './command-options.ts';
import { type Context, exitStatus, printLines } from './context.ts';
import { tell } from './io.ts';
import { findSources, type ServeFlags } from './serve-sources.ts';

const large = 2 ** 31 - 1;
const defaultPrefixCacheMiB = 4096;
const loopback = /^(localhost|127(\.\d{1,3}){3}|::1)$/;

/** Adds the command. */
export function addServe(program: Command, context: Context): void {
  const whole = (flag: string, low: number, high = large): ((text: string) => number) =>
    readNumber(flag, { low, high, whole: true });
  const command = program
    .command('serve')
    .summary('serve models in OpenAI’s shape')
    .description(
      'Serves every MODEL (default: the one that ships with Corral) under its name, at /v1/chat/completions, /v1/completions, /v1/embeddings and /v1/models. Each is loaded when it is first asked for. docs/guides/serve.md explains the API.',
    )
    .argument('[model...]', 'files, folders or names in the local store')
    .option('--host <address>', 'where to listen', '127.0.0.1')
    .option('--port <n>', 'port; 0 takes a free one', whole('--port', 0, 65_535), 8080)
    .option('--alias <name=model>', 'serve MODEL under NAME; may come several times', gather)
    .option(
      '--lora <name=path>',
      'serve the one MODEL with this adapter beside it under NAME, too; may come several times',
      gather,
    )
    .option('--context <tokens>', "longest text (default: the model's own)", whole('--context', 1))
    .option(
      '--cache <type>',
      'type of keys and values: f16, f32, q8_0',
      readChoice('--cache', ['f16', 'f32', 'q8_0'] as const),
    )
    .addOption(activationsOption())
    .option(
      '--sequences <n>',
      'full-length conversations the cache holds (default: what fits in 4 GiB)',
      whole('--sequences', 1, 4096),
    )
    .option(
      '--max-waiting <n>',
      'requests of a model that may wait; more get 429',
      whole('--max-waiting', 0),
      512,
    )
    .addOption(speculateOption())
    .option(
      '--unload-after <seconds>',
      'close a model nobody used for so long',
      whole('--unload-after', 1),
    )
    .option(
      '--memory <MiB>',
      'what all loaded models may take together; the one used longest ago is closed',
      whole('--memory', 1),
    )
    .option(
      '--prefix-cache <folder>',
      'keep computed beginnings of texts there, to be found again after a restart',
    )
    .option(
      '--prefix-cache-size <MiB>',
      `most that the folder may hold (default: ${defaultPrefixCacheMiB})`,
      whole('--prefix-cache-size', 1),
    )
    .option(
      '--api-keys-required',
      'answer only who has a key (`corral key create`); so it is wherever others can reach the server',
    )
    .option(
      '--no-pack-cache',
      'neither use nor keep packed weights on disk: every start packs anew',
    )
    .option('--allow-anonymous', 'let everybody ask, also beyond this machine')
    .option('--cors <origin>', 'let pages of this origin call; may come several times', gather)
    .option('--max-body <bytes>', 'largest request (default: 8 MiB)', whole('--max-body', 1024))
    .option(
      '--answer-timeout <seconds>',
      'longest time for one answer (default: one hour)',
      whole('--answer-timeout', 1, 2_000_000),
    )
    .option('--log-requests', 'one line per request: time, path, status; never its text')
    .option('--verbose', 'say more on stderr')
    .action((models, options) => serve(models, options, context));
  addDeviceOptions(command, {
    device: 'cpu or reference (default: the fastest here)',
    threads: 'threads that compute (default: the physical cores)',
  });
}

async function serve(
  given: readonly string[],
  options: ServeFlags,
  context: Context,
): Promise<void> {
  const { host, port } = options;
  const { io, library, version } = context;
  const api = await library.api();
  const { createApi, createGate, Ledger, listen, ModelPool, ServerMetrics } = api;
  const metrics = new ServerMetrics();
  const { pino } = await import('pino');
  const logger = pino({ base: null, timestamp: pino.stdTimeFunctions.isoTime }, io.stderr);
  const poolLogger: Logger = {
    warn: (message) => logger.warn(message),
    debug: (message) => logger.info(message),
  };
  const pageStore = await openPageStore(options, context, poolLogger);
  const sources = await findSources(given, options, { ...context, metrics, pageStore });
  // Closed after the models: what their last answers used is written first.
  await using ledger = new Ledger({ path: api.serverDatabasePath(io.env), logger });
  const required = areKeysRequired(options, ledger.keyCount);
  // Its thread is at work before there are answers to write down.
  await ledger.look();
  await using models = new ModelPool({
    sources,
    ...dropUndefined({
      memoryBytes: options.memory === undefined ? undefined : options.memory * 2 ** 20,
      unloadAfterMs: options.unloadAfter === undefined ? undefined : options.unloadAfter * 1000,
    }),
    logger: poolLogger,
  });
  const app = createApi({
    models,
    version,
    logger,
    metrics,
    settings: readSettings(options),
    // src/cli and dist/cli lie equally deep
    pageFolder: resolve(import.meta.dirname, '..', '..', 'dist', 'web'),
    logRequests: options.logRequests === true,
    authenticate: createGate({ ledger, required }),
    onAnswer: (record) => ledger.record(record),
    readUsage: (query) => ledger.usage(query),
  });
  const server = await listen(app, { host, port });
  await printLines(io, describe(server.url, sources, required));
  if (required && ledger.keyCount === 0) {
    await tell(io, 'There are no keys yet. `corral key create --name NAME` makes one.\n');
  }
  await untilEnded(server, context);
}

async function openPageStore(
  { prefixCache: folder, prefixCacheSize: size }: ServeFlags,
  { library }: Context,
  logger: Logger,
): Promise<PageStore | undefined> {
  if (folder !== undefined) {
    const { PageFolder } = await library.store();
    const maxBytes = (size ?? defaultPrefixCacheMiB) * 2 ** 20;
    return PageFolder.open(resolve(folder), { maxBytes, logger });
  }
  if (size === undefined) return undefined;
  const reason = '--prefix-cache-size says how large a folder may be, but there is none.';
  throw errors.USAGE_INVALID({ reason, command: 'corral serve' });
}

/** Must callers have a key? Throws SERVER_UNPROTECTED where others can reach the server and nobody has one. */
function areKeysRequired(options: ServeFlags, keyCount: number): boolean {
  const { host, allowAnonymous = false, apiKeysRequired = false } = options;
  if (allowAnonymous && apiKeysRequired) {
    const reason = '--allow-anonymous and --api-keys-required say opposite things.';
    throw errors.USAGE_INVALID({ reason, command: 'corral serve' });
  }
  if (apiKeysRequired || allowAnonymous || loopback.test(host)) return apiKeysRequired;
  if (keyCount === 0) throw errors.SERVER_UNPROTECTED({ host });
  return true;
}

function readSettings(options: ServeFlags): Partial<ApiSettings> {
  const { maxBody, answerTimeout, cors } = options;
  return dropUndefined({
    maxBodyBytes: maxBody,
    answerTimeoutMs: answerTimeout === undefined ? undefined : answerTimeout * 1000,
    origins: cors,
  });
}

function describe(url: string, sources: readonly ModelSource[], required: boolean): string[] {
  const key = required ? ' -H "authorization: Bearer $CORRAL_KEY"' : '';
  const body = JSON.stringify({
    model: sources[0]?.name ?? '',
    messages: [{ role: 'user', content: 'Who are you?' }],
  });
  return [
    `Serving ${sources.flatMap(({ name: each, adapters = [] }) => [each, ...adapters]).join(', ')} at ${url}/v1`,
    '',
    `  curl ${url}/v1/chat/completions -H 'content-type: application/json'${key} -d '${body}'`,
    '',
  ];
}

interface Ending {
  drain(): Promise<void>;
  close(): Promise<void>;
}

/** Resolves when a signal has come and all is done. */
async function untilEnded(server: Ending, { io, exit, pipeClosed }: Context): Promise<void> {
  const signalled = Promise.withResolvers<void>();
  let count = 0;
  const onSignal = (): void => {
    count++;
    if (count === 1) signalled.resolve();
    else exit(exitStatus.interrupted);
  };
  const offs = [io.onInterrupt(onSignal), io.onTerminate(onSignal)];
  pipeClosed.addEventListener('abort', () => signalled.resolve());
  try {
    await signalled.promise;
    await server.drain();
  } finally {
    for (const off of offs) off();
    await server.close();
  }
}
