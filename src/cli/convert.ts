// corral convert: any checkpoint to GGUF or safetensors, quantising on the way. Says which matrices
// could not take the type and what they became.
import type { Command } from 'commander';
import type { ConvertReport } from '../formats/convert.ts';
import { type ConvertType, convertTypeNames } from '../formats/convert-types.ts';
import {
  addCommonOptions,
  addFileOptions,
  addIdleDeviceOptions,
  type CommonOptions,
  dropUndefined,
  readChoice,
} from './command-options.ts';
import { type Context, interruptible, printJson, printLines } from './context.ts';
import { resolveModelArgument } from './model-argument.ts';
import { formatBytes } from './present.ts';
import { openProgressBar } from './progress-bar.ts';

interface ConvertFlags extends CommonOptions {
  readonly type: ConvertType;
  readonly format?: 'gguf' | 'safetensors';
  readonly force?: boolean;
  readonly tokenizer?: string;
  readonly config?: string;
}

/** Adds the command. */
export function addConvert(program: Command, context: Context): void {
  const readType = readChoice('--type', convertTypeNames);
  const command = program
    .command('convert')
    .summary('any format to GGUF or safetensors')
    .description(
      'Writes MODEL anew: to a GGUF when OUT ends in .gguf, else to a folder of safetensors (f32, f16, bf16). Matrices whose columns a type cannot hold take the next that fits; which, is printed.',
    )
    .argument('<model>', 'file, folder or name in the local store')
    .argument('<out>', 'where to: FILE.gguf, or a folder')
    .requiredOption('--type <type>', convertTypeNames.join(', '), (text) =>
      readType(text.toLowerCase()),
    )
    .option(
      '--format <name>',
      'gguf or safetensors',
      readChoice('--format', ['gguf', 'safetensors']),
    )
    .option('--force', 'replace a file, or a folder with files that Corral did not write')
    .action((model, out, options) => convert(model, out, options, context));
  addCommonOptions(addIdleDeviceOptions(addFileOptions(command)), 'what was written');
}

async function convert(
  model: string,
  out: string,
  options: ConvertFlags,
  context: Context,
): Promise<void> {
  const { io, library } = context;
  const path = await resolveModelArgument(model, context);
  const { config, tokenizer, type, format, force } = options;
  const checkpoint = await library.openCheckpoint(path, dropUndefined({ config, tokenizer }));
  try {
    using interrupt = interruptible(context);
    using bar = await openProgressBar(io);
    const report = await library.convertCheckpoint(checkpoint, out, {
      type,
      ...dropUndefined({ format, force }),
      onProgress: bar.onProgress,
      signal: interrupt.signal,
    });
    bar[Symbol.dispose]();
    if (options.json === true) return await printJson(io, { out, ...report });
    return await printLines(io, [
      ...describeFallbacks(report, options.verbose === true),
      `${out}: ${type}, ${formatBytes(report.bytes)}`,
    ]);
  } finally {
    await checkpoint.close();
  }
}

/** A line for each pair of types, with the names of the matrices where they are few or asked for. */
export function describeFallbacks(
  { fallbacks, type }: ConvertReport,
  everyName: boolean,
): string[] {
  const groups = Map.groupBy(fallbacks, ({ wanted, used }) => `${wanted} ${used}`);
  return [...groups.values()].map((group) => {
    const [{ wanted, used } = { wanted: type, used: type }] = group;
    const names = group.map(({ name }) => name).join(', ');
    const who = group.length === 1 ? '1 matrix' : `${group.length} matrices`;
    const which = everyName || group.length <= 2 ? ` (${names})` : '';
    const does = group.length === 1 ? 'does' : 'do';
    // A type may keep some matrices, such as the output, in another: nobody asked for that by name.
    const why =
      type === wanted
        ? wanted
        : `${wanted}, which ${type} keeps ${group.length === 1 ? 'it' : 'them'} in`;
    return `${who}${which} ${does} not fit the blocks of ${why}: ${used}`;
  });
}
