// What a recipe says about data, once it is read. What each field means stands in data-schema.ts.
import type { DataSource } from './read-source.ts';

/** What of a conversation is learned. */
export const learnKinds = ['assistant', 'last', 'all'] as const;

/** How tokens become batches. */
export const layoutKinds = ['packed', 'examples', 'windows'] as const;

/** What becomes of an example that is longer than the context. */
export const overlongKinds = ['auto', 'split', 'cut', 'drop', 'fatal'] as const;

/** What becomes of rows that are no examples. */
export const badRowKinds = ['fatal', 'skip'] as const;

/** A source in a recipe. */
export interface RecipeSource extends DataSource {
  /** How often its examples come in one epoch. */
  readonly repeat: number;
}

/** The `data` section of a recipe. */
export interface DataRecipe {
  readonly tokenizer?: string | undefined;
  readonly template?: string | undefined;
  readonly system?: string | undefined;
  readonly train: readonly RecipeSource[];
  readonly heldOut: number;
  readonly validation?: readonly RecipeSource[] | undefined;
  readonly learn: (typeof learnKinds)[number];
  readonly bos?: boolean | undefined;
  readonly eos: boolean;
  readonly layout: (typeof layoutKinds)[number];
  readonly context?: number | undefined;
  readonly batch: number;
  readonly microRows: number;
  readonly bucketing: boolean;
  readonly overlong: (typeof overlongKinds)[number];
  readonly badRows: (typeof badRowKinds)[number];
  readonly cache?: string | undefined;
}
