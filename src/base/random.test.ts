import { describe, expect, it } from 'vitest';
import { philox, random } from './random.ts';

describe('philox', () => {
  // The known answers published with the Random123 library (kat_vectors, philox4x32 10).
  it.each([
    [
      [0, 0, 0, 0],
      [0, 0],
      [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8],
    ],
    [
      [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
      [0xffffffff, 0xffffffff],
      [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
    ],
    [
      [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
      [0xa4093822, 0x299f31d0],
      [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
    ],
  ] as const)('gives the published answer for counter %j', (counter, key, answer) => {
    expect(philox(counter, key)).toEqual(answer);
  });
});

describe('random', () => {
  it('lies in [0, 1), spreads evenly, and depends on every argument', () => {
    const draws = Array.from({ length: 10_000 }, (_, position) => random(7, 0, position));
    expect(Math.min(...draws)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...draws)).toBeLessThan(1);
    const mean = draws.reduce((a, b) => a + b) / draws.length;
    expect(Math.abs(mean - 0.5)).toBeLessThan(0.015); // five standard errors
    expect(random(7, 1, 0)).not.toBe(random(7, 0, 0));
    expect(random(8, 0, 0)).not.toBe(random(7, 0, 0));
    expect(random(7 + 2 ** 40, 0, 0)).not.toBe(random(7, 0, 0));
  });
});
