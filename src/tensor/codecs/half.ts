// Half precision and bfloat16, to and from 32 bits: round to nearest, ties to even; NaN stays NaN and
// what is too large becomes infinity. Little endian in bytes. Knows nothing of blocks.

const half = new Float16Array(1);
const halfBits = new Uint16Array(half.buffer);
const single = new Float32Array(1);
const singleBits = new Uint32Array(single.buffer);

// All 65536 halves as singles (256 KiB): one load instead of a conversion per block. Made on first use.
let halfTable: Float32Array | undefined;

function makeHalfTable(): Float32Array {
  halfTable = Float32Array.from(
    new Float16Array(Uint16Array.from({ length: 65536 }, (_, i) => i).buffer),
  );
  return halfTable;
}

/** The value of a half's 16 bits. */
export function f16ToF32(bits: number): number {
  return (halfTable ?? makeHalfTable())[bits] as number;
}

/** The 16 bits of the nearest half. */
export function f32ToF16(value: number): number {
  half[0] = value;
  return halfBits[0] as number;
}

/** The value of a bfloat16's 16 bits. */
export function bf16ToF32(bits: number): number {
  singleBits[0] = bits << 16;
  return single[0] as number;
}

/** The 16 bits of the nearest bfloat16. */
export function f32ToBf16(value: number): number {
  single[0] = value;
  return roundToBf16(singleBits[0] as number);
}

/** The half that starts at byte `at`. */
export function readHalf(bytes: Uint8Array, at: number): number {
  return f16ToF32((bytes[at] as number) | ((bytes[at + 1] as number) << 8));
}

/** Halves to singles; `bytes` need not be aligned. */
export function f16BytesToF32(bytes: Uint8Array, out: Float32Array): void {
  const table = halfTable ?? makeHalfTable();
  for (let i = 0, at = 0; i < out.length; i++, at += 2) {
    out[i] = table[(bytes[at] as number) | ((bytes[at + 1] as number) << 8)] as number;
  }
}

/** Singles to halves. */
export function f32ToF16Bytes(values: Float32Array): Uint8Array {
  return new Uint8Array(Float16Array.from(values).buffer);
}

/** bfloat16s to singles; `bytes` need not be aligned. */
export function bf16BytesToF32(bytes: Uint8Array, out: Float32Array): void {
  const bits = new Uint32Array(out.buffer, out.byteOffset, out.length);
  for (let i = 0, at = 0; i < out.length; i++, at += 2) {
    bits[i] = ((bytes[at] as number) << 16) | ((bytes[at + 1] as number) << 24);
  }
}

/** Singles to bfloat16s. */
export function f32ToBf16Bytes(values: Float32Array): Uint8Array {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const rounded = new Uint16Array(bits.length);
  for (let i = 0; i < bits.length; i++) rounded[i] = roundToBf16(bits[i] as number);
  return new Uint8Array(rounded.buffer);
}

function roundToBf16(bits: number): number {
  // A NaN whose set bits are all low would round to infinity: keep it quiet instead.
  if ((bits & 0x7fffffff) > 0x7f800000) return (bits >>> 16) | 0x40;
  return (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
}
