// The values a GGUF file's metadata may hold, and how they are numbered there.

/** Name of a metadata type. */
export type GgufType =
  | 'u8'
  | 'i8'
  | 'u16'
  | 'i16'
  | 'u32'
  | 'i32'
  | 'f32'
  | 'bool'
  | 'string'
  | 'array'
  | 'u64'
  | 'i64'
  | 'f64';

/** All types at their number in the file, with the fewest bytes one value takes. */
export const ggufTypes: readonly { readonly name: GgufType; readonly minimumBytes: number }[] = [
  { name: 'u8', minimumBytes: 1 },
  { name: 'i8', minimumBytes: 1 },
  { name: 'u16', minimumBytes: 2 },
  { name: 'i16', minimumBytes: 2 },
  { name: 'u32', minimumBytes: 4 },
  { name: 'i32', minimumBytes: 4 },
  { name: 'f32', minimumBytes: 4 },
  { name: 'bool', minimumBytes: 1 },
  { name: 'string', minimumBytes: 8 },
  { name: 'array', minimumBytes: 12 },
  { name: 'u64', minimumBytes: 8 },
  { name: 'i64', minimumBytes: 8 },
  { name: 'f64', minimumBytes: 8 },
];

/** One value. 64-bit integers beyond 2^53 are bigints. */
export type GgufItem = number | bigint | boolean | string | GgufArray;

/** An array; from a file it is read when asked for, while the file is open. */
export interface GgufArray {
  readonly items: GgufType;
  readonly length: number;
  values(): readonly GgufItem[];
}

/** A value with its type in the file. */
export interface GgufField {
  readonly type: GgufType;
  readonly value: GgufItem;
}

/** A field that holds an array of values at hand. */
export function arrayField(items: GgufType, values: readonly GgufItem[]): GgufField {
  return { type: 'array', value: { items, length: values.length, values: () => values } };
}

/** True for an array value. */
export function isGgufArray(value: GgufItem | undefined): value is GgufArray {
  return typeof value === 'object';
}
