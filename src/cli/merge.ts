// corral merge: an adapter becomes part of the weights of its base.
import type { Command } from 'commander';
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
import { describeFallbacks } from './convert.ts';
import { resolveModelArgument } from './model-argument.ts';
import { formatBytes } from './present.ts';
import { openProgressBar } from './progress-bar.ts';

interface MergeFlags extends CommonOptions {
  readonly type: ConvertType;
  readonly force?: boolean;
  readonly tokenizer?: string;
  readonly config?: string;
}

/** Adds the command. */
export function addMerge(program: Command, context: Context): void {
  const readType = readChoice('--type', convertTypeNames);
  const command = program
    .command('merge')
    .summary('an adapter into the weights of its base')
    .description(
      'Writes BASE with ADAPTER merged into it: to a GGUF when OUT ends in .gguf, else to a folder of safetensors. Quantised matrices are dequantised first; --type f32 loses nothing.',
    )
    .argument('<base>', 'file, folder or name in the local store')
    .argument('<adapter>', 'folder of a PEFT adapter, or a GGUF of one')
    .argument('<out>', 'where to: FILE.gguf, or a folder')
    .option(
      '--type <type>',
      convertTypeNames.join(', '),
      (text) => readType(text.toLowerCase()),
      'f16',
    )
    .option('--force', 'replace a file, or a folder with files that Corral did not write')
    .action((base, adapter, out, options) => merge({ base, adapter, out }, options, context));
  addCommonOptions(addIdleDeviceOptions(addFileOptions(command)), 'what was written');
}

async function merge(
  { base, adapter, out }: { readonly base: string; readonly adapter: string; readonly out: string },
  options: MergeFlags,
  context: Context,
): Promise<void> {
  const { io, library } = context;
  const path = await resolveModelArgument(base, context);
  const { config, tokenizer, type, force } = options;
  const checkpoint = await library.openCheckpoint(path, dropUndefined({ config, tokenizer }));
  try {
    const { mergeAdapter, readAdapter } = await library.training();
    const merged = mergeAdapter(checkpoint, await readAdapter(adapter, checkpoint.config));
    using interrupt = interruptible(context);
    using bar = await openProgressBar(io);
    const report = await library.convertCheckpoint(merged, out, {
      type,
      ...dropUndefined({ force }),
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
