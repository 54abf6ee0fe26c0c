// A Llama of a named shape with random weights in memory: as fast as a trained one of its shape and type,
// since speed does not depend on values. Has no tokenizer and says nothing worth reading.
import { random } from '../base/random.ts';
import type { Checkpoint, TensorInfo } from '../formats/checkpoint.ts';
import { planTensors } from '../formats/convert-plan.ts';
import type { ConvertType } from '../formats/convert-types.ts';
import type { LlamaConfig } from '../formats/llama-config.ts';
import { tensorShapes } from '../formats/tensor-shapes.ts';
import { quantize } from '../tensor/codecs/codec.ts';
import { tensorBytes, type WeightDType } from '../tensor/dtype.ts';
import type { ModelShape } from './model-shapes.ts';

const context = 4096;

// A repeated piece of so many numbers stands for every matrix of a type.
const pieceValues = 2 ** 18;

const shapes: Readonly<
  Record<
    ModelShape,
    Pick<LlamaConfig, 'dim' | 'layers' | 'heads' | 'kvHeads' | 'headDim' | 'feedForward' | 'vocab'>
  >
> = {
  tiny: { dim: 256, layers: 4, heads: 8, kvHeads: 4, headDim: 32, feedForward: 768, vocab: 4096 },
  '1b': {
    dim: 2048,
    layers: 22,
    heads: 32,
    kvHeads: 4,
    headDim: 64,
    feedForward: 5632,
    vocab: 32000,
  },
  '7b': {
    dim: 4096,
    layers: 32,
    heads: 32,
    kvHeads: 32,
    headDim: 128,
    feedForward: 11008,
    vocab: 32000,
  },
  '13b': {
    dim: 5120,
    layers: 40,
    heads: 40,
    kvHeads: 40,
    headDim: 128,
    feedForward: 13824,
    vocab: 32000,
  },
};

/** A checkpoint whose tensors have the types that `corral convert --type` would give them. */
export function makeRandomModel(shape: ModelShape, type: ConvertType): Checkpoint {
  const config: LlamaConfig = {
    ...shapes[shape],
    normEps: 1e-5,
    ropeTheta: 10_000,
    ropeScaling: { kind: 'none' },
    context,
    tiedEmbeddings: false,
  };
  const list = Array.from(tensorShapes(config), ([name, of]) => ({ name, shape: of }));
  const types = new Map(planTensors(config, list, type).map(({ name, dtype }) => [name, dtype]));
  const tensors = new Map<string, TensorInfo>();
  for (const each of list) {
    const dtype = types.get(each.name) ?? 'f32';
    tensors.set(each.name, { ...each, dtype, bytes: tensorBytes(dtype, each.shape) });
  }
  const pieces = new Map<WeightDType, Uint8Array>();
  const pieceOf = (dtype: WeightDType): Uint8Array => {
    const known = pieces.get(dtype) ?? quantize(dtype, randomValues(config.dim ** -0.5));
    pieces.set(dtype, known);
    return known;
  };
  const name = `random-${shape}-${type}`;
  return {
    format: 'gguf',
    path: name,
    files: [],
    name,
    config,
    tensors,
    tokenizer: async () => undefined,
    chatTemplate: undefined,
    generation: { endTokens: [] },
    licence: undefined,
    read: async (tensor, offset, length) => {
      const isNorm = tensors.get(tensor)?.shape.length === 1;
      if (isNorm) return new Uint8Array(new Float32Array(length / 4).fill(1).buffer);
      return repeat(pieceOf(types.get(tensor) ?? 'f32'), offset, length);
    },
    region: () => undefined,
    close: async () => {},
  };
}

// Even, with the deviation that keeps a row's product near the size of what goes in.
function randomValues(deviation: number): Float32Array {
  const width = deviation * Math.sqrt(12);
  return Float32Array.from({ length: pieceValues }, (_, i) => (random(1, 0, i) - 0.5) * width);
}

/** Bytes [offset, offset + length) of a piece that comes again and again. */
function repeat(piece: Uint8Array, offset: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let done = 0; done < length; ) {
    const at = (offset + done) % piece.length;
    const part = piece.subarray(at, Math.min(piece.length, at + length - done));
    bytes.set(part, done);
    done += part.length;
  }
  return bytes;
}
