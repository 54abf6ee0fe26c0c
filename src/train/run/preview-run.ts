// What a run would do, without doing it: sizes, steps, memory, and the first examples with what of them
// is learned. Loads no weights.
import type { TokenId, Tokenizer } from '../../tokenizer/tokenizer.ts';
import { adapterParameters, planAdapter } from '../adapter/adapter.ts';
import type { Batch } from '../batch.ts';
import type { SequenceSummary, SourceSummary } from '../data/open-data.ts';
import type { LoopPlan } from '../loop.ts';
import { allParameters, countModel, countValues, type Parameter } from '../parameters.ts';
import type { Recipe } from '../recipe/recipe.ts';
import { type OpenModel, openModel, openRunData, type RunSurroundings } from './open-model.ts';
import { planLoop } from './run-plan.ts';
import { decayGroups } from './trainee.ts';

/** A stretch of an example whose tokens are all learned, or all not. */
export interface PreviewPart {
  readonly text: string;
  readonly learned: boolean;
}

/** What a run would do. */
export interface RunPreview {
  /** Values in the model, and how many of them change. */
  readonly parameters: number;
  readonly trained: number;
  /** Bytes of what changes: weights, gradients, optimizer states, running means. */
  readonly trainingBytes: number;
  readonly plan: LoopPlan;
  readonly stepsPerEpoch: number | undefined;
  readonly sources: readonly SourceSummary[];
  /** What they came to as sequences; undefined for windows. */
  readonly sequences: SequenceSummary | undefined;
  /** Longest sequence in tokens. */
  readonly context: number;
  /** Steps of the held-out set; 0: nothing is held out. */
  readonly heldOutSteps: number;
  /** Sequences of the first step. */
  readonly examples: readonly (readonly PreviewPart[])[];
}

/** Previews a recipe; shows at most `examples` sequences. Throws what opening model and data throw. */
export async function previewRun(
  recipe: Recipe,
  options: RunSurroundings & { readonly examples: number },
): Promise<RunPreview> {
  const model = await openModel(recipe, options);
  try {
    const data = await openRunData(recipe, model, options);
    try {
      const { stepsPerEpoch } = data.train;
      const parameters = parametersOf(recipe, model);
      const dropout = recipe.method.kind !== 'full' && recipe.method.dropout > 0;
      const batches = data.train.step(0);
      return {
        parameters: countModel(model.facts.config),
        trained: countValues(parameters),
        trainingBytes: countTrainingBytes(recipe, parameters),
        plan: planLoop(recipe, { stepsPerEpoch, dropout }),
        stepsPerEpoch,
        sources: data.sources,
        sequences: data.sequences,
        context: data.train.context,
        heldOutSteps: data.heldOut?.stepsPerEpoch ?? 0,
        examples: batches
          .flatMap((batch) => previewBatch(batch, model.tokenizer))
          .slice(0, options.examples),
      };
    } finally {
      await data.close();
    }
  } finally {
    await model.close();
  }
}

function parametersOf({ method, optimizer }: Recipe, { facts }: OpenModel): Parameter[] {
  const decay = decayGroups(optimizer);
  if (method.kind === 'full') return allParameters(facts.config, decay);
  return adapterParameters(planAdapter(facts.config, method), decay);
}

function countTrainingBytes(recipe: Recipe, parameters: readonly Parameter[]): number {
  // Weight and gradient in f32, two states, and a running mean where one is kept.
  const stateBytes = recipe.optimizer.states === 'q8_0' ? 34 / 32 : 4;
  const perValue = 8 + 2 * stateBytes + (recipe.ema === undefined ? 0 : 4);
  return Math.ceil(countValues(parameters) * perValue);
}

/** The sequences of a batch as texts. */
export function previewBatch(batch: Batch, tokenizer: Tokenizer): PreviewPart[][] {
  const learned = new Set(Array.from(batch.outputs, (row) => row + 1));
  const sequences: PreviewPart[][] = [];
  const rows = batch.tokens.length;
  for (let start = 0; start < rows; ) {
    let end = start + 1;
    while (end < rows && batch.starts[end] === start) end++;
    // The last target of a sequence may lie behind its rows: nothing computes from it.
    const tokens = [...batch.tokens.subarray(start, end)];
    const flags = tokens.map((_, index) => learned.has(start + index) && index > 0);
    const last = batch.outputs.indexOf(end - 1);
    const target = last < 0 ? undefined : batch.targets[last];
    if (target !== undefined) {
      tokens.push(target);
      flags.push(true);
    }
    sequences.push(joinParts(tokens, flags, tokenizer));
    start = end;
  }
  return sequences;
}

function joinParts(
  tokens: readonly TokenId[],
  flags: readonly boolean[],
  tokenizer: Tokenizer,
): PreviewPart[] {
  const detokenizer = tokenizer.detokenizer({ control: 'show', start: 'text' });
  const parts: { text: string; learned: boolean }[] = [];
  const add = (text: string, learned: boolean): void => {
    const last = parts.at(-1);
    if (last?.learned === learned) last.text += text;
    else if (text !== '') parts.push({ text, learned });
  };
  for (const [index, id] of tokens.entries()) add(detokenizer.push(id), flags[index] === true);
  add(detokenizer.flush(), flags.at(-1) === true);
  return parts;
}
