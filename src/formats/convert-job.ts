// What a conversion asks of the writer of its format.
import type { WeightDType } from '../tensor/dtype.ts';
import type { Checkpoint, TensorInfo } from './checkpoint.ts';
import type { ConvertType } from './convert-types.ts';

/** A tensor of the source with the type it gets. */
export interface ConvertedTensor {
  readonly info: TensorInfo;
  readonly dtype: WeightDType;
}

/** What both writers get. */
export interface ConvertJob {
  readonly checkpoint: Checkpoint;
  readonly out: string;
  readonly type: ConvertType;
  readonly tensors: readonly ConvertedTensor[];
  readonly force: boolean;
  readonly signal: AbortSignal | undefined;
  /** Called with source bytes done since the last call. */
  readonly onBytes: (bytes: number) => void;
}
