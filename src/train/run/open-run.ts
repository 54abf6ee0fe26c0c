// Puts the model of a run on a device and decides what of it is trained.
import type { Device } from '../../device/device.ts';
import { openDevice } from '../../device/open.ts';
import type { Recipe } from '../recipe/recipe.ts';
import { initialiseModel, loadBase } from './load-model.ts';
import type { OpenModel, RunSurroundings } from './open-model.ts';
import {
  decayGroups,
  type LoadedModel,
  type Trainee,
  trainAdapter,
  trainAll,
  type Weights,
} from './trainee.ts';

/** A model ready to be trained. */
export interface OpenRun {
  readonly device: Device;
  readonly trainee: Trainee;
}

/** Opens the device and loads the weights; closing the device frees all. Throws OUT_OF_MEMORY, DEVICE_UNSUPPORTED … */
export async function openRun(
  recipe: Recipe,
  model: OpenModel,
  options: RunSurroundings,
): Promise<OpenRun> {
  const { threads, method, seed } = recipe;
  const { logger } = options;
  const device = openDevice(recipe.device, {
    logger,
    ...(threads === undefined ? {} : { threads }),
  });
  try {
    const { facts } = model;
    const weights = await load(recipe, model, device, options);
    const loaded: LoadedModel = { device, facts, weights, base: recipe.model.base };
    const decay = decayGroups(recipe.optimizer);
    const trainee =
      method.kind === 'full'
        ? trainAll(loaded, decay)
        : await trainAdapter(loaded, { method, decay, seed });
    return { device, trainee };
  } catch (error) {
    await device.close();
    throw error;
  }
}

function load(
  { method, seed }: Recipe,
  { checkpoint, facts }: OpenModel,
  device: Device,
  { onProgress, signal }: RunSurroundings,
): Promise<Weights> {
  if (checkpoint === undefined) return initialiseModel(device, facts.config, seed);
  const as = method.kind === 'full' ? 'f32' : (method.quantise ?? 'as-is');
  return loadBase(checkpoint, device, { as, onProgress, signal });
}
