// The public door `corral/train`.
export type { Batch, BatchSource, Example } from './batch.ts';
export type { DataSource } from './data/read-source.ts';
export { readTexts, type SourceText } from './data/source-texts.ts';
