import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CorralError } from '../base/define-errors.ts';
import { type Candidates, choose } from './sampling.ts';
import { checkBias, resolveSampling, type SamplingOptions } from './sampling-options.ts';

const options = (changes: Partial<SamplingOptions>): SamplingOptions => resolveSampling(changes, 0);

/** Candidates with these probabilities at temperature 1, likeliest first. */
function candidatesOf(probabilities: readonly number[], complete = true): Candidates {
  return {
    ids: Int32Array.from(probabilities.keys()),
    logits: Float32Array.from(probabilities, Math.log),
    logSumExp: 0,
    complete,
  };
}

/** How often each id is chosen over evenly spread draws. */
function shares(candidates: Candidates, changes: Partial<SamplingOptions>, count = 1000): number[] {
  const counts = Array.from(candidates.ids, () => 0);
  for (let i = 0; i < count; i++) {
    const choice = choose(candidates, options(changes), (i + 0.5) / count);
    if (choice === 'needs-all') throw new Error('undecided');
    counts[choice.id] = (counts[choice.id] ?? 0) + 1;
  }
  return counts.map((each) => each / count);
}

const four = [0.5, 0.25, 0.15, 0.1];

describe('choose', () => {
  it('draws in proportion to the probabilities', () => {
    for (const [id, share] of shares(candidatesOf(four), {}).entries()) {
      expect(share).toBeCloseTo(four[id] as number, 2);
    }
  });

  it('sharpens with a low temperature: probabilities to the power 1/T', () => {
    const logits = Float32Array.from(four, Math.log);
    const logSumExp = Math.log(four.reduce((sum, p) => sum + p ** 2, 0));
    const squared = { ids: Int32Array.from([0, 1, 2, 3]), logits, logSumExp, complete: true };
    const total = four.reduce((sum, p) => sum + p * p, 0);
    for (const [id, share] of shares(squared, { temperature: 0.5 }).entries()) {
      expect(share).toBeCloseTo((four[id] as number) ** 2 / total, 2);
    }
  });

  it('keeps the k likeliest and shares their mass', () => {
    expect(shares(candidatesOf(four), { topK: 2 }, 3000)).toEqual([2 / 3, 1 / 3, 0, 0]);
  });

  it('keeps the smallest set that reaches top-p, the token that crosses it included', () => {
    expect(shares(candidatesOf(four), { topP: 0.6 }, 3000)).toEqual([2 / 3, 1 / 3, 0, 0]);
    expect(shares(candidatesOf(four), { topP: 0 })).toEqual([1, 0, 0, 0]);
  });

  it('drops tokens below min-p of the likeliest', () => {
    expect(shares(candidatesOf(four), { minP: 0.4 }, 3000)).toEqual([2 / 3, 1 / 3, 0, 0]);
  });

  it('keeps typical tokens: those nearest the entropy, even without the likeliest', () => {
    // Entropy of [0.5, 0.25, 0.15, 0.1] is 1.208 nats; information 0.69, 1.39, 1.90, 2.30:
    // nearest is id 1 (0.18 away), then id 0 (0.52), id 2 (0.69), id 3 (1.09).
    expect(shares(candidatesOf(four), { typicalP: 0.2 })).toEqual([0, 1, 0, 0]);
    expect(shares(candidatesOf(four), { typicalP: 0.7 }, 3000)).toEqual([2 / 3, 1 / 3, 0, 0]);
  });

  it('says when the candidates given do not decide', () => {
    const part = candidatesOf(four.slice(0, 2), false);
    expect(choose(part, options({ topP: 0.8 }), 0.1)).toBe('needs-all');
    expect(choose(part, options({ topK: 3 }), 0.1)).toBe('needs-all');
    expect(choose(part, options({ minP: 0.01 }), 0.1)).toBe('needs-all');
    expect(choose(part, options({ typicalP: 0.9 }), 0.1)).toBe('needs-all');
    expect(choose(part, options({}), 0.76)).toBe('needs-all');
    expect(choose(part, options({}), 0.6)).toEqual({ id: 1 });
    expect(choose(part, options({ topP: 0.7 }), 0.9)).toEqual({ id: 1 });
  });

  it('chooses the same from a few candidates as from all, whenever the few decide', () => {
    const weights = fc.array(fc.integer({ min: 1, max: 1000 }), { minLength: 3, maxLength: 20 });
    const asked = fc.record({
      topK: fc.nat(8),
      topP: fc.constantFrom(0.3, 0.7, 0.95, 1),
      minP: fc.constantFrom(0, 0.1, 0.5),
    });
    const draws = fc.double({ min: 0, max: 0.999, noNaN: true });
    fc.assert(
      fc.property(weights, asked, draws, (raw, changes, draw) => {
        const total = raw.reduce((a, b) => a + b);
        const all = raw.map((weight) => weight / total).sort((a, b) => b - a);
        const few = candidatesOf(all.slice(0, 3), all.length === 3);
        const decided = choose(few, options(changes), draw);
        if (decided !== 'needs-all') {
          expect(decided).toEqual(choose(candidatesOf(all), options(changes), draw));
        }
      }),
    );
  });
});

describe('resolveSampling', () => {
  it('refuses values outside their limits and names them', () => {
    expect(() => resolveSampling({ topP: 1.5 }, 0)).toThrow(
      /topP is 1.5; allowed: a number from 0 to 1/,
    );
    expect(() => resolveSampling({ temperature: Number.NaN }, 0)).toThrow(CorralError);
    expect(() => resolveSampling({ topK: 2.5 }, 0)).toThrow(/an integer/);
  });

  it('refuses a bias for ids that are not there', () => {
    expect(() => checkBias(new Map([[300, 1]]), 288)).toThrow(/no token 300/);
    expect(() => checkBias(new Map([[3, Number.NEGATIVE_INFINITY]]), 288)).not.toThrow();
  });
});
