// A recipe from beginning to end: model, data, optimizer, loop, checkpoints, export. Goes on by itself
// from the latest checkpoint of the same recipe. Tells what happens as it happens; prints nothing.
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { errors } from '../../base/errors.ts';
import { type Logger, silentLogger } from '../../base/log.ts';
import type { Device } from '../../device/device.ts';
import { openLimitMeter } from '../../device/measure-limits.ts';
import { writeFileAtomically } from '../../formats/files.ts';
import { replaceFolder } from '../../formats/replace-folder.ts';
import type { Batch, BatchSource } from '../batch.ts';
import { readBuffers, writeBuffers } from '../checkpoint/device-tensors.ts';
import { type FoundCheckpoint, RunFolder, type SavedState } from '../checkpoint/run-folder.ts';
import type { OpenedData } from '../data/open-data.ts';
import { Evaluator } from '../evaluator.ts';
import { BatchEncoder } from '../language-model.ts';
import { initialState, type LoopEnd, type LoopPlan, type LoopState, runLoop } from '../loop.ts';
import { type Metrics, MetricsFile } from '../metrics.ts';
import { countModel, countValues } from '../parameters.ts';
import type { Recipe } from '../recipe/recipe.ts';
import { Trainer } from '../trainer.ts';
import { exportRun } from './export-run.ts';
import { type OpenModel, openModel, openRunData, type RunSurroundings } from './open-model.ts';
import { type OpenRun, openRun } from './open-run.ts';
import { comparableRecipe, differingFields, flopsPerToken, planLoop } from './run-plan.ts';
import { Sampler } from './sampler.ts';

/** What is known when training begins. */
export interface RunStart {
  readonly type: 'start';
  readonly run: string;
  readonly folder: string;
  /** Values in the model, and how many of them change. */
  readonly parameters: number;
  readonly trained: number;
  readonly steps: number;
  /** Steps made before, in the run this one goes on from. */
  readonly resumedAt: number;
  readonly flopsPerToken: number;
  /** Operations a second the device can do at most; absent: not measured. */
  readonly peakFlops: number | undefined;
  readonly dataHash: string;
  readonly device: string;
}

/** What happens in a run. */
export type RunEvent =
  | RunStart
  | Metrics
  | { readonly type: 'checkpoint'; readonly step: number; readonly path: string };

/** How a recipe is run. */
export interface TrainOptions extends Partial<RunSurroundings> {
  /** Folder of the local store. */
  readonly store: string;
  /**
   * `same` (default): go on from checkpoints of the same recipe, refuse those of another. `any`: go on
   * from whatever the latest is. `never`: delete what is there and begin anew.
   */
  readonly resume?: 'same' | 'any' | 'never';
  readonly onEvent?: (event: RunEvent) => void;
  /** Measure, for a fifth of a second, what the device can do at most? Default false. */
  readonly measurePeak?: boolean;
}

/** What a run came to. */
export interface TrainReport {
  readonly run: string;
  readonly folder: string;
  readonly reason: LoopEnd['reason'];
  readonly state: LoopState;
  /** What was exported; nothing after an interruption. */
  readonly exported: readonly string[];
}

/**
 * Runs a recipe. The signal ends it with a checkpoint to go on from. Throws RUN_BUSY, RUN_DIFFERS,
 * TRAINING_DIVERGED, FILE_UNWRITABLE (a full disk), or what is wrong with model or data; checkpoints stay in every case.
 * @example const report = await trainRecipe(recipe, { store: storeFolder() });
 */
export async function trainRecipe(recipe: Recipe, options: TrainOptions): Promise<TrainReport> {
  const { logger = silentLogger, resume = 'same' } = options;
  const folder = new RunFolder(recipe.output);
  await using stack = new AsyncDisposableStack();
  stack.use(await folder.lock());
  if (resume === 'never') await folder.clear();
  await folder.prepare();
  const found = await folder.latest(logger);
  if (found !== undefined) checkSame(recipe, found, { resume, logger });
  const surroundings = { ...options, logger };
  const model = await openModel(recipe, surroundings);
  stack.defer(() => model.close());
  const data = await openRunData(recipe, model, surroundings);
  stack.defer(() => data.close());
  const run = await openRun(recipe, model, surroundings);
  stack.defer(() => run.device.close());
  return await trainOpened({ recipe, options, folder, found, model, run, data, logger });
}

function checkSame(
  recipe: Recipe,
  { path, state }: FoundCheckpoint,
  { resume, logger }: { readonly resume: string; readonly logger: Logger },
): void {
  const fields = differingFields(comparableRecipe(recipe), state.recipe);
  if (fields.length === 0) return;
  const differences = fields.join(', ');
  if (resume !== 'any') throw errors.RUN_DIFFERS({ path, differences });
  logger.warn(`going on from a checkpoint of another recipe: ${differences} differ`);
}

interface Session {
  readonly recipe: Recipe;
  readonly options: TrainOptions;
  readonly folder: RunFolder;
  readonly found: FoundCheckpoint | undefined;
  readonly model: OpenModel;
  readonly run: OpenRun;
  readonly data: OpenedData;
  readonly logger: Logger;
}

async function trainOpened(session: Session): Promise<TrainReport> {
  const { recipe, options, folder, found, run, data, logger } = session;
  const { device, trainee } = run;
  if (found !== undefined && found.state.dataHash !== data.train.hash) {
    const differences = 'the contents of its data';
    if (options.resume !== 'any') throw errors.RUN_DIFFERS({ path: found.path, differences });
    logger.warn('going on from a checkpoint of other data');
  }
  const { stepsPerEpoch } = data.train;
  const plan = planLoop(recipe, { stepsPerEpoch, dropout: trainee.hasDropout });
  if (found !== undefined) await trainee.load(found.path);
  const trainer = await Trainer.create({
    device,
    program: trainee.loss.program,
    parameters: trainee.parameters,
    weights: trainee.weights,
    optimizer: recipe.optimizer,
    ema: recipe.ema,
    recompute: recipe.recompute ? trainee.loss.boundaries : [],
  });
  const metrics = await MetricsFile.open(folder.metrics, found?.state.metricsBytes ?? 0);
  try {
    if (found !== undefined) {
      await readBuffers(join(found.path, optimizerName), device, trainer.states);
      trainer.resume(found.state.updates);
    }
    return await trainAndExport({ ...session, plan, trainer, metrics });
  } finally {
    await metrics.close();
    trainer.close();
  }
}

const optimizerName = 'optimizer.safetensors';

interface Training extends Session {
  readonly plan: LoopPlan;
  readonly trainer: Trainer;
  readonly metrics: MetricsFile;
}

async function trainAndExport(training: Training): Promise<TrainReport> {
  const { recipe, options, folder, found, run, data, plan, trainer } = training;
  const { trainee, device } = run;
  const id = found?.state.run ?? randomUUID().slice(0, 8);
  const start = found?.state.loop ?? initialState;
  const { signal, onEvent } = options;
  const peakFlops = options.measurePeak === true ? await measurePeak(device) : undefined;
  await writeFileAtomically(folder.recipe, (sink) => sink.write(Buffer.from(stringify(recipe))));
  onEvent?.({
    type: 'start',
    run: id,
    folder: folder.path,
    parameters: countModel(trainee.facts.config),
    trained: countValues(trainee.parameters),
    steps: plan.schedule.steps,
    resumedAt: start.step,
    flopsPerToken: flopsPerToken(trainee.facts.config, trainee.parameters),
    peakFlops,
    dataHash: data.train.hash,
    device: `${device.info.name} (${device.info.isa}, ${device.info.threads} threads)`,
  });
  const encoder = new BatchEncoder(trainee.facts.config, data.train.context);
  const evaluator = new Evaluator(device, encoder, trainee.evaluation, trainer.averaged);
  const sampler = await openSampler(training);
  const { heldOut } = data;
  try {
    const end = await runLoop(plan, start, {
      trainer,
      encoder,
      source: data.train,
      evaluate: heldOut && (() => evaluator.measure(allBatches(heldOut), signal)),
      sample: sampler && ((prompt) => sampler.write(prompt, signal)),
      prompts: recipe.samples.prompts,
      saveCheckpoint: (state) => saveCheckpoint(training, id, state),
      saveBest: () => saveWeights(training, folder.best),
      record: async (line) => {
        await training.metrics.append(line);
        onEvent?.(line);
      },
      now: () => performance.now(),
      signal,
    });
    const exported = end.reason === 'interrupted' ? [] : await exportEnd(training, end.state);
    return { run: id, folder: folder.path, ...end, exported };
  } finally {
    await sampler?.close();
  }
}

async function measurePeak({ info }: Device): Promise<number | undefined> {
  if (info.name !== 'cpu') return undefined;
  const meter = openLimitMeter(info);
  try {
    return await meter.measureF32(0.2);
  } finally {
    await meter.close();
  }
}

/** Every batch of a held-out set, once. */
function* allBatches({ step, stepsPerEpoch = 0 }: BatchSource): Generator<Batch> {
  for (let index = 0; index < stepsPerEpoch; index++) yield* step(index);
}

async function openSampler({
  run,
  model,
  recipe,
  trainer,
}: Training): Promise<Sampler | undefined> {
  if (recipe.samples.prompts.length === 0) return undefined;
  const { device, trainee } = run;
  const { tokenizer } = model;
  return Sampler.open({
    device,
    trainee,
    tokenizer,
    weights: trainer.averaged,
    recipe: recipe.samples,
    seed: recipe.seed,
  });
}

async function saveCheckpoint(
  { recipe, folder, run, trainer, metrics, data, options }: Training,
  id: string,
  loop: LoopState,
): Promise<void> {
  const state: SavedState = {
    loop,
    updates: trainer.updates,
    metricsBytes: await metrics.sync(),
    dataHash: data.train.hash,
    run: id,
    recipe: comparableRecipe(recipe),
  };
  const path = await folder.save(state, recipe.checkpoints.keep, async (part) => {
    await run.trainee.save(part, run.trainee.weights);
    await writeBuffers(join(part, optimizerName), run.device, trainer.states);
  });
  options.onEvent?.({ type: 'checkpoint', step: loop.step, path });
}

async function saveWeights({ run, trainer }: Training, path: string): Promise<void> {
  await replaceFolder(path, { mayReplace: async () => true }, (part) =>
    run.trainee.save(part, trainer.averaged),
  );
}

async function exportEnd(training: Training, { best }: LoopState): Promise<string[]> {
  const { recipe, folder, model, options } = training;
  const weights =
    best === undefined || recipe.export.weights === 'last' ? folder.last : folder.best;
  if (weights === folder.last) await saveWeights(training, weights);
  return exportRun({
    output: folder.path,
    weights,
    base: recipe.method.kind === 'full' ? undefined : model.checkpoint,
    recipe: recipe.export,
    onProgress: options.onProgress,
    signal: options.signal,
  });
}
