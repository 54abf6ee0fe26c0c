// The public door `corral/train`.
export { readLowRankUpdates } from './adapter/low-rank-updates.ts';
export { mergeAdapter } from './adapter/merge.ts';
export type { LoadedAdapter } from './adapter/peft-read.ts';
export { readAdapter } from './adapter/read-adapter.ts';
export { type ServedAdapter, serveAdapter } from './adapter/serve-adapter.ts';
export type { Batch, BatchSource, Example } from './batch.ts';
export type { DataRecipe, RecipeSource } from './data/data-recipe.ts';
export { dataSchema } from './data/data-schema.ts';
export {
  type OpenDataOptions,
  type OpenedData,
  openData,
  type SequenceSummary,
  type SourceSummary,
} from './data/open-data.ts';
export type { DataSource } from './data/read-source.ts';
export { readTexts, type SourceText } from './data/source-texts.ts';
export {
  type MeasureOptions,
  measureTraining,
  type Speed,
  type TrainingSpeed,
} from './measure-training.ts';
export {
  type EvaluationMetrics,
  type Metrics,
  readMetrics,
  type SampleMetrics,
  type StepMetrics,
} from './metrics.ts';
export { makeRunsPage, type RunForPage } from './page/runs-page.ts';
export { readRecipe } from './recipe/read-recipe.ts';
export type { Recipe } from './recipe/recipe.ts';
export { type PreviewPart, previewRun, type RunPreview } from './run/preview-run.ts';
export { type RunRecord, RunRegistry } from './run/run-registry.ts';
export { trainTracked } from './run/tracked-run.ts';
export {
  type RunEvent,
  type RunStart,
  type TrainOptions,
  type TrainReport,
  trainRecipe,
} from './run/train-run.ts';
