// corral perplexity: how surprised a model is by a text file.
import type { Command } from 'commander';
import { errors } from '../base/errors.ts';
import {
  addCommonOptions,
  addModelOptions,
  dropUndefined,
  type ModelOptions,
  readNumber,
  toLoadOptions,
} from './command-options.ts';
import { type Context, interruptible, makeLogger, printJson, printLines } from './context.ts';
import { resolveModelArgument } from './model-argument.ts';
import { openProgressBar } from './progress-bar.ts';
import { readTextArgument } from './text-argument.ts';

/** Adds the command. */
export function addPerplexity(program: Command, context: Context): void {
  const stride = readNumber('--stride', { low: 1, high: 2 ** 31 - 1, whole: true });
  const command = program
    .command('perplexity')
    .summary('token perplexity and bits per byte of a text')
    .description(
      'Measures how well MODEL predicts FILE: exp of the mean negative log-probability of each token. Windows are BOS and the next (context − 1) tokens; --stride makes them overlap.',
    )
    .argument('<model>', 'file, folder or name in the local store')
    .argument('<file>', 'text file, or - for a pipe')
    .option('--stride <tokens>', 'tokens between the starts of two windows', stride)
    .action((model, file, options) => perplexity(model, file, options, context));
  addCommonOptions(addModelOptions(command), 'the numbers');
}

async function perplexity(
  modelName: string,
  file: string,
  options: ModelOptions & { readonly stride?: number },
  context: Context,
): Promise<void> {
  const { io, library } = context;
  if (options.context === 1) {
    // A window is BOS and what it predicts.
    const allowed = 'a whole number of at least 2';
    throw errors.OPTION_INVALID({ option: '--context', found: '1', allowed });
  }
  const path = await resolveModelArgument(modelName, context);
  const text = await readTextArgument(file, io);
  using interrupt = interruptible(context);
  const { signal } = interrupt;
  using bar = await openProgressBar(io);
  const { onProgress } = bar;
  const logger = makeLogger(io, options.verbose);
  const model = await library.load(path, { ...toLoadOptions(options), signal, onProgress, logger });
  try {
    const { stride } = options;
    const result = await model.perplexity(text, {
      ...dropUndefined({ stride }),
      onProgress,
      signal,
    });
    const { tokens, perplexity: value, bitsPerByte } = result;
    if (options.json === true) {
      await printJson(io, { tokens, perplexity: value, bitsPerByte });
    } else {
      await printLines(io, [
        `perplexity    ${value.toFixed(4)}`,
        `bits per byte ${bitsPerByte.toFixed(4)}`,
        `tokens        ${tokens}`,
      ]);
    }
  } finally {
    await model.close();
  }
}
