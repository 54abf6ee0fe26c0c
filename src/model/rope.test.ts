import { describe, expect, it } from 'vitest';
import golden from '../../test/golden/rope.json' with { type: 'json' };
import { tinyConfig } from '../../test/tiny-llama.ts';
import type { RopeScaling } from '../formats/llama-config.ts';
import { ropeFrequencies, ropeScale } from './rope.ts';

const yarn: RopeScaling = {
  kind: 'yarn',
  factor: 16,
  originalContext: 4096,
  betaFast: 32,
  betaSlow: 1,
};
const llama3: RopeScaling = {
  kind: 'llama3',
  factor: 8,
  lowFrequencyFactor: 1,
  highFrequencyFactor: 4,
  originalContext: 8192,
};
const dynamic: RopeScaling = { kind: 'dynamic', factor: 2, originalContext: 2048 };

const cases: [keyof typeof golden, RopeScaling, number, number][] = [
  ['none', { kind: 'none' }, 10000, 1],
  ['linear', { kind: 'linear', factor: 4 }, 10000, 1],
  ['ntk', { kind: 'ntk', factor: 4 }, 10000, 1],
  ['dynamicShort', dynamic, 10000, 1000],
  ['dynamicLong', dynamic, 10000, 6000],
  ['yarn', yarn, 10000, 1],
  ['llama3', llama3, 500000, 1],
];

describe('ropeFrequencies', () => {
  it.each(cases)('gives the published frequencies: %s', (name, ropeScaling, ropeTheta, length) => {
    const config = tinyConfig({ headDim: 64, ropeTheta, ropeScaling });
    const found = ropeFrequencies(config, length);
    for (const [i, expected] of (golden[name] as number[]).entries()) {
      expect((found[i] as number) / expected).toBeCloseTo(1, 6);
    }
  });

  it('divides by the factors of a GGUF one by one', () => {
    const factors = [1, 2, 4, 8];
    const plain = ropeFrequencies(tinyConfig(), 1);
    const divided = ropeFrequencies(tinyConfig({ ropeScaling: { kind: 'factors', factors } }), 1);
    expect([...divided]).toEqual(
      factors.map((factor, i) => Math.fround((plain[i] as number) / factor)),
    );
  });

  it('scales cosines and sines for YaRN alone', () => {
    expect(ropeScale(tinyConfig({ ropeScaling: yarn }))).toBeCloseTo(golden.yarnScale, 12);
    expect(ropeScale(tinyConfig({ ropeScaling: { ...yarn, attentionFactor: 1.5 } }))).toBe(1.5);
    expect(ropeScale(tinyConfig({ ropeScaling: llama3 }))).toBe(1);
  });
});
