// The public door `corral/train`.
export type { Batch, BatchSource, Example } from './batch.ts';
