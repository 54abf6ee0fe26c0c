// The command line: reads arguments, runs one command, turns failures into words and exit statuses
// (0 done, 1 failed, 2 used wrongly, 130 interrupted). Does nothing when imported.
import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { errors } from '../base/errors.ts';
import { nearest } from '../base/nearest.ts';
import { addBench } from './bench.ts';
import { addChat } from './chat.ts';
import { type Context, exitStatus } from './context.ts';
import { addConvert } from './convert.ts';
import { addEval } from './eval.ts';
import { addInspect } from './inspect.ts';
import { flush, type Io, isReaderGone, processIo, write } from './io.ts';
import { addKey } from './key.ts';
import { type Library, lazyLibrary } from './library.ts';
import { addList } from './list.ts';
import { addMerge } from './merge.ts';
import { addPerplexity } from './perplexity.ts';
import { addPull } from './pull.ts';
import { reportError } from './report-error.ts';
import { addRun } from './run.ts';
import { addRuns } from './runs.ts';
import { addServe } from './serve.ts';
import { addTokenize } from './tokenize.ts';
import { addTokenizer } from './tokenizer.ts';
import { addTrain } from './train.ts';

/** Runs the command line; resolves with the exit status. */
export async function main(
  argv: readonly string[] = process.argv.slice(2),
  io: Io = processIo(),
  library: Library = lazyLibrary,
): Promise<number> {
  const pipe = new AbortController();
  // A reader such as `head` that has seen enough: stop working, say nothing.
  // Any other failure rejects the write that met it.
  const closed = (error: NodeJS.ErrnoException): void => {
    if (isReaderGone(error)) pipe.abort();
  };
  io.stdout.on('error', closed);
  io.stderr.on('error', closed);
  const exit = (status: number): void => process.exit(status);
  const version = readVersion();
  const { program, output } = makeProgram({ io, library, pipeClosed: pipe.signal, version, exit });
  try {
    await obey(argv, program);
    await write(io, output.take());
    return exitStatus.ok;
  } catch (error) {
    if (pipe.signal.aborted) return exitStatus.ok;
    const own = error instanceof CommanderError ? usageError(error, argv, program) : error;
    return await reportError(own, io, {
      json: hasFlag(argv, '--json'),
      verbose: hasFlag(argv, '--verbose'),
    });
  } finally {
    await flush(io);
    io.stdout.off('error', closed);
    io.stderr.off('error', closed);
  }
}

/** Runs the command. Help and version, which Commander throws, are no failures. */
async function obey(argv: readonly string[], program: Command): Promise<void> {
  if (argv.length === 0) return program.outputHelp();
  try {
    await program.parseAsync([...argv], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError && error.exitCode === 0)) throw error;
  }
}

function makeProgram(context: Context): { program: Command; output: { take(): string } } {
  let help = '';
  const program = new Command('corral')
    .description('Runs Llama models on this machine.')
    .version(context.version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'show help')
    .helpCommand('help [command]', 'show help for a command')
    .showSuggestionAfterError(true)
    // What follows a command's name belongs to it: `eval` and `eval diff` both know --json.
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => {
        help += text;
      },
      // Commander's own words come back as errors, and are reported with ours.
      writeErr: () => {},
      outputError: () => {},
    })
    .addHelpText(
      'after',
      '\nMODEL is a file, a folder, or a name in the local store (`corral list`).\nExit statuses: 0 done, 1 failed, 2 used wrongly, 130 interrupted.',
    );
  for (const add of [
    addRun,
    addChat,
    addServe,
    addKey,
    addInspect,
    addTokenize,
    addTokenizer,
    addConvert,
    addPerplexity,
    addEval,
    addPull,
    addList,
    addTrain,
    addRuns,
    addMerge,
    addBench,
  ]) {
    add(program, context);
  }
  return { program, output: { take: () => help } };
}

/** Commander's complaint as one of our errors, with the nearest command where one was meant. */
function usageError(error: CommanderError, argv: readonly string[], program: Command): Error {
  const names = program.commands.flatMap((command) => [command.name(), ...command.aliases()]);
  const named = argv.find((argument) => names.includes(argument));
  const command = named === undefined ? 'corral' : `corral ${named}`;
  const unknown = unknownCommand(error, argv);
  if (unknown !== undefined) {
    const guess = nearest(unknown, names);
    const did = guess === undefined ? '' : ` Did you mean ${guess}?`;
    const reason = `There is no command ${JSON.stringify(unknown)}.${did}`;
    return errors.USAGE_INVALID({ reason, command }, { cause: error });
  }
  const words = error.message.replace(/^error: /, '').replaceAll(/\n/g, ' ');
  const reason = `${words.charAt(0).toUpperCase()}${words.slice(1)}`;
  return errors.USAGE_INVALID({ reason, command }, { cause: error });
}

function unknownCommand(error: CommanderError, argv: readonly string[]): string | undefined {
  if (error.code === 'commander.unknownCommand') return argv[0];
  // `corral help nope`: Commander shows the help of corral itself, and calls that a failure.
  if (error.code !== 'commander.help') return undefined;
  return argv.slice(1).find((argument) => !argument.startsWith('-'));
}

/** Was the flag given, before a -- that ends the flags? */
function hasFlag(argv: readonly string[], flag: string): boolean {
  const end = argv.indexOf('--');
  return argv.slice(0, end < 0 ? argv.length : end).includes(flag);
}

function readVersion(): string {
  // Two floors up from src/cli and from dist/cli alike.
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
