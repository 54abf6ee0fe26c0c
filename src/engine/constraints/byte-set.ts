// Sets of bytes, as an automaton's edges carry them.

/** Membership by byte: 1 where the byte is in the set. Not to be written to. */
export type ByteSet = Uint8Array;

/** The bytes of some inclusive ranges. */
export function byteSet(...ranges: readonly (readonly [number, number])[]): ByteSet {
  const set = new Uint8Array(256);
  for (const [low, high] of ranges) set.fill(1, low, high + 1);
  return set;
}

/** The set of one byte. */
export function oneByte(byte: number): ByteSet {
  return byteSet([byte, byte]);
}
