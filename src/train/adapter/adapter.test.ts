import { describe, expect, it } from 'vitest';
import { tinyConfig } from '../../../test/tiny-llama.ts';
import type { LlamaConfig } from '../../formats/llama-config.ts';
import { countValues } from '../parameters.ts';
import type { MethodRecipe } from '../recipe/recipe.ts';
import { adapterParameters, initialAdapter, planAdapter } from './adapter.ts';

const method: MethodRecipe = {
  kind: 'lora',
  rank: 8,
  alpha: 16,
  dropout: 0,
  targets: ['q_proj', 'v_proj'],
};

function llama2(dim: number, layers: number, heads: number, feedForward: number): LlamaConfig {
  const headDim = dim / heads;
  const changes = { vocab: 32000, dim, layers, heads, kvHeads: heads, headDim, feedForward };
  return tinyConfig({ ...changes, context: 4096 });
}

describe('planAdapter', () => {
  it.each([
    // LitGPT reports these for LoRA of rank 8 on queries and values.
    ['7B', llama2(4096, 32, 32, 11008), 4_194_304],
    ['13B', llama2(5120, 40, 40, 13824), 6_553_600],
  ])('trains as many values of Llama 2 %s as others do', (_, config, expected) => {
    const adapter = planAdapter(config, method);
    const parameters = adapterParameters(adapter, { matrices: 0, vectors: 0 });
    expect(countValues(parameters)).toBe(expected);
  });

  it('scales by alpha / rank, for rsLoRA by alpha / √rank', () => {
    const scaleOf = (changes: Partial<MethodRecipe>): number | undefined =>
      planAdapter(tinyConfig(), { ...method, ...changes }).matrices.get('blk.0.attn_q.weight')
        ?.scale;
    expect(scaleOf({})).toBe(2);
    expect(scaleOf({ kind: 'rslora', rank: 16 })).toBe(4);
  });

  it('stands beside all seven matrices of every block when told so', () => {
    const { matrices } = planAdapter(tinyConfig(), { ...method, targets: 'all' });
    expect([...matrices.keys()].filter((name) => name.startsWith('blk.1.'))).toEqual([
      'blk.1.attn_q.weight',
      'blk.1.attn_k.weight',
      'blk.1.attn_v.weight',
      'blk.1.attn_output.weight',
      'blk.1.ffn_gate.weight',
      'blk.1.ffn_up.weight',
      'blk.1.ffn_down.weight',
    ]);
    expect(matrices.size).toBe(14);
  });
});

describe('initialAdapter', () => {
  it('begins as PEFT does: A spread over ±1/√k, B zero', () => {
    const tensors = [...initialAdapter(planAdapter(tinyConfig(), method), 1)];
    const [a, b] = tensors;
    expect(a?.name).toBe('blk.0.attn_q.weight.lora_a');
    const bound = 1 / Math.sqrt(48);
    expect(Math.max(...(a?.values ?? []))).toBeLessThanOrEqual(bound);
    expect(Math.max(...(a?.values ?? []))).toBeGreaterThan(0.9 * bound);
    expect(Math.min(...(a?.values ?? []))).toBeLessThan(-0.9 * bound);
    expect(new Set(b?.values)).toEqual(new Set([0]));
  });
});
