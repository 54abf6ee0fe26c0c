// Which tensors a Llama of a config has, with their shapes, and the check that a checkpoint has them.
// Knows nothing of files.
import { errors } from '../base/errors.ts';
import { type TensorInfo, tensorNames } from './checkpoint.ts';
import type { LlamaConfig } from './llama-config.ts';

/** Names and shapes of all tensors, in the order files list them. */
export function tensorShapes(config: LlamaConfig): Map<string, readonly number[]> {
  const { vocab, dim, heads, kvHeads, headDim, feedForward } = config;
  const shapes = new Map<string, readonly number[]>([[tensorNames.embedding, [vocab, dim]]]);
  for (let layer = 0; layer < config.layers; layer++) {
    shapes.set(tensorNames.attentionNorm(layer), [dim]);
    shapes.set(tensorNames.q(layer), [heads * headDim, dim]);
    shapes.set(tensorNames.k(layer), [kvHeads * headDim, dim]);
    shapes.set(tensorNames.v(layer), [kvHeads * headDim, dim]);
    shapes.set(tensorNames.attentionOutput(layer), [dim, heads * headDim]);
    shapes.set(tensorNames.feedForwardNorm(layer), [dim]);
    shapes.set(tensorNames.gate(layer), [feedForward, dim]);
    shapes.set(tensorNames.up(layer), [feedForward, dim]);
    shapes.set(tensorNames.down(layer), [dim, feedForward]);
  }
  shapes.set(tensorNames.outputNorm, [dim]);
  if (!config.tiedEmbeddings) shapes.set(tensorNames.output, [vocab, dim]);
  return shapes;
}

/** Throws TENSOR_MISSING or TENSOR_SHAPE where tensors and config do not belong together. */
export function checkTensors(
  config: LlamaConfig,
  tensors: ReadonlyMap<string, Pick<TensorInfo, 'shape'>>,
  path: string,
): void {
  for (const [name, shape] of tensorShapes(config)) {
    const tensor = tensors.get(name);
    if (tensor === undefined) throw errors.TENSOR_MISSING({ name, path });
    if (`${tensor.shape}` !== `${shape}`) {
      throw errors.TENSOR_SHAPE({
        name,
        expected: `[${shape.join(', ')}]`,
        found: `[${tensor.shape.join(', ')}]`,
      });
    }
  }
}
