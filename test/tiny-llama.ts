// A seeded random Llama in memory, for tests: any shape, any weight type, a small tokenizer of bytes
// and a few words. Same seed, same weights.
import { random } from '../src/base/random.ts';
import type { Checkpoint, TensorInfo } from '../src/formats/checkpoint.ts';
import type { LlamaConfig } from '../src/formats/llama-config.ts';
import { tensorShapes } from '../src/formats/tensor-shapes.ts';
import { quantize } from '../src/tensor/codecs/codec.ts';
import { fitsBlocks, type WeightDType } from '../src/tensor/dtype.ts';
import { tokenizerFromLlama2c } from '../src/tokenizer/llama2c-tokenizer.ts';
import type { Tokenizer } from '../src/tokenizer/tokenizer.ts';

/** A small shape with grouped queries and odd sizes; override what a test is about. */
export function tinyConfig(changes: Partial<LlamaConfig> = {}): LlamaConfig {
  return {
    vocab: 288,
    dim: 48,
    layers: 2,
    heads: 6,
    kvHeads: 2,
    headDim: 8,
    feedForward: 72,
    normEps: 1e-5,
    ropeTheta: 10000,
    ropeScaling: { kind: 'none' },
    context: 128,
    tiedEmbeddings: false,
    ...changes,
  };
}

/** Normally distributed f32 values (Box–Muller) of mean 0. */
export function randomNormal(count: number, seed: number, deviation: number): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => {
    const radius = Math.sqrt(-2 * Math.log(1 - random(seed, 0, i)));
    return deviation * radius * Math.cos(2 * Math.PI * random(seed, 1, i));
  });
}

const words = [' the', ' a', 'he', ' was', 'an', 'in', 'on', 'er', ' to', 'th', 'at', 're'];

/** 3 special tokens, 256 bytes, and as many words and letters as the vocabulary has room for. */
export function tinyTokenizer(vocab: number): Tokenizer {
  const bytes = Array.from(
    { length: 256 },
    (_, i) => `<0x${i.toString(16).toUpperCase().padStart(2, '0')}>`,
  );
  const letters = [...'etaoinshrdlu cmfwypvbgkqjxz'];
  const more = Array.from({ length: vocab }, (_, i) => `w${i}`);
  const pieces = ['<unk>', '\n<s>\n', '\n</s>\n', ...bytes, ...letters, ...words, ...more];
  const entries = pieces.slice(0, vocab).map((piece, id) => {
    const text = Buffer.from(piece);
    const entry = Buffer.alloc(8 + text.length);
    entry.writeFloatLE(id < 259 ? 0 : -(id - 258), 0);
    entry.writeInt32LE(text.length, 4);
    text.copy(entry, 8);
    return entry;
  });
  const head = Buffer.alloc(4);
  head.writeInt32LE(Math.max(...entries.map((entry) => entry.length - 8)));
  return tokenizerFromLlama2c(Buffer.concat([head, ...entries]), 'tiny-tokenizer.bin');
}

/** A checkpoint whose matrices are of the given type where their columns allow it, else f32. */
export function tinyCheckpoint(
  config: LlamaConfig = tinyConfig(),
  options: { readonly seed?: number; readonly dtype?: WeightDType } = {},
): Checkpoint {
  const { seed = 1, dtype = 'f32' } = options;
  const contents = new Map<string, Uint8Array>();
  const tensors = new Map<string, TensorInfo>();
  for (const [index, [name, shape]] of [...tensorShapes(config)].entries()) {
    const count = shape.reduce((a, b) => a * b, 1);
    const isNorm = shape.length === 1;
    // Close to 1/sqrt(columns), so that activations keep their size through the layers.
    const values = randomNormal(count, seed * 1000 + index, isNorm ? 0.1 : (shape[1] ?? 1) ** -0.5);
    const type = isNorm || !fitsBlocks(dtype, shape[1] ?? 1) ? 'f32' : dtype;
    const packed = quantize(type, isNorm ? values.map((value) => value + 1) : values);
    contents.set(name, packed);
    tensors.set(name, { name, dtype: type, shape, bytes: packed.length });
  }
  const tokenizer = tinyTokenizer(config.vocab);
  return {
    format: 'gguf',
    path: 'tiny',
    files: [],
    name: 'tiny',
    config,
    tensors,
    tokenizer: async () => tokenizer,
    chatTemplate: undefined,
    generation: { endTokens: [2] },
    licence: undefined,
    read: async (name, offset, length) =>
      (contents.get(name) ?? new Uint8Array()).slice(offset, offset + length),
    region: () => undefined,
    close: async () => {},
  };
}
