import { describe, expect, it } from 'vitest';
import { tinyConfig } from '../../test/tiny-llama.ts';
import { initialWeights, normals, uniforms } from './initial-weights.ts';

function deviationOf(values: Float32Array): number {
  return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);
}

describe('normals', () => {
  const values = normals(40_001, { seed: 3, site: 1, deviation: 2 });

  it('have the mean, deviation and tails of a normal distribution', () => {
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    expect(Math.abs(mean)).toBeLessThan(0.05); // five standard errors
    expect(Math.abs(deviationOf(values) - 2)).toBeLessThan(0.036);
    const beyond = values.filter((value) => Math.abs(value) > 4).length / values.length;
    expect(Math.abs(beyond - 0.0455)).toBeLessThan(0.0052); // P(|z| > 2)
  });

  it('depend on seed, also its high half, and site, and do not repeat', () => {
    const others = [
      normals(8, { seed: 4, site: 1, deviation: 2 }),
      normals(8, { seed: 3 + 2 ** 40, site: 1, deviation: 2 }),
      normals(8, { seed: 3, site: 2, deviation: 2 }),
    ];
    for (const other of others) expect(other).not.toEqual(values.slice(0, 8));
    expect(new Set(values).size).toBeGreaterThan(39_900);
    expect(normals(7, { seed: 3, site: 1, deviation: 2 })).toEqual(values.slice(0, 7));
  });
});

describe('uniforms', () => {
  it('spread evenly within the bound', () => {
    const values = uniforms(10_000, { seed: 1, site: 0, bound: 0.5 });
    expect(Math.max(...values)).toBeLessThan(0.5);
    expect(Math.min(...values)).toBeGreaterThan(-0.5);
    expect(Math.abs(deviationOf(values) - 0.5 / Math.sqrt(3))).toBeLessThan(0.007);
  });
});

describe('initialWeights', () => {
  it('scales what adds to the residual stream by the depth, and sets norms to 1', () => {
    const config = tinyConfig({ layers: 8 });
    const tensors = new Map([...initialWeights(config, 1)].map((each) => [each.name, each]));
    const found = (name: string): Float32Array => tensors.get(name)?.values ?? new Float32Array();
    expect(deviationOf(found('token_embd.weight'))).toBeCloseTo(0.02, 3);
    expect(deviationOf(found('blk.3.ffn_gate.weight'))).toBeCloseTo(0.02, 3);
    expect(deviationOf(found('blk.3.ffn_down.weight'))).toBeCloseTo(0.005, 3); // 0.02 / √16
    expect(deviationOf(found('blk.3.attn_output.weight'))).toBeCloseTo(0.005, 3);
    expect(new Set(found('blk.0.attn_norm.weight'))).toEqual(new Set([1]));
    expect(found('blk.0.ffn_gate.weight')).not.toEqual(found('blk.1.ffn_gate.weight'));
  });
});
