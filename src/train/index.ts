// The public door `corral/train`.
export type { Batch, BatchSource, Example } from './batch.ts';
export type { DataRecipe, RecipeSource } from './data/data-recipe.ts';
export { dataSchema } from './data/data-schema.ts';
export { type DryRunOptions, describeData } from './data/dry-run.ts';
export {
  type OpenDataOptions,
  type OpenedData,
  openData,
  type SequenceSummary,
  type SourceSummary,
} from './data/open-data.ts';
export type { DataSource } from './data/read-source.ts';
export { readTexts, type SourceText } from './data/source-texts.ts';
