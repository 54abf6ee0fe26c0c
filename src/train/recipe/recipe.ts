// What a recipe says once it is read: defaults filled in, limits checked. What each field means stands
// in recipe-schema.ts, and for users in docs/reference/recipe.md.
import type { ConvertType } from '../../formats/convert-types.ts';
import type { DataRecipe } from '../data/data-recipe.ts';
import type { Schedule } from '../schedule.ts';

/** What a run learns: all weights, or an adapter. */
export const methodKinds = ['full', 'lora', 'rslora', 'dora', 'qlora'] as const;

/** The matrices of a block that adapters may stand beside, by Hugging Face's names. */
export const targetNames = [
  'q_proj',
  'k_proj',
  'v_proj',
  'o_proj',
  'gate_proj',
  'up_proj',
  'down_proj',
] as const;

/** Types of the matrices in a Hugging Face folder. */
export const folderTypes = ['f32', 'f16', 'bf16'] as const;

/** Types of AdamW's two means. */
export const stateTypes = ['f32', 'q8_0'] as const;

/** Name of a matrix that an adapter may stand beside. */
export type TargetName = (typeof targetNames)[number];

/** A model to start from, or the shape of a new one. */
export interface ModelRecipe {
  readonly base?: string | undefined;
  readonly dim?: number | undefined;
  readonly layers?: number | undefined;
  readonly heads?: number | undefined;
  readonly kvHeads?: number | undefined;
  readonly headDim?: number | undefined;
  readonly feedForward?: number | undefined;
  readonly context?: number | undefined;
  readonly tiedEmbeddings?: boolean | undefined;
  readonly normEps?: number | undefined;
  readonly ropeTheta?: number | undefined;
}

/** Which weights change. */
export interface MethodRecipe {
  readonly kind: (typeof methodKinds)[number];
  readonly rank: number;
  readonly alpha: number;
  readonly dropout: number;
  readonly targets: 'all' | readonly TargetName[];
  readonly quantise?: ConvertType | undefined;
}

/** AdamW's settings. */
export interface OptimizerRecipe {
  readonly learningRate?: number | undefined;
  readonly beta1: number;
  readonly beta2: number;
  readonly eps: number;
  readonly decay: number;
  readonly decayEmbedding?: number | undefined;
  readonly decayVectors: number;
  readonly states: (typeof stateTypes)[number];
}

/** Texts written while training. */
export interface SampleRecipe {
  readonly every?: number | undefined;
  readonly prompts: readonly string[];
  readonly chat: boolean;
  readonly maxTokens: number;
  readonly temperature: number;
}

/** What is written at the end. */
export interface ExportRecipe {
  readonly weights: 'best' | 'last';
  readonly type: (typeof folderTypes)[number];
  readonly gguf: readonly ConvertType[];
  readonly merge: boolean;
}

/** A whole recipe. */
export interface Recipe {
  readonly name?: string | undefined;
  readonly output: string;
  readonly model: ModelRecipe;
  readonly method: MethodRecipe;
  readonly data: DataRecipe;
  readonly steps?: number | undefined;
  readonly epochs?: number | undefined;
  readonly optimizer: OptimizerRecipe;
  readonly schedule: Pick<Schedule, 'kind' | 'warmup' | 'minimum'>;
  readonly clip: number;
  readonly ema?: number | undefined;
  readonly recompute: boolean;
  readonly evaluation: {
    readonly every?: number | undefined;
    readonly patience?: number | undefined;
    readonly minimumGain: number;
  };
  readonly checkpoints: { readonly every?: number | undefined; readonly keep: number };
  readonly samples: SampleRecipe;
  readonly export: ExportRecipe;
  readonly seed: number;
  readonly device?: 'cpu' | 'reference' | undefined;
  readonly threads?: number | undefined;
}
