// Options that several commands share, read and checked here: a value out of range is an
// OPTION_INVALID that names the range.
import { type Command, Option } from 'commander';
import { errors } from '../base/errors.ts';
import type { GenerateOptions, LoadOptions } from './library.ts';

/** Options of every command. */
export interface CommonOptions {
  readonly json?: boolean;
  readonly verbose?: boolean;
}

/** Options of commands that load a model. */
export interface ModelOptions extends CommonOptions {
  readonly device?: 'cpu' | 'reference';
  readonly threads?: number;
  readonly context?: number;
  readonly cache?: 'f16' | 'f32' | 'q8_0';
  readonly activations?: 'exact' | 'int8';
  readonly speculate?: 'off' | 'lookup' | `draft:${string}`;
  readonly tokenizer?: string;
  readonly config?: string;
  readonly adapter?: string;
  readonly packCache?: boolean;
}

/** Options of commands that generate. */
export interface SamplingFlags {
  readonly maxTokens?: number;
  readonly temperature?: number;
  readonly topK?: number;
  readonly topP?: number;
  readonly minP?: number;
  readonly typicalP?: number;
  readonly repetitionPenalty?: number;
  readonly frequencyPenalty?: number;
  readonly presencePenalty?: number;
  readonly seed?: number;
  readonly stop?: readonly string[];
  readonly logprobs?: number;
}

const large = 2 ** 31 - 1;
const decimal = /^-?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i;

interface Range {
  readonly low: number;
  readonly high: number;
  readonly whole?: boolean;
}

/** A reader of numbers within a range; the flag's name is part of the error. */
export function readNumber(flag: string, { low, high, whole }: Range): (text: string) => number {
  return (text) => {
    const value = decimal.test(text) ? Number(text) : Number.NaN;
    if (value >= low && value <= high && (whole !== true || Number.isInteger(value))) return value;
    const kind = whole === true ? 'a whole number' : 'a number';
    const open = high === large && !(value > high);
    const allowed = `${kind} ${open ? `of at least ${low}` : `from ${low} to ${high}`}`;
    const found = /^\S+$/.test(text) ? text : JSON.stringify(text);
    throw errors.OPTION_INVALID({ option: flag, found, allowed });
  };
}

/** A reader of one of a few words. */
export function readChoice<T extends string>(
  flag: string,
  choices: readonly T[],
): (text: string) => T {
  return (text) => {
    const found = choices.find((choice) => choice === text);
    if (found !== undefined) return found;
    throw errors.OPTION_INVALID({ option: flag, found: text, allowed: choices.join(', ') });
  };
}

/** Gathers the values of a flag that may come several times. */
export function gather(value: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), value];
}

interface NumberFlag extends Range {
  readonly flag: string;
  readonly text: string;
}

const samplingFlags: readonly NumberFlag[] = [
  {
    flag: '--max-tokens',
    text: 'longest answer (default: what is left of the context)',
    low: 0,
    high: large,
    whole: true,
  },
  {
    flag: '--temperature',
    text: "0 is greedy (default: the model's own, else 0.6)",
    low: 0,
    high: 100,
  },
  {
    flag: '--top-k',
    text: 'draw from the K likeliest tokens; 0 from all',
    low: 0,
    high: large,
    whole: true,
  },
  {
    flag: '--top-p',
    text: "draw from the likeliest that reach this probability (default: the model's own, else 0.9)",
    low: 0,
    high: 1,
  },
  {
    flag: '--min-p',
    text: 'drop tokens less likely than this share of the likeliest',
    low: 0,
    high: 1,
  },
  {
    flag: '--typical-p',
    text: 'draw from the most typical that reach this probability',
    low: 0,
    high: 1,
  },
  {
    flag: '--repetition-penalty',
    text: 'above 1: tokens seen before become less likely',
    low: 0.01,
    high: 100,
  },
  {
    flag: '--frequency-penalty',
    text: 'subtracted per occurrence in the answer',
    low: -100,
    high: 100,
  },
  {
    flag: '--presence-penalty',
    text: 'subtracted once for tokens in the answer',
    low: -100,
    high: 100,
  },
  {
    flag: '--seed',
    text: 'the same seed gives the same answer',
    low: 0,
    high: Number.MAX_SAFE_INTEGER,
    whole: true,
  },
];

/** The sampling options by name, as `/set` of a chat takes them: without the dashes before. */
export const samplingNames: readonly string[] = samplingFlags.map(({ flag }) => flag.slice(2));

/** One sampling option by its name and text. Throws OPTION_INVALID. */
export function readSampling(name: string, text: string): SamplingFlags {
  const found = samplingFlags.find(({ flag }) => flag === `--${name}`);
  if (found === undefined) {
    const allowed = samplingNames.join(', ');
    throw errors.OPTION_INVALID({ option: 'The name', found: JSON.stringify(name), allowed });
  }
  const { flag, text: _text, ...range } = found;
  const key = name.replaceAll(/-(.)/g, (_, letter: string) => letter.toUpperCase());
  return { [key]: readNumber(flag, range)(text) };
}

/** Adds --json (where there is a result) and --verbose. */
export function addCommonOptions(command: Command, result?: string): Command {
  if (result !== undefined) command.option('--json', `print ${result} as JSON; errors too`);
  return command.option('--verbose', 'say more on stderr: stack traces, speeds');
}

/** Adds the options of a command that loads a model. */
export function addModelOptions(command: Command): Command {
  const context = readNumber('--context', { low: 1, high: large, whole: true });
  return addDeviceOptions(addFileOptions(command), {
    device: 'cpu or reference (default: the fastest here)',
    threads: 'threads that compute (default: the physical cores)',
  })
    .option('--context <tokens>', "longest text (default: the model's own)", context)
    .addOption(
      new Option('--cache <type>', 'type of keys and values: f16, f32, q8_0').argParser(
        readChoice('--cache', ['f16', 'f32', 'q8_0']),
      ),
    )
    .addOption(activationsOption())
    .option(
      '--no-pack-cache',
      'neither use nor keep packed weights on disk: every start packs anew',
    )
    .addOption(speculateOption())
    .option('--adapter <path>', 'a LoRA or DoRA to use with the model: a PEFT folder or a GGUF');
}

function readSpeculate(text: string): 'off' | 'lookup' | `draft:${string}` {
  if (text === 'off' || text === 'lookup') return text;
  if (/^draft:./.test(text)) return text as `draft:${string}`;
  const allowed = 'off, lookup or draft:MODEL';
  throw errors.OPTION_INVALID({ option: '--speculate', found: text, allowed });
}

/** How tokens are guessed ahead. */
export function speculateOption(): Option {
  return new Option(
    '--speculate <how>',
    'guess tokens ahead and check several at once; answers stay the same. off, lookup (from what the text repeats) or draft:MODEL (by a smaller model with the same tokenizer) (default: off)',
  ).argParser(readSpeculate);
}

/** --activations, for commands that load a model. */
export function activationsOption(): Option {
  return new Option(
    '--activations <kind>',
    'how they meet quantised weights: exact, or int8, which is faster (default: int8 where the device has it)',
  ).argParser(readChoice('--activations', ['exact', 'int8']));
}

/** Adds --device and --threads to a command that computes on none: scripts may pass them everywhere. */
export function addIdleDeviceOptions(command: Command): Command {
  const text = 'accepted, and of no effect: this command does not run the model';
  return addDeviceOptions(command, { device: text, threads: text });
}

/** Adds --device and --threads. */
export function addDeviceOptions(
  command: Command,
  texts: { readonly device: string; readonly threads: string },
): Command {
  // The device's own limit, in its own words; a test holds them together.
  const threads = readNumber('--threads', { low: 1, high: 256, whole: true });
  const device = readChoice('--device', ['cpu', 'reference']);
  return command
    .addOption(new Option('--device <name>', texts.device).argParser(device))
    .option('--threads <n>', texts.threads, threads);
}

/** Adds the options that name files a checkpoint may lack. */
export function addFileOptions(command: Command): Command {
  return command
    .option('--tokenizer <file>', 'tokenizer of a checkpoint that carries none')
    .option('--config <file>', 'params.json or config.json of a checkpoint that carries none');
}

/** Adds the options of sampling, in the order in which they apply. */
export function addSamplingOptions(command: Command): Command {
  for (const { flag, text, ...range } of samplingFlags) {
    command.option(`${flag} <n>`, text, readNumber(flag, range));
  }
  const logprobs = readNumber('--logprobs', { low: 0, high: 32, whole: true });
  return command
    .option('--stop <text>', 'end the answer here; may come several times', gather)
    .option('--logprobs <n>', 'with --json: log-probabilities, and N alternatives', logprobs);
}

/** What of the options goes to the loader. */
export function toLoadOptions(options: ModelOptions): LoadOptions {
  const { device, threads, context, cache, activations, speculate } = options;
  const { tokenizer, config, adapter } = options;
  return dropUndefined({
    packCache: options.packCache === false ? false : undefined,
    device,
    threads,
    context,
    cache,
    activations,
    speculate,
    tokenizer,
    config,
    adapter,
  });
}

/** Log-probabilities are shown in JSON alone: without --json they would be asked for in vain. */
export function checkLogprobs(options: SamplingFlags & CommonOptions, command: string): void {
  if (options.logprobs === undefined || options.json === true) return;
  throw errors.USAGE_INVALID({ reason: '--logprobs is shown only with --json.', command });
}

/** What of the options goes to the sampler. */
export function toGenerateOptions(options: SamplingFlags): GenerateOptions {
  const { maxTokens, temperature, topK, topP, minP, typicalP, seed, stop, logprobs } = options;
  const { repetitionPenalty, frequencyPenalty, presencePenalty } = options;
  return dropUndefined({
    maxTokens,
    temperature,
    topK,
    topP,
    minP,
    typicalP,
    repetitionPenalty,
    frequencyPenalty,
    presencePenalty,
    seed,
    stop,
    logprobs,
  });
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** The same object without the keys that have no value. */
export function dropUndefined<T extends object>(object: T): Defined<T> {
  const kept = Object.entries(object).filter(([, value]) => value !== undefined);
  // Object.fromEntries forgets the keys' types.
  return Object.fromEntries(kept) as Defined<T>;
}
