// corral train and corral tune: a recipe from beginning to end, or on from its last checkpoint.
import type { Command } from 'commander';
import { errors } from '../base/errors.ts';
import type { Recipe, TrainReport } from '../train/index.ts';
import {
  addCommonOptions,
  addDeviceOptions,
  type CommonOptions,
  gather,
} from './command-options.ts';
import { type Context, interruptible, makeLogger, printJson, printLines } from './context.ts';
import { storeOf } from './model-argument.ts';
import { printPreview } from './print-preview.ts';
import { openProgressBar } from './progress-bar.ts';
import { readTextArgument } from './text-argument.ts';
import { openTrainingBar } from './training-bar.ts';

interface TrainFlags extends CommonOptions {
  readonly set?: readonly string[];
  readonly dryRun?: boolean;
  readonly resume?: boolean;
  readonly fresh?: boolean;
  readonly device?: string;
  readonly threads?: number;
}

type TrainCommand = 'train' | 'tune';

const texts = {
  train: {
    summary: 'train a new model by a recipe',
    description: 'Trains a new model as RECIPE (YAML) says.',
  },
  tune: {
    summary: 'fine-tune a model by a recipe',
    description:
      'Fine-tunes the model that RECIPE (YAML) names as its base: all weights, or a LoRA, rsLoRA, DoRA or QLoRA adapter.',
  },
} as const;

const deviceTexts = {
  device: "cpu or reference (default: the recipe's, else the fastest here)",
  threads: "threads that compute (default: the recipe's, else the physical cores)",
} as const;

/** Adds the commands. */
export function addTrain(program: Command, context: Context): void {
  for (const name of ['train', 'tune'] as const) {
    const command = program
      .command(name)
      .summary(texts[name].summary)
      .description(
        `${texts[name].description} Run again, it goes on from its last checkpoint. docs/reference/recipe.md explains every field.`,
      )
      .argument('<recipe>', 'a YAML file, or - for a pipe')
      .option(
        '--set <field=value>',
        'change a field, such as optimizer.learningRate=1e-3; may come several times',
        gather,
      )
      .option(
        '--dry-run',
        'show the plan and the first examples with what is learned; train nothing',
      )
      .option('--resume', 'go on from the last checkpoint even if the recipe changed')
      .option('--fresh', 'delete the checkpoints that are there and begin anew')
      .action((recipe, options) => train(name, recipe, options, context));
    addCommonOptions(addDeviceOptions(command, deviceTexts), 'the outcome');
  }
}

async function train(
  command: TrainCommand,
  path: string,
  options: TrainFlags,
  context: Context,
): Promise<void> {
  const { io, library } = context;
  if (options.resume === true && options.fresh === true) {
    const reason = '--resume and --fresh exclude each other.';
    throw errors.USAGE_INVALID({ reason, command: `corral ${command}` });
  }
  const { previewRun, readRecipe, trainTracked } = await library.training();
  const overrides = [...(options.set ?? []), ...deviceOverrides(options)];
  const recipe = readRecipe(await readTextArgument(path, io), path, overrides);
  checkCommand(command, recipe);
  const { store } = storeOf(context, await library.store());
  const logger = makeLogger(io, options.verbose);
  using interrupt = interruptible(context);
  const { signal } = interrupt;
  if (options.dryRun === true) {
    using bar = await openProgressBar(io);
    const { onProgress } = bar;
    const examples = 3;
    const preview = await previewRun(recipe, { store, logger, onProgress, signal, examples });
    bar[Symbol.dispose]();
    if (options.json === true) return printJson(io, preview);
    return printPreview(preview, io);
  }
  const report = await runWithBar();
  if (options.json === true) await printJson(io, report);
  else await printLines(io, describeEnd(report, command, path));
  if (report.reason === 'interrupted') throw errors.ABORTED({ what: 'Training' });

  async function runWithBar(): Promise<TrainReport> {
    // Loading and tokenising first, then steps: never two bars at once.
    const loading = await openProgressBar(io);
    await using bar = await openTrainingBar(io, { memory: () => process.memoryUsage.rss() });
    try {
      return await trainTracked(recipe, {
        command,
        store,
        logger,
        signal,
        resume: options.resume === true ? 'any' : options.fresh === true ? 'never' : 'same',
        onProgress: loading.onProgress,
        measurePeak: io.isTerminal.stderr,
        onEvent: (event) => {
          if (event.type === 'start') loading[Symbol.dispose]();
          bar.onEvent(event);
        },
      });
    } finally {
      loading[Symbol.dispose]();
    }
  }
}

function deviceOverrides({ device, threads }: TrainFlags): string[] {
  return [
    ...(device === undefined ? [] : [`device=${device}`]),
    ...(threads === undefined ? [] : [`threads=${threads}`]),
  ];
}

function checkCommand(command: TrainCommand, { model }: Recipe): void {
  const right = model.base === undefined ? 'train' : 'tune';
  if (command === right) return;
  const reason =
    right === 'tune'
      ? `The recipe begins with a model (${model.base}): that is \`corral tune\`.`
      : 'The recipe makes a new model: that is `corral train`. To tune one, name it as model.base.';
  throw errors.USAGE_INVALID({ reason, command: `corral ${right}` });
}

function describeEnd(report: TrainReport, command: TrainCommand, path: string): string[] {
  const { state, reason, exported, run } = report;
  const { best } = state;
  const loss = best && `lowest held-out loss ${best.loss.toFixed(4)} at step ${best.step}`;
  if (reason === 'interrupted') {
    return [`stopped after step ${state.step}; \`corral ${command} ${path}\` goes on`];
  }
  return [
    `${reason === 'finished' ? 'finished' : 'stopped early'} after ${state.step} steps${loss ? `: ${loss}` : ''}`,
    ...exported.map((place) => `wrote ${place}`),
    `\`corral runs show ${run} --open\` shows the curves`,
  ];
}
