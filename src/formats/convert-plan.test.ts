import { describe, expect, it } from 'vitest';
import { tinyConfig } from '../../test/tiny-llama.ts';
import { planTensors } from './convert-plan.ts';
import type { ConvertType } from './convert-types.ts';
import { tensorShapes } from './tensor-shapes.ts';

function plan(
  type: ConvertType,
  changes: Parameters<typeof tinyConfig>[0] = {},
): Map<string, string> {
  const config = tinyConfig(changes);
  const tensors = [...tensorShapes(config)].map(([name, shape]) => ({ name, shape }));
  return new Map(
    planTensors(config, tensors, type).map(({ name, dtype, wanted }) => [
      name,
      wanted ? `${wanted} -> ${dtype}` : dtype,
    ]),
  );
}

const wide = { dim: 256, heads: 8, kvHeads: 4, headDim: 32, feedForward: 512 };

describe('planTensors', () => {
  it('gives the same layers more bits as llama.cpp does in a 7B', () => {
    // Layers that carry Q6_K in published Llama-2-7B Q4_K_M files: 0-3, then every third, 28-31.
    const planned = plan('q4_k_m', { ...wide, layers: 32 });
    const more = Array.from({ length: 32 }, (_, i) => i).filter(
      (i) => planned.get(`blk.${i}.ffn_down.weight`) === 'q6_k',
    );
    expect(more).toEqual([0, 1, 2, 3, 6, 9, 12, 15, 18, 21, 24, 27, 28, 29, 30, 31]);
    for (let i = 0; i < 32; i++) {
      const down = planned.get(`blk.${i}.ffn_down.weight`);
      expect(planned.get(`blk.${i}.attn_v.weight`)).toBe(down);
      expect(planned.get(`blk.${i}.attn_q.weight`)).toBe('q4_k');
    }
    expect(planned.get('output.weight')).toBe('q6_k');
    expect(planned.get('token_embd.weight')).toBe('q4_k');
    expect(planned.get('output_norm.weight')).toBe('f32');
  });

  it('spends five bits on the shared values of a 70B', () => {
    const planned = plan('q4_k_m', { ...wide, layers: 80, heads: 8, kvHeads: 1 });
    expect(planned.get('blk.10.attn_v.weight')).toBe('q5_k');
    expect(planned.get('blk.12.attn_v.weight')).toBe('q6_k');
    expect(planned.get('blk.10.ffn_down.weight')).toBe('q4_k');
  });

  it('treats a tied embedding as the output', () => {
    expect(plan('q4_0', { ...wide, tiedEmbeddings: true }).get('token_embd.weight')).toBe('q6_k');
    expect(plan('q8_0', { ...wide, tiedEmbeddings: true }).get('token_embd.weight')).toBe('q8_0');
    expect(plan('f16', { ...wide, tiedEmbeddings: true }).get('token_embd.weight')).toBe('f16');
  });

  it.each([
    ['q4_k', 64, 'q4_k -> q5_0'],
    ['q5_k', 64, 'q5_k -> q5_1'],
    ['q6_k', 64, 'q6_k -> q8_0'],
    ['q4_k', 172, 'q4_k -> f16'],
    ['q6_k', 172, 'q6_k -> f16'],
    ['q4_0', 172, 'q4_0 -> f16'],
    ['q8_0', 172, 'q8_0 -> f16'],
    ['q8_0', 64, 'q8_0'],
    ['bf16', 172, 'bf16'],
  ] as const)('falls back where %s cannot hold rows of %i', (type, feedForward, expected) => {
    expect(plan(type, { feedForward }).get('blk.0.ffn_down.weight')).toBe(expected);
  });
});
