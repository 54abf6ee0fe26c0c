// Which tensors a run changes, and what AdamW does to each.
import { tensorNames } from '../formats/checkpoint.ts';
import type { LlamaConfig } from '../formats/llama-config.ts';
import { tensorShapes } from '../formats/tensor-shapes.ts';

/** A tensor that is learned. */
export interface Parameter {
  readonly name: string;
  readonly shape: readonly number[];
  /** Decoupled weight decay. */
  readonly decay: number;
}

/** Weight decay by kind of tensor. */
export interface DecayGroups {
  readonly matrices: number;
  readonly embedding: number;
  /** Norms and other vectors. */
  readonly vectors: number;
}

/** Every tensor of a Llama as a parameter, in the order files list them. */
export function allParameters(config: LlamaConfig, decay: DecayGroups): Parameter[] {
  return Array.from(tensorShapes(config), ([name, shape]) => ({
    name,
    shape,
    decay: decayOf(name, shape, decay),
  }));
}

function decayOf(name: string, shape: readonly number[], decay: DecayGroups): number {
  if (shape.length === 1) return decay.vectors;
  return name === tensorNames.embedding ? decay.embedding : decay.matrices;
}

/** Number of values in the parameters together. */
export function countValues(parameters: readonly Pick<Parameter, 'shape'>[]): number {
  return parameters.reduce(
    (total, { shape }) => total + shape.reduce((product, size) => product * size, 1),
    0,
  );
}

/** Number of values in a whole model. */
export function countModel(config: LlamaConfig): number {
  return countValues(Array.from(tensorShapes(config).values(), (shape) => ({ shape })));
}
