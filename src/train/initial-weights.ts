// The weights a run from scratch begins with, as a function of the seed: the same on every machine,
// whatever the device. Knows nothing of devices.
import { philox } from '../base/random.ts';
import type { LlamaConfig } from '../formats/llama-config.ts';
import { tensorShapes } from '../formats/tensor-shapes.ts';

// The fourth word of the counter keeps these draws apart from those of sampling (0) and dropout (1).
const purpose = { normal: 2, uniform: 3 } as const;

/** A tensor with the values it begins with. */
export interface InitialTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

/**
 * Normal with deviation 0.02, and 0.02 / √(2 · layers) for the two matrices of a block that add to the
 * residual stream (GPT-2's rule, as llama2.c has it); norms are 1. Tensors come one at a time.
 */
export function* initialWeights(config: LlamaConfig, seed: number): Generator<InitialTensor> {
  for (const [site, [name, shape]] of [...tensorShapes(config)].entries()) {
    const count = shape.reduce((product, size) => product * size, 1);
    if (shape.length === 1) {
      yield { name, shape, values: new Float32Array(count).fill(1) };
      continue;
    }
    const isResidual = /\.(attn_output|ffn_down)\.weight$/.test(name);
    const deviation = isResidual ? 0.02 / Math.sqrt(2 * config.layers) : 0.02;
    yield { name, shape, values: normals(count, { seed, site, deviation }) };
  }
}

/** Independent normal values of mean 0 (Box–Muller): four from each block of the counter. */
export function normals(
  count: number,
  options: { readonly seed: number; readonly site: number; readonly deviation: number },
): Float32Array {
  const values = new Float32Array(count);
  draw(count, { ...options, purpose: purpose.normal }, (index, words) => {
    for (let pair = 0; pair < 4; pair += 2) {
      // In (0, 1], so that the logarithm is finite.
      const radius = Math.sqrt(-2 * Math.log((words[pair] as number) / 2 ** 32 + 2 ** -33));
      const angle = (2 * Math.PI * (words[pair + 1] as number)) / 2 ** 32;
      // Beyond the end, writes to a typed array are without effect.
      values[index + pair] = options.deviation * radius * Math.cos(angle);
      values[index + pair + 1] = options.deviation * radius * Math.sin(angle);
    }
  });
  return values;
}

/** Independent values spread evenly over (−bound, bound). */
export function uniforms(
  count: number,
  options: { readonly seed: number; readonly site: number; readonly bound: number },
): Float32Array {
  const values = new Float32Array(count);
  draw(count, { ...options, purpose: purpose.uniform }, (index, words) => {
    for (let i = 0; i < 4; i++) {
      values[index + i] = options.bound * (((words[i] as number) + 0.5) / 2 ** 31 - 1);
    }
  });
  return values;
}

function draw(
  count: number,
  { seed, site, purpose }: { seed: number; site: number; purpose: number },
  take: (index: number, words: readonly number[]) => void,
): void {
  const key = [seed >>> 0, Math.floor(seed / 2 ** 32) >>> 0] as const;
  for (let index = 0; index < count; index += 4) {
    take(index, philox([index / 4, site, 0, purpose], key));
  }
}
