// Damages files the way disks, networks and attackers do: flipped bits, cuts, repeats, and numbers
// blown up where a length may stand. The same random numbers give the same damage.

// Lengths that overflow, wrap or allocate: the edges of each integer width.
const edges: readonly bigint[] = [
  0n,
  1n,
  0x7fn,
  0xffn,
  0x7fffn,
  0xffffn,
  0x7fffffffn,
  0x80000000n,
  0xffffffffn,
  0x100000000n,
  0x1fffffffffffffn,
  0x20000000000000n,
  0x7fffffffffffffffn,
  0x8000000000000000n,
  0xffffffffffffffffn,
];

/** A random function with a seed (mulberry32): numbers in [0, 1). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A damaged copy of `bytes`: one to four injuries. */
export function mutate(bytes: Uint8Array, random: () => number): Uint8Array {
  // Not slice: a Buffer's shares its memory.
  let damaged: Uint8Array = new Uint8Array(bytes);
  const injuries = 1 + Math.floor(random() * 4);
  for (let i = 0; i < injuries; i++) damaged = injure(damaged, random);
  return damaged;
}

function injure(bytes: Uint8Array, random: () => number): Uint8Array {
  const size = bytes.byteLength;
  if (size === 0) return bytes;
  const below = (limit: number): number => Math.floor(random() * limit);
  // Headers stand at the front (and a zip's at the end): most injuries go there.
  const place = (): number => {
    const region = Math.min(size, [64, 512, 4096, size][below(4)] ?? size);
    return below(8) === 0 ? size - 1 - below(region) : below(region);
  };
  const at = place();
  switch (below(9)) {
    case 0:
    case 1: {
      for (let flips = 1 + below(8); flips > 0; flips--) {
        const where = place();
        bytes[where] = (bytes[where] ?? 0) ^ (1 << below(8));
      }
      return bytes;
    }
    case 2:
      return bytes.slice(0, at);
    case 3:
    case 4:
    case 5: {
      const width = [1, 2, 4, 8][below(4)] ?? 8;
      let value = edges[below(edges.length)] ?? 0n;
      for (let i = 0; i < width && at + i < size; i++, value >>= 8n) {
        bytes[at + i] = Number(value & 0xffn);
      }
      return bytes;
    }
    case 6: {
      const length = 1 + below(Math.min(64, size - at));
      const repeated = new Uint8Array(size + length);
      repeated.set(bytes.subarray(0, at + length));
      repeated.set(bytes.subarray(at), at + length);
      return repeated;
    }
    case 7: {
      const length = 1 + below(Math.min(64, size - at));
      const without = new Uint8Array(size - length);
      without.set(bytes.subarray(0, at));
      without.set(bytes.subarray(at + length), at);
      return without;
    }
    default: {
      const length = 1 + below(Math.min(32, size - at));
      for (let i = 0; i < length; i++) bytes[at + i] = below(256);
      return bytes;
    }
  }
}
