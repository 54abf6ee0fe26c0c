// Puts the model of a recipe on a device: a new one from the seed, or a base with the weights that will
// change in f32 and the others as they are, or quantised.
import { errors } from '../../base/errors.ts';
import { present } from '../../base/invariant.ts';
import type { OnProgress } from '../../base/progress.ts';
import type { Device, DeviceBuffer } from '../../device/device.ts';
import type { Checkpoint } from '../../formats/checkpoint.ts';
import { planTensors } from '../../formats/convert-plan.ts';
import type { ConvertType } from '../../formats/convert-types.ts';
import type { LlamaConfig } from '../../formats/llama-config.ts';
import { checkTensors, tensorShapes } from '../../formats/tensor-shapes.ts';
import { loadWeights } from '../../model/weights.ts';
import { dequantize, quantize } from '../../tensor/codecs/codec.ts';
import { rowBytes, type WeightDType } from '../../tensor/dtype.ts';
import { initialWeights } from '../initial-weights.ts';
import type { ModelRecipe } from '../recipe/recipe.ts';
import type { Weights } from './trainee.ts';

// Values converted at a time: bounds memory, and how long the event loop waits.
const pieceElements = 2 ** 18;

/** The shape of a new model. */
export function newConfig(recipe: ModelRecipe, vocab: number): LlamaConfig {
  const dim = present(recipe.dim, 'dim');
  const heads = present(recipe.heads, 'heads');
  return {
    vocab,
    dim,
    layers: present(recipe.layers, 'layers'),
    heads,
    kvHeads: recipe.kvHeads ?? heads,
    headDim: recipe.headDim ?? dim / heads,
    feedForward: recipe.feedForward ?? defaultFeedForward(dim),
    normEps: recipe.normEps ?? 1e-5,
    ropeTheta: recipe.ropeTheta ?? 10_000,
    ropeScaling: { kind: 'none' },
    context: recipe.context ?? 512,
    tiedEmbeddings: recipe.tiedEmbeddings ?? true,
  };
}

// Meta's rule: two thirds of 4 · dim, up to a multiple.
function defaultFeedForward(dim: number): number {
  const multiple = dim < 1024 ? 32 : 256;
  return multiple * Math.ceil((8 * dim) / 3 / multiple);
}

/** A new model on the device, as the seed has it. */
export async function initialiseModel(
  device: Device,
  config: LlamaConfig,
  seed: number,
): Promise<Weights> {
  const weights: Record<string, DeviceBuffer> = {};
  for (const { name, shape, values } of initialWeights(config, seed)) {
    const buffer = await device.allocate('f32', shape);
    await device.write(buffer, 0, new Uint8Array(values.buffer));
    weights[name] = buffer;
  }
  return weights;
}

/** How the weights of a base are taken. */
export interface LoadBaseOptions {
  /** `f32`: all of them change. `as-is`: none does. A type: matrices are quantised to it. */
  readonly as: 'f32' | 'as-is' | ConvertType;
  readonly onProgress?: OnProgress | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A base on the device. Throws what loadWeights throws. */
export async function loadBase(
  checkpoint: Checkpoint,
  device: Device,
  { as, onProgress, signal }: LoadBaseOptions,
): Promise<Weights> {
  if (as === 'as-is') {
    return loadWeights(checkpoint, device, {
      ...(onProgress === undefined ? {} : { onProgress }),
      ...(signal === undefined ? {} : { signal }),
    });
  }
  const { config, tensors, path } = checkpoint;
  checkTensors(config, tensors, path);
  const names = [...tensorShapes(config).keys()];
  const infos = names.map((name) => present(tensors.get(name), name));
  const weights: Record<string, DeviceBuffer> = {};
  for (const [done, { name, dtype }] of planTensors(config, infos, as).entries()) {
    if (signal?.aborted === true) throw errors.ABORTED({ what: 'Loading' });
    weights[name] = await loadTensor(checkpoint, device, { name, dtype });
    onProgress?.({ task: 'Loading', done: done + 1, total: names.length, unit: 'tensors' });
  }
  return weights;
}

async function loadTensor(
  checkpoint: Checkpoint,
  device: Device,
  { name, dtype }: { readonly name: string; readonly dtype: WeightDType },
): Promise<DeviceBuffer> {
  const info = present(checkpoint.tensors.get(name), name);
  const source = info.dtype as WeightDType;
  const buffer = await device.allocate(dtype, info.shape);
  const columns = present(info.shape.at(-1), 'columns');
  const total = info.shape.reduce((product, size) => product * size, 1);
  const step = Math.max(1, Math.floor(pieceElements / columns)) * columns;
  for (let start = 0; start < total; start += step) {
    const count = Math.min(step, total - start);
    const [from, length] = [rowBytes(source, start), rowBytes(source, count)];
    const values = dequantize(source, await checkpoint.read(name, from, length), count);
    await device.write(buffer, rowBytes(dtype, start), quantize(dtype, values));
  }
  return buffer;
}
