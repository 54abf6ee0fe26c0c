// The element types Corral computes with, and how GGUF numbers and packs them.
// Knows nothing of the contents of a block: that is codecs/.

/**
 * Every dtype: its number in a GGUF file (ggml_type), elements per block (1 for plain numbers) and
 * bytes per block. Blocks run along a row (the last axis).
 */
export const dtypes = {
  f32: { gguf: 0, blockSize: 1, blockBytes: 4 },
  f16: { gguf: 1, blockSize: 1, blockBytes: 2 },
  q4_0: { gguf: 2, blockSize: 32, blockBytes: 18 },
  q4_1: { gguf: 3, blockSize: 32, blockBytes: 20 },
  q5_0: { gguf: 6, blockSize: 32, blockBytes: 22 },
  q5_1: { gguf: 7, blockSize: 32, blockBytes: 24 },
  q8_0: { gguf: 8, blockSize: 32, blockBytes: 34 },
  q2_k: { gguf: 10, blockSize: 256, blockBytes: 84 },
  q3_k: { gguf: 11, blockSize: 256, blockBytes: 110 },
  q4_k: { gguf: 12, blockSize: 256, blockBytes: 144 },
  q5_k: { gguf: 13, blockSize: 256, blockBytes: 176 },
  q6_k: { gguf: 14, blockSize: 256, blockBytes: 210 },
  i32: { gguf: 26, blockSize: 1, blockBytes: 4 },
  bf16: { gguf: 30, blockSize: 1, blockBytes: 2 },
} as const;

/** Name of an element type. */
export type DType = keyof typeof dtypes;

/** The types a weight matrix may have: everything but integers. */
export type WeightDType = Exclude<DType, 'i32'>;

/** All dtype names, in GGUF's order. */
export const dtypeNames: readonly DType[] = Object.keys(dtypes) as DType[];

/** Bytes of `elements` values of a type that lie in one row; `elements` must fill whole blocks. */
export function rowBytes(dtype: DType, elements: number): number {
  const { blockSize, blockBytes } = dtypes[dtype];
  return (elements / blockSize) * blockBytes;
}

/** Bytes of a row-major tensor of this shape. */
export function tensorBytes(dtype: DType, shape: readonly number[]): number {
  return rowBytes(
    dtype,
    shape.reduce((product, size) => product * size, 1),
  );
}

/** True when a row of `columns` elements is a whole number of the type's blocks. */
export function fitsBlocks(dtype: DType, columns: number): boolean {
  return columns % dtypes[dtype].blockSize === 0;
}

/** The dtype with GGUF number `id`, if Corral computes with it. */
export function dtypeOfGguf(id: number): DType | undefined {
  return dtypeNames.find((name) => dtypes[name].gguf === id);
}
