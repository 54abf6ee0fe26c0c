// Randomness as a function of (seed, choice, position), not a stream: preemption, speculation and
// recomputation draw the same numbers. Philox4x32-10 (Salmon et al., SC 2011).

const rounds = 10;
const multipliers = [0xd2511f53, 0xcd9e8d57] as const;
const weyl = [0x9e3779b9, 0xbb67ae85] as const;

// The high 32 bits of a 32 × 32 bit product, from 16-bit halves that stay exact in float64.
function multiplyHigh(a: number, b: number): number {
  const [aHigh, aLow, bHigh, bLow] = [a >>> 16, a & 0xffff, b >>> 16, b & 0xffff];
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  const cross = aLow * bHigh + (middle & 0xffff);
  return (aHigh * bHigh + Math.floor(middle / 65536) + Math.floor(cross / 65536)) >>> 0;
}

/** Four unsigned 32-bit words from a 128-bit counter and a 64-bit key. */
export function philox(
  counter: readonly [number, number, number, number],
  key: readonly [number, number],
): [number, number, number, number] {
  let [c0, c1, c2, c3] = counter;
  let [k0, k1] = key;
  for (let round = 0; round < rounds; round++) {
    const [high0, low0] = [multiplyHigh(multipliers[0], c0), Math.imul(multipliers[0], c0) >>> 0];
    const [high1, low1] = [multiplyHigh(multipliers[1], c2), Math.imul(multipliers[1], c2) >>> 0];
    [c0, c1, c2, c3] = [(high1 ^ c1 ^ k0) >>> 0, low1, (high0 ^ c3 ^ k1) >>> 0, low0];
    [k0, k1] = [(k0 + weyl[0]) >>> 0, (k1 + weyl[1]) >>> 0];
  }
  return [c0, c1, c2, c3];
}

/**
 * A number in [0, 1) with 53 random bits. `seed` is an integer up to 2⁵³ − 1, `choice` tells apart the
 * answers to one request, `position` is the index of the drawn token.
 */
export function random(seed: number, choice: number, position: number): number {
  const key = [seed >>> 0, Math.floor(seed / 2 ** 32) >>> 0] as const;
  const [a, b] = philox([position >>> 0, choice >>> 0, 0, 0], key);
  return ((a >>> 5) * 2 ** 26 + (b >>> 6)) / 2 ** 53;
}
