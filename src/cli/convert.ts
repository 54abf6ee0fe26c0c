// corral convert: any checkpoint to GGUF or safetensors, quantising on the way. Says which matrices
// could not take the type and what they became.
import type { Command } from 'commander';
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
import { formatBytes, formatTable } from './present.ts';
import { openProgressBar } from './progress-bar.ts';

const types = [
  'f32',
  'f16',
  'bf16',
  'q8_0',
  'q4_0',
  'q4_k',
  'q5_k',
  'q6_k',
  'q4_k_m',
  'q5_k_m',
] as const;

interface ConvertFlags extends CommonOptions {
  readonly type: (typeof types)[number];
  readonly format?: 'gguf' | 'safetensors';
  readonly force?: boolean;
  readonly tokenizer?: string;
  readonly config?: string;
}

/** Adds the command. */
export function addConvert(program: Command, context: Context): void {
  const readType = readChoice('--type', types);
  const command = program
    .command('convert')
    .summary('any format to GGUF or safetensors')
    .description(
      'Writes MODEL anew: to a GGUF when OUT ends in .gguf, else to a folder of safetensors (f32, f16, bf16). Matrices whose columns a type cannot hold take the next that fits; which, is printed.',
    )
    .argument('<model>', 'file, folder or name in the local store')
    .argument('<out>', 'where to: FILE.gguf, or a folder')
    .requiredOption('--type <type>', types.join(', '), (text) => readType(text.toLowerCase()))
    .option(
      '--format <name>',
      'gguf or safetensors',
      readChoice('--format', ['gguf', 'safetensors']),
    )
    .option('--force', 'replace a folder even if it has other files in it')
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
    const rows = report.fallbacks.map(({ name, wanted, used }) => [
      name,
      `${wanted} does not fit: ${used}`,
    ]);
    return await printLines(io, [
      ...formatTable(rows),
      `${out}: ${type}, ${formatBytes(report.bytes)}`,
    ]);
  } finally {
    await checkpoint.close();
  }
}
