// corral bench: what this machine can do, and how close a model's answers, or training, come to it.
import { loadavg } from 'node:os';
import type { Command } from 'commander';
import { errors } from '../base/errors.ts';
import { convertTypeNames } from '../formats/convert-types.ts';
import { modelShapes } from '../library/model-shapes.ts';
import type { TrainingSpeed } from '../train/index.ts';
import { type BenchFlags, benchInference } from './bench-inference.ts';
import {
  addCommonOptions,
  addModelOptions,
  dropUndefined,
  readChoice,
  readNumber,
} from './command-options.ts';
import { type Context, interruptible, printJson, printLines } from './context.ts';
import { formatCount, formatTable } from './present.ts';
import { openProgressBar } from './progress-bar.ts';

const widths = { low: 64, high: 8192, step: 64 } as const;
const trainingDefaults = { dim: 512, rounds: 5 } as const;

/** Adds the command. */
export function addBench(program: Command, context: Context): void {
  const rounds = readNumber('--rounds', { low: 1, high: 1000, whole: true });
  const command = program
    .command('bench')
    .summary("this machine's limits, and how close we are")
    .description(
      'Measures how fast MODEL loads, reads prompts and answers, beside how fast this machine reads memory and multiplies. Without MODEL: random weights in memory, of --shape and --type. With --train: the three products of training at 1024³ and a whole step (forward, backward and update) of a small Llama. Medians throughout.',
    )
    .argument('[model]', 'file, folder or name in the local store')
    .option(
      '--shape <name>',
      'of random weights: tiny, 1b, 7b, 13b (default: 1b)',
      readChoice('--shape', modelShapes),
    )
    .option(
      '--type <type>',
      `of random weights: ${convertTypeNames.join(', ')} (default: q4_0)`,
      readChoice('--type', convertTypeNames),
    )
    .option('--quick', 'fewer lengths, batches and rounds')
    .option('--train', 'measure training')
    .option(
      '--dim <n>',
      'with --train: width of the model, a multiple of 64 (default: 512)',
      readWidth,
    )
    .option(
      '--rounds <n>',
      'how often each thing is measured (default: 3, with --quick 1, with --train 5)',
      rounds,
    )
    .action((model, options) => bench(model, options, context));
  addCommonOptions(addModelOptions(command), 'the figures');
}

function readWidth(text: string): number {
  const value = readNumber('--dim', { ...widths, whole: true })(text);
  if (value % widths.step === 0) return value;
  const allowed = `a multiple of ${widths.step} from ${widths.low} to ${widths.high}`;
  throw errors.OPTION_INVALID({ option: '--dim', found: text, allowed });
}

async function bench(
  model: string | undefined,
  options: BenchFlags,
  context: Context,
): Promise<void> {
  if (options.train === true) {
    checkUnused(options, ['shape', 'type', 'quick'], 'means nothing with --train');
    if (model !== undefined) refuse('--train makes a model of its own: leave MODEL away.');
    return await benchTraining(options, context);
  }
  checkUnused(options, ['dim'], 'belongs to --train');
  if (model !== undefined)
    checkUnused(options, ['shape', 'type'], 'is for random weights: leave it or MODEL away');
  return await benchInference(model, options, context);
}

function refuse(reason: string): never {
  throw errors.USAGE_INVALID({ reason, command: 'corral bench' });
}

function checkUnused(options: BenchFlags, names: readonly (keyof BenchFlags)[], why: string): void {
  const found = names.find((name) => options[name] !== undefined);
  if (found !== undefined) refuse(`--${found} ${why}.`);
}

async function benchTraining(options: BenchFlags, context: Context): Promise<void> {
  const { io, library } = context;
  const { measureTraining } = await library.training();
  const { dim = trainingDefaults.dim, rounds = trainingDefaults.rounds, threads } = options;
  using interrupt = interruptible(context);
  const { signal } = interrupt;
  using bar = await openProgressBar(io);
  const { onProgress } = bar;
  const [load = 0] = loadavg();
  const speed = await measureTraining({
    ...dropUndefined({ threads }),
    dim,
    rounds,
    signal,
    onProgress,
  });
  bar[Symbol.dispose]();
  if (options.json === true) return printJson(io, { ...speed, loadAverage: load });
  return printLines(io, describe(speed, load));
}

function describe(speed: TrainingSpeed, load: number): string[] {
  const { peak, products, step } = speed;
  const giga = (operations: number): string => (operations / 1e9).toFixed(1);
  const row = (what: string, each: TrainingSpeed['step'] | (typeof products)[number]): string[] => [
    what,
    giga(each.operationsPerSecond),
    each.shareOfPeak.toFixed(2),
  ];
  const model = `${formatCount(step.parameters)} parameters, dim ${step.dim}, ${step.tokens} tokens`;
  return [
    `${speed.isa}, ${speed.threads} threads, load ${load.toFixed(1)}; medians of ${speed.rounds} rounds`,
    '',
    ...formatTable(
      [
        ['', 'GFLOP/s', 'of peak'],
        ['f32 multiply-adds', giga(peak), ''],
        ...products.map((each) => row(`${each.op} ${each.size}³`, each)),
        row(`training step, ${model}`, step),
      ],
      [1, 2],
    ),
    '',
    `${Math.round(step.tokensPerSecond)} tokens/s`,
  ];
}
