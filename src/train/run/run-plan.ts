// From a recipe and what the data say to the numbers of the loop; and which recipes are the same run.
// Pure.
import { errors } from '../../base/errors.ts';
import { tensorNames } from '../../formats/checkpoint.ts';
import type { LlamaConfig } from '../../formats/llama-config.ts';
import type { LoopPlan } from '../loop.ts';
import { allParameters, countValues, type Parameter } from '../parameters.ts';
import type { Recipe } from '../recipe/recipe.ts';

// Without a wish, checkpoints are at most so many steps apart.
const mostStepsBetweenCheckpoints = 500;

/** The plan of a run. Throws OPTION_INVALID for epochs of data that have none. */
export function planLoop(
  recipe: Recipe,
  options: { readonly stepsPerEpoch: number | undefined; readonly dropout: boolean },
): LoopPlan {
  const steps = countSteps(recipe, options.stepsPerEpoch);
  const { kind, warmup, minimum } = recipe.schedule;
  const tenth = Math.max(1, Math.floor(steps / 10));
  const evaluateEvery = recipe.evaluation.every ?? tenth;
  return {
    schedule: {
      kind,
      minimum,
      peak: recipe.optimizer.learningRate ?? defaultLearningRate(recipe),
      warmup: warmup < 1 ? Math.round(warmup * steps) : Math.round(warmup),
      steps,
    },
    clip: recipe.clip,
    seed: recipe.seed,
    dropout: options.dropout,
    evaluateEvery,
    sampleEvery: recipe.samples.every ?? evaluateEvery,
    checkpointEvery: recipe.checkpoints.every ?? Math.min(tenth, mostStepsBetweenCheckpoints),
    patience: recipe.evaluation.patience,
    minimumGain: recipe.evaluation.minimumGain,
  };
}

function countSteps({ steps, epochs }: Recipe, stepsPerEpoch: number | undefined): number {
  if (steps !== undefined) return steps;
  if (stepsPerEpoch !== undefined) return Math.max(1, Math.round((epochs ?? 1) * stepsPerEpoch));
  throw errors.OPTION_INVALID({
    option: 'epochs',
    found: String(epochs),
    allowed: '`steps` in its place, since windows are drawn at random and data pass in no order',
  });
}

function defaultLearningRate({ model, method }: Recipe): number {
  if (method.kind !== 'full') return 2e-4;
  return model.base === undefined ? 5e-4 : 2e-5;
}

/** What of a recipe changes results: two runs whose answers are equal go on from each other's checkpoints. */
export function comparableRecipe(recipe: Recipe): unknown {
  const { name, output, threads, checkpoints, samples, export: exported, data, ...rest } = recipe;
  const { cache, ...counted } = data;
  // Through JSON, since that is what a checkpoint keeps.
  return JSON.parse(JSON.stringify({ ...rest, data: counted }));
}

/** Names of fields in which two comparable recipes differ, with dots. */
export function differingFields(left: unknown, right: unknown, path = ''): string[] {
  if (JSON.stringify(left) === JSON.stringify(right)) return [];
  const isSection = (value: unknown): value is Record<string, unknown> =>
    typeof value === 'object' && value !== null && !Array.isArray(value);
  if (!isSection(left) || !isSection(right)) return [path === '' ? 'the recipe' : path];
  const keys = new Set([...Object.keys(left), ...Object.keys(right)]);
  const inner = path === '' ? '' : `${path}.`;
  return [...keys].flatMap((key) => differingFields(left[key], right[key], `${inner}${key}`));
}

/**
 * Floating-point operations of training on one token: 2 for each weight in a product forward, 2 for the
 * gradient of its input and 2 for its own, where it has one. Attention's products are left out, as is usual.
 */
export function flopsPerToken(
  config: LlamaConfig,
  parameters: readonly Pick<Parameter, 'name' | 'shape'>[],
): number {
  const all = allParameters(config, { matrices: 0, embedding: 0, vectors: 0 });
  const products = all.filter(
    ({ name, shape }) =>
      shape.length > 1 && (config.tiedEmbeddings || name !== tensorNames.embedding),
  );
  const base = countValues(products);
  const isFull = parameters.some(({ name }) => name === tensorNames.embedding);
  const matrices = parameters.filter(({ shape }) => shape.length > 1);
  return isFull ? 6 * base : 4 * base + 6 * countValues(matrices);
}
