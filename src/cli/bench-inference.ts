// The part of corral bench that measures a model: one that is there, or random weights.
import { loadavg } from 'node:os';
import { errors } from '../base/errors.ts';
import type { Checkpoint } from '../formats/checkpoint.ts';
import type { ConvertType } from '../formats/convert-types.ts';
import { describeLeftOut, type InferencePlan, inferencePlans } from '../library/inference-plan.ts';
import type { InferenceSpeed } from '../library/measure-inference.ts';
import type { ModelShape } from '../library/model-shapes.ts';
import { dropUndefined, type ModelOptions, toLoadOptions } from './command-options.ts';
import { type Context, interruptible, makeLogger, printJson, printLines } from './context.ts';
import { resolveModelArgument } from './model-argument.ts';
import { formatBytes, formatTable } from './present.ts';
import { openProgressBar } from './progress-bar.ts';

/** What `corral bench` may be told. */
export interface BenchFlags extends ModelOptions {
  readonly shape?: ModelShape;
  readonly type?: ConvertType;
  readonly quick?: boolean;
  readonly train?: boolean;
  readonly dim?: number;
  readonly rounds?: number;
}

/** Measures MODEL, or random weights where none is named, and prints what was found. */
export async function benchInference(
  model: string | undefined,
  options: BenchFlags,
  context: Context,
): Promise<void> {
  const { io, library } = context;
  const { measureInference } = await library.inference();
  const open = await findModel(model, options, context);
  const { config } = await look(open);
  const base = options.quick === true ? inferencePlans.quick : inferencePlans.whole;
  const plan: InferencePlan = { ...base, ...dropUndefined({ rounds: options.rounds }) };
  const leftOut = describeLeftOut(plan, options.context ?? config.context);
  using interrupt = interruptible(context);
  const { signal } = interrupt;
  const logger = makeLogger(io, options.verbose);
  const [load = 0] = loadavg();
  const speed = await (async () => {
    using bar = await openProgressBar(io);
    const { onProgress } = bar;
    const loading = { ...toLoadOptions(options), logger };
    return await measureInference({ open, load: loading, plan, signal, onProgress });
  })();
  if (leftOut.length > 0) {
    const room = options.context ?? config.context;
    logger.warn(`left out, since the context is ${room}: ${leftOut.join(', ')}`);
  }
  if (options.json === true) return await printJson(io, speed);
  return await printLines(io, describe(speed, load));
}

/** How to open what is to be measured. Throws OUT_OF_MEMORY for random weights that have no room. */
async function findModel(
  model: string | undefined,
  options: BenchFlags,
  context: Context,
): Promise<() => Promise<Checkpoint>> {
  const { library } = context;
  if (model !== undefined) {
    const path = await resolveModelArgument(model, context);
    const { config, tokenizer } = options;
    return () => library.openCheckpoint(path, dropUndefined({ config, tokenizer }));
  }
  const { makeRandomModel } = await library.inference();
  const { shape = '1b', type = 'q4_0' } = options;
  const open = async (): Promise<Checkpoint> => makeRandomModel(shape, type);
  const { tensors, name } = await open();
  // As they are, and packed for the kernels.
  const bytes = 2 * [...tensors.values()].reduce((sum, each) => sum + each.bytes, 0);
  const available = process.availableMemory();
  if (bytes > available) {
    const what = `${name} in memory, of which ${formatBytes(available)} are available,`;
    throw errors.OUT_OF_MEMORY({ bytes, what });
  }
  return open;
}

async function look(open: () => Promise<Checkpoint>): Promise<Pick<Checkpoint, 'config'>> {
  const checkpoint = await open();
  await checkpoint.close();
  return checkpoint;
}

function describe(
  { machine, model, load, prefill, decode }: InferenceSpeed,
  average: number,
): string[] {
  const giga = (value: number): string => (value / 1e9).toFixed(1);
  const speed = (value: number): string => value.toFixed(value < 99.95 ? 1 : 0);
  return [
    `${model}: ${machine.isa}, ${machine.threads} threads, load ${average.toFixed(1)}; medians`,
    '',
    ...formatTable(
      [
        ['this machine', '', ''],
        ['  reading memory', giga(machine.readBandwidth), 'GB/s'],
        ['  int8 multiply-adds', giga(machine.int8Peak), 'G/s'],
        ['  f32 operations', giga(machine.f32Peak), 'GFLOP/s'],
      ],
      [1],
    ),
    '',
    ...formatTable(
      [
        ['', 'tokens/s', 'share', ''],
        ...prefill.map(({ rows, tokensPerSecond, shareOfPeak }) => [
          `prefill, ${rows} tokens`,
          speed(tokensPerSecond),
          shareOfPeak.toFixed(2),
          'of multiply-adds',
        ]),
        ...decode.map(({ batch, context, tokensPerSecond, shareOfBandwidth }) => [
          `decode, batch ${batch}, context ${context}`,
          speed(tokensPerSecond),
          shareOfBandwidth.toFixed(2),
          'of reading',
        ]),
      ],
      [1, 2],
    ),
    '',
    `load to the first token: ${load.coldSeconds.toFixed(2)} s; with packed weights from disk ${load.warmSeconds.toFixed(2)} s`,
  ];
}
