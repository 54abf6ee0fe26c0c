// What an adapter is: for some matrices W [n, k] of a model, two small ones A [r, k] and B [n, r] whose
// product is added (LoRA, arXiv 2106.09685), and for DoRA (2402.09353) a length for each row of the sum.
// Names are the matrix's own with an ending; rows of B are in the order of the matrix's rows.
import { present } from '../../base/invariant.ts';
import { tensorNames } from '../../formats/checkpoint.ts';
import type { LlamaConfig } from '../../formats/llama-config.ts';
import { tensorShapes } from '../../formats/tensor-shapes.ts';
import { uniforms } from '../initial-weights.ts';
import type { Parameter } from '../parameters.ts';
import { type MethodRecipe, type TargetName, targetNames } from '../recipe/recipe.ts';

/** One matrix with something beside it. */
export interface AdaptedMatrix {
  /** Name of the matrix, such as `blk.0.attn_q.weight`. */
  readonly name: string;
  /** Rows of the matrix: outputs. */
  readonly n: number;
  /** Its columns: inputs. */
  readonly k: number;
  readonly rank: number;
  /** The factor on B · A: alpha / rank, or alpha / √rank (rsLoRA, arXiv 2312.03732). */
  readonly scale: number;
}

/** Which matrices an adapter stands beside, and how. */
export interface Adapter {
  readonly matrices: ReadonlyMap<string, AdaptedMatrix>;
  /** Is it a DoRA, with a magnitude for each row? */
  readonly hasMagnitudes: boolean;
}

/** Names of an adapter's tensors. */
export const adapterNames = {
  a: (name: string): string => `${name}.lora_a`, // [rank, k]
  b: (name: string): string => `${name}.lora_b`, // [n, rank]
  magnitude: (name: string): string => `${name}.lora_magnitude`, // [n]
  /** What rows of the sum are multiplied by: magnitude / length. Derived, for models that stay as they are. */
  factor: (name: string): string => `${name}.lora_factor`, // [n]
} as const;

/** The tensor of a block that Hugging Face's name stands for. */
export const targetTensors: Readonly<Record<TargetName, (layer: number) => string>> = {
  q_proj: tensorNames.q,
  k_proj: tensorNames.k,
  v_proj: tensorNames.v,
  o_proj: tensorNames.attentionOutput,
  gate_proj: tensorNames.gate,
  up_proj: tensorNames.up,
  down_proj: tensorNames.down,
};

/** The names that `targets` stands for, in the order of a block. */
export function resolveTargets(targets: MethodRecipe['targets']): readonly TargetName[] {
  return targets === 'all' ? targetNames : targetNames.filter((name) => targets.includes(name));
}

/** The adapter a recipe asks for. */
export function planAdapter(config: LlamaConfig, method: MethodRecipe): Adapter {
  const { rank, alpha, kind } = method;
  const scale = kind === 'rslora' ? alpha / Math.sqrt(rank) : alpha / rank;
  const shapes = tensorShapes(config);
  const matrices = new Map<string, AdaptedMatrix>();
  for (let layer = 0; layer < config.layers; layer++) {
    for (const target of resolveTargets(method.targets)) {
      const name = targetTensors[target](layer);
      const [n, k] = present(shapes.get(name), name) as [number, number];
      matrices.set(name, { name, n, k, rank, scale });
    }
  }
  return { matrices, hasMagnitudes: kind === 'dora' };
}

/** The tensors of an adapter, in order, with their shapes. */
export function adapterTensors({ matrices, hasMagnitudes }: Adapter): Map<string, number[]> {
  const shapes = new Map<string, number[]>();
  for (const { name, n, k, rank } of matrices.values()) {
    shapes.set(adapterNames.a(name), [rank, k]);
    shapes.set(adapterNames.b(name), [n, rank]);
    if (hasMagnitudes) shapes.set(adapterNames.magnitude(name), [n]);
  }
  return shapes;
}

/** The tensors of an adapter as parameters. */
export function adapterParameters(
  adapter: Adapter,
  decay: { readonly matrices: number; readonly vectors: number },
): Parameter[] {
  return Array.from(adapterTensors(adapter), ([name, shape]) => ({
    name,
    shape,
    decay: shape.length === 1 ? decay.vectors : decay.matrices,
  }));
}

/**
 * What A and B begin with, as in PEFT: A spread evenly over ±1/√k (Kaiming uniform with a = √5), B zero, so
 * that the adapted model begins as the base. Magnitudes depend on the base and are not among them.
 */
export function* initialAdapter(
  adapter: Adapter,
  seed: number,
): Generator<{ readonly name: string; readonly values: Float32Array }> {
  for (const [site, { name, n, k, rank }] of [...adapter.matrices.values()].entries()) {
    const values = uniforms(rank * k, { seed, site, bound: 1 / Math.sqrt(k) });
    yield { name: adapterNames.a(name), values };
    yield { name: adapterNames.b(name), values: new Float32Array(n * rank) };
  }
}
