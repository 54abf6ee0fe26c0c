// corral run: completes a prompt. stdout carries the completion alone, everything else goes to stderr.
import type { Command } from 'commander';
import { errors } from '../base/errors.ts';
import { describeResult, describeSpeed, streamAnswer } from './answer.ts';
import {
  addCommonOptions,
  addModelOptions,
  addSamplingOptions,
  checkLogprobs,
  type ModelOptions,
  type SamplingFlags,
  toGenerateOptions,
  toLoadOptions,
} from './command-options.ts';
import { type Context, interruptible, makeLogger, printJson } from './context.ts';
import { readAll } from './io.ts';
import { readRunArguments } from './model-argument.ts';
import { openProgressBar } from './progress-bar.ts';

/** Adds the command. */
export function addRun(program: Command, context: Context): void {
  const command = program
    .command('run')
    .summary('complete a prompt')
    .description(
      'Completes PROMPT. A single argument is MODEL if it is a file, a folder or a name in the store, and else the prompt. Without PROMPT, or with -, the prompt comes from a pipe (less one line end at its end); an empty prompt starts from nothing.',
    )
    .argument('[model]', 'file, folder or name in the local store')
    .argument('[prompt]', 'text to go on from; "" is allowed')
    .action((first, second, options) => run(first, second, options, context));
  addCommonOptions(addModelOptions(addSamplingOptions(command)), 'text, token ids and timing');
}

async function run(
  first: string | undefined,
  second: string | undefined,
  options: ModelOptions & SamplingFlags,
  context: Context,
): Promise<void> {
  const { io, library } = context;
  checkLogprobs(options, 'corral run');
  const { path, prompt: given } = await readRunArguments(first, second, context);
  const prompt = given === undefined || given === '-' ? await readPrompt(context, given) : given;
  using interrupt = interruptible(context);
  const { signal } = interrupt;
  const logger = makeLogger(io, options.verbose);
  const model = await (async () => {
    using bar = await openProgressBar(io);
    const { onProgress } = bar;
    return await library.load(path, { ...toLoadOptions(options), signal, onProgress, logger });
  })();
  try {
    const generation = model.complete(prompt, { ...toGenerateOptions(options), signal });
    const result =
      options.json === true ? await generation.result() : await streamAnswer(generation, io);
    if (options.json === true) await printJson(io, describeResult(result));
    logger.debug(describeSpeed(result, model));
    if (signal.aborted) throw errors.ABORTED({ what: 'The completion' });
  } finally {
    await model.close();
  }
}

async function readPrompt({ io }: Context, given: string | undefined): Promise<string> {
  if (io.isTerminal.stdin && given === undefined) return '';
  return (await readAll(io.stdin)).replace(/\r?\n$/, '');
}
