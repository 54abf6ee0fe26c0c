// The door `corral/formats`: files of weights, read lazily and written.

export {
  type Checkpoint,
  type CheckpointFormat,
  type GenerationDefaults,
  type Region,
  type TensorInfo,
  tensorNames,
} from './checkpoint.ts';
export { type ConvertOptions, type ConvertReport, convertCheckpoint } from './convert.ts';
export { convertTypes } from './convert-plan.ts';
export type { ConvertType } from './convert-types.ts';
export { extendVocabulary, type LargerVocabulary } from './extend-vocabulary.ts';
export { type OpenOptions, openCheckpoint, openTokenizer } from './open.ts';
