// corral bench: what this machine can do, and how close training comes to it.
import { loadavg } from 'node:os';
import type { Command } from 'commander';
import { errors } from '../base/errors.ts';
import type { TrainingSpeed } from '../train/index.ts';
import {
  addCommonOptions,
  type CommonOptions,
  dropUndefined,
  readNumber,
} from './command-options.ts';
import { type Context, interruptible, printJson, printLines } from './context.ts';
import { formatCount, formatTable } from './present.ts';
import { openProgressBar } from './progress-bar.ts';

interface BenchFlags extends CommonOptions {
  readonly train?: boolean;
  readonly dim: number;
  readonly rounds: number;
  readonly threads?: number;
}

const widths = { low: 64, high: 8192, step: 64 } as const;

/** Adds the command. */
export function addBench(program: Command, context: Context): void {
  const command = program
    .command('bench')
    .summary("this machine's limits, and how close we are")
    .description(
      'Measures what the f32 units can do (multiply-adds on registers), and beside it the three products of training at 1024³ and a whole step: forward, backward and update of a small Llama. Medians over rounds.',
    )
    .option('--train', 'measure training')
    .option('--dim <n>', 'width of the model, a multiple of 64', readWidth, 512)
    .option(
      '--rounds <n>',
      'rounds',
      readNumber('--rounds', { low: 1, high: 1000, whole: true }),
      5,
    )
    .option(
      '--threads <n>',
      'threads that compute (default: the physical cores)',
      readNumber('--threads', { low: 1, high: 256, whole: true }),
    )
    .action((options) => bench(options, context));
  addCommonOptions(command, 'the figures');
}

function readWidth(text: string): number {
  const value = readNumber('--dim', { ...widths, whole: true })(text);
  if (value % widths.step === 0) return value;
  const allowed = `a multiple of ${widths.step} from ${widths.low} to ${widths.high}`;
  throw errors.OPTION_INVALID({ option: '--dim', found: text, allowed });
}

async function bench(options: BenchFlags, context: Context): Promise<void> {
  if (options.train !== true) {
    const reason = 'There is only --train to measure so far.';
    throw errors.USAGE_INVALID({ reason, command: 'corral bench' });
  }
  const { io, library } = context;
  const { measureTraining } = await library.training();
  const { dim, rounds, threads } = options;
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
