// The schema of a recipe: every field with its limits, its default and what it means. The reference
// page docs/reference/recipe.md is made from it.
import * as z from 'zod';
import { convertTypeNames } from '../../formats/convert-types.ts';
import { dataSchema } from '../data/data-schema.ts';
import { scheduleKinds } from '../schedule.ts';
import { folderTypes, methodKinds, type Recipe, stateTypes, targetNames } from './recipe.ts';

const most = 2 ** 31 - 1;
const count = (): z.ZodNumber => z.number().int().min(1).max(most);
const size = (): z.ZodNumber =>
  z
    .number()
    .int()
    .min(1)
    .max(2 ** 24);
const share = (): z.ZodNumber => z.number().min(0).max(1);
const place = (): z.ZodString => z.string().min(1);

const modelSection = z
  .strictObject({
    base: place()
      .optional()
      .describe(
        'The model to start from: a file, a folder or a name in the store. Absent: a new model of the shape below.',
      ),
    dim: size().optional().describe('Width of the residual stream. Needed for a new model.'),
    layers: z
      .number()
      .int()
      .min(1)
      .max(1024)
      .optional()
      .describe('Number of blocks. Needed for a new model.'),
    heads: size().optional().describe('Attention heads. Needed for a new model.'),
    kvHeads: size().optional().describe('Heads of keys and values. Default: as many as `heads`.'),
    headDim: size().optional().describe('Width of a head, even. Default: `dim / heads`.'),
    feedForward: size()
      .optional()
      .describe(
        'Width of the feed-forward layer. Default: 8/3 of `dim`, up to a multiple of 32 (of 256 from `dim` 1024 on).',
      ),
    context: size().optional().describe('Longest sequence of a new model. Default: 512.'),
    tiedEmbeddings: z
      .boolean()
      .optional()
      .describe('Is the output matrix of a new model its embedding? Default: true.'),
    normEps: z.number().positive().max(1).optional().describe('RMSNorm epsilon. Default: 1e-5.'),
    ropeTheta: z
      .number()
      .positive()
      .max(1e15)
      .optional()
      .describe('Base of the rotary angles. Default: 10000.'),
  })
  .describe('What is trained: a model that exists, or a new one.');

const methodSection = z
  .strictObject({
    kind: z
      .enum(methodKinds)
      .default('full')
      .describe(
        'What is learned: `full` all weights; `lora` (arXiv 2106.09685), `rslora` (2312.03732) and `dora` (2402.09353) an adapter beside frozen weights; `qlora` (2305.14314) a LoRA beside quantised ones.',
      ),
    rank: z.number().int().min(1).max(4096).default(8).describe('Rank of the adapter.'),
    alpha: z
      .number()
      .positive()
      .max(1e6)
      .default(16)
      .describe('The adapter counts `alpha / rank`, with `rslora` `alpha / √rank`.'),
    dropout: z
      .number()
      .min(0)
      .max(0.99)
      .default(0)
      .describe('Share of the inputs of an adapter that is left out while training.'),
    targets: z
      .union([z.literal('all'), z.array(z.enum(targetNames)).min(1)], {
        error: `all, or a list of ${targetNames.join(', ')}`,
      })
      .default('all')
      .describe(
        'Matrices with an adapter: `all` seven of a block, or a list of q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, down_proj.',
      ),
    quantise: z
      .enum(convertTypeNames)
      .optional()
      .describe(
        '`qlora`: quantise the matrices of the base to this type while loading. Absent: the base is taken as it is, and must be quantised.',
      ),
  })
  .prefault({})
  .describe('Which weights change.');

const optimizerSection = z
  .strictObject({
    learningRate: z
      .number()
      .positive()
      .max(10)
      .optional()
      .describe(
        'The highest learning rate. Default: 5e-4 for a new model, 2e-5 for `full` tuning, 2e-4 for adapters.',
      ),
    beta1: z.number().min(0).max(0.9999).default(0.9).describe('Decay of the mean of gradients.'),
    beta2: z
      .number()
      .min(0)
      .max(0.999999)
      .default(0.95)
      .describe('Decay of the mean of squared gradients.'),
    eps: z.number().positive().max(1).default(1e-8).describe('Added to the root of the latter.'),
    decay: share().default(0.1).describe('Weight decay of matrices (decoupled, arXiv 1711.05101).'),
    decayEmbedding: share()
      .optional()
      .describe('Weight decay of the embedding. Default: that of matrices.'),
    decayVectors: share().default(0).describe('Weight decay of norms and of DoRA magnitudes.'),
    states: z
      .enum(stateTypes)
      .default('f32')
      .describe(
        'Type of the two means: `q8_0` takes a quarter of the memory, where rows are whole blocks of 32.',
      ),
  })
  .prefault({})
  .describe('AdamW.');

const scheduleSection = z
  .strictObject({
    kind: z.enum(scheduleKinds).default('cosine').describe('How the learning rate falls.'),
    warmup: z
      .number()
      .min(0)
      .max(most)
      .default(0.03)
      .describe('Steps in which it rises; below 1 a share of all steps.'),
    minimum: share().default(0.1).describe('What it falls to, as a share of the highest.'),
  })
  .prefault({})
  .describe('The learning rate over time.');

const evaluationSection = z
  .strictObject({
    every: count()
      .optional()
      .describe('Steps between evaluations on the held-out set. Default: a tenth of all steps.'),
    patience: count()
      .optional()
      .describe('Stop after this many evaluations in a row without a better loss. Absent: never.'),
    minimumGain: z
      .number()
      .min(0)
      .max(most)
      .default(0)
      .describe('A loss counts as better when it is lower by more than this.'),
  })
  .prefault({})
  .describe('The loss on data held out (`data` says which): over the whole of it, each time.');

const checkpointSection = z
  .strictObject({
    every: count()
      .optional()
      .describe('Steps between checkpoints. Default: a tenth of all steps, at most 500.'),
    keep: z.number().int().min(1).max(1000).default(2).describe('How many of the latest to keep.'),
  })
  .prefault({})
  .describe('What a run that was stopped goes on from.');

const sampleSection = z
  .strictObject({
    every: count().optional().describe('Steps between samples. Default: at each evaluation.'),
    prompts: z
      .array(z.string())
      .max(64)
      .default([])
      .describe('Texts to go on from, or with `chat` messages to answer. None: no samples.'),
    chat: z
      .boolean()
      .default(false)
      .describe('Are prompts messages, written down by the chat template?'),
    maxTokens: count().default(100).describe('Longest sample in tokens.'),
    temperature: z.number().min(0).max(100).default(0).describe('0 takes the likeliest token.'),
  })
  .prefault({})
  .describe('Texts written by the model while it learns.');

const exportSection = z
  .strictObject({
    weights: z
      .enum(['best', 'last'])
      .default('best')
      .describe(
        'Those of the lowest held-out loss (`last` where nothing is held out), or the last.',
      ),
    type: z
      .enum(folderTypes)
      .default('f32')
      .describe('Type of the matrices in `OUTPUT/model`, a Hugging Face folder.'),
    gguf: z
      .array(z.enum(convertTypeNames))
      .max(convertTypeNames.length)
      .default([])
      .describe(
        'Types to write as `OUTPUT/model-TYPE.gguf`, with an adapter merged into its base.',
      ),
    merge: z
      .boolean()
      .default(false)
      .describe('Write `OUTPUT/model` for an adapter too, merged into its base.'),
  })
  .prefault({})
  .describe(
    'What is written when the run ends: `OUTPUT/model`, for an adapter `OUTPUT/adapter` as PEFT lays it out and (but for DoRA) `OUTPUT/adapter.gguf`.',
  );

const wholeFields = {
  name: place()
    .max(200)
    .optional()
    .describe('What `corral runs` calls it. Default: the last part of `output`.'),
  output: place().describe('The folder for checkpoints, metrics and the trained model.'),
  steps: count().optional().describe('Optimizer steps of the run.'),
  epochs: z
    .number()
    .positive()
    .max(1e6)
    .optional()
    .describe('Passes over the data, in place of `steps`.'),
  clip: z
    .number()
    .min(0)
    .max(1e6)
    .default(1)
    .describe('Gradients of a longer norm (over all weights) are scaled to this one; 0: never.'),
  ema: z
    .number()
    .min(0)
    .max(0.999999)
    .optional()
    .describe(
      'Decay of a running mean of the weights, which is then what is evaluated, sampled and exported. Absent: none.',
    ),
  recompute: z
    .boolean()
    .default(false)
    .describe(
      'Compute activations again in the backward pass instead of keeping them: less memory.',
    ),
  seed: z
    .number()
    .int()
    .min(0)
    .max(Number.MAX_SAFE_INTEGER)
    .default(1)
    .describe('Decides initial weights, order of the data, dropout and samples.'),
  device: z
    .enum(['cpu', 'reference'])
    .optional()
    .describe('Who computes. Default: the fastest here.'),
  threads: z
    .number()
    .int()
    .min(1)
    .max(256)
    .optional()
    .describe(
      'Threads that compute. Default: the physical cores. The results do not depend on it.',
    ),
};

const shapeFields = [
  'dim',
  'layers',
  'heads',
  'kvHeads',
  'headDim',
  'feedForward',
  'context',
  'tiedEmbeddings',
  'normEps',
  'ropeTheta',
] as const;

const neededFields = ['dim', 'layers', 'heads'] as const;

type Refuse = (path: readonly string[], allowed: string) => void;

function checkModel({ model, method, data }: Recipe, refuse: Refuse): void {
  if (model.base !== undefined) {
    for (const field of shapeFields) {
      if (model[field] !== undefined) refuse(['model', field], 'nothing, beside `base`');
    }
    return;
  }
  for (const field of neededFields) {
    if (model[field] === undefined) {
      refuse(['model', field], 'a whole number, or `base` with a model to start from');
    }
  }
  if (method.kind !== 'full') refuse(['method', 'kind'], 'full, for a model without `base`');
  if (data.tokenizer === undefined) {
    refuse(['data', 'tokenizer'], 'a tokenizer, for a model without `base`');
  }
  const { dim = 0, heads = 0, kvHeads = heads, headDim = dim / heads } = model;
  if (model.headDim === undefined && dim % heads !== 0) {
    refuse(['model', 'heads'], `a divisor of dim (${dim}), or a \`headDim\``);
  } else if (headDim % 2 !== 0) {
    const field = model.headDim === undefined ? 'heads' : 'headDim';
    refuse(['model', field], 'what makes heads of an even width');
  }
  if (heads % kvHeads !== 0) refuse(['model', 'kvHeads'], `a divisor of heads (${heads})`);
}

function checkWhole(recipe: Recipe, refuse: Refuse): void {
  const { steps, epochs, method } = recipe;
  if (steps === undefined && epochs === undefined)
    refuse(['steps'], 'a number, here or of `epochs`');
  if (steps !== undefined && epochs !== undefined) refuse(['epochs'], 'nothing, beside `steps`');
  if (method.quantise !== undefined && method.kind !== 'qlora') {
    refuse(['method', 'quantise'], 'nothing, but for `kind: qlora`');
  }
}

/** The whole recipe. Fields that are not here are refused. */
export const recipeSchema: z.ZodType<Recipe> = z
  .strictObject({
    ...wholeFields,
    model: modelSection,
    method: methodSection,
    data: dataSchema.describe('What is learned from, and how it becomes batches.'),
    optimizer: optimizerSection,
    schedule: scheduleSection,
    evaluation: evaluationSection,
    checkpoints: checkpointSection,
    samples: sampleSection,
    export: exportSection,
  })
  .superRefine((recipe, context) => {
    const refuse: Refuse = (path, message) => {
      context.addIssue({ code: 'custom', path: [...path], message });
    };
    checkModel(recipe, refuse);
    checkWhole(recipe, refuse);
  });
