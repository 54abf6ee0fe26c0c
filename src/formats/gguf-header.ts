// The header of one GGUF file (versions 2 and 3, little endian): its metadata and where its tensors
// lie. Every count is held against the bytes that are left before anything is made of it; arrays stay
// in the file until asked for. Knows nothing of Llamas and of split files.
import { errors } from '../base/errors.ts';
import { type DType, dtypeOfGguf, dtypes, fitsBlocks, tensorBytes } from '../tensor/dtype.ts';
import { ByteReader } from './byte-reader.ts';
import type { ByteSource } from './files.ts';
import {
  type GgufArray,
  type GgufField,
  type GgufItem,
  type GgufType,
  ggufTypes,
} from './gguf-values.ts';

// A model has about forty entries and nine tensors a layer; a header that claims more than these is
// damage or an attack, and the claim would cost memory before the file ran out.
const MAX_ENTRIES = 2 ** 16;
const MAX_TENSORS = 2 ** 17;
// ggml's own limit is 64; a few writers go beyond.
const MAX_TENSOR_NAME_BYTES = 1024;
// The specification's limit.
const MAX_KEY_BYTES = 65535;
// Chat templates take kilobytes, an embedded tokenizer.json some megabytes.
const MAX_STRING_BYTES = 2 ** 28;
// ggml tensors have at most four axes; nobody writes arrays of arrays of arrays.
const MAX_AXES = 4;
const MAX_ARRAY_DEPTH = 4;
const MAX_ALIGNMENT = 2 ** 20;
const DEFAULT_ALIGNMENT = 32;

/** A tensor as the header lists it. */
export interface GgufTensor {
  readonly name: string;
  /** Row-major: the reverse of GGUF's order. */
  readonly shape: readonly number[];
  /** ggml's number of the type. */
  readonly type: number;
  /** Undefined for types Corral does not compute with. */
  readonly dtype: DType | undefined;
  /** First byte in the file. */
  readonly offset: number;
}

/** What stands before the tensors' bytes. */
export interface GgufHeader {
  readonly version: number;
  readonly metadata: ReadonlyMap<string, GgufField>;
  readonly tensors: ReadonlyMap<string, GgufTensor>;
}

/** Reads the header. Throws FORMAT_DAMAGED with the byte where it went wrong, or FORMAT_UNSUPPORTED. */
export function readGgufHeader(source: ByteSource): GgufHeader {
  const reader = new ByteReader(source);
  const version = readVersion(reader);
  const tensorCount = reader.u64('the number of tensors', MAX_TENSORS);
  const entryCount = reader.u64('the number of metadata entries', MAX_ENTRIES);
  const metadata = new Map<string, GgufField>();
  for (let i = 0; i < entryCount; i++) {
    const start = reader.offset;
    const key = readString(reader, 'a metadata key', MAX_KEY_BYTES);
    if (metadata.has(key)) {
      throw reader.damaged('each metadata key once', `${key} a second time`, start);
    }
    metadata.set(key, readField(reader, source, key));
  }
  const alignment = alignmentOf(metadata, reader);
  const listed = [];
  for (let i = 0; i < tensorCount; i++) listed.push(readTensor(reader, alignment));
  const dataStart = Math.ceil(reader.offset / alignment) * alignment;
  return { version, metadata, tensors: placeTensors(listed, { dataStart, alignment, reader }) };
}

function readVersion(reader: ByteReader): number {
  const magic = reader.u32('the magic GGUF');
  const unsupported = (feature: string): Error =>
    errors.FORMAT_UNSUPPORTED({
      path: reader.path,
      feature,
      allowed: 'GGUF versions 2 and 3, little endian',
    });
  if (magic === 0x47475546) throw unsupported('big-endian GGUF, from byte 0 on');
  if (magic !== 0x46554747) {
    const found = magic.toString(16).padStart(8, '0');
    throw reader.damaged('the magic GGUF', `0x${found}`, 0);
  }
  const version = reader.u32('the GGUF version');
  if (version === 2 || version === 3) return version;
  // A big-endian writer's small number has its low byte at the top.
  if ((version & 0xffff) === 0) throw unsupported('big-endian GGUF, from byte 4 on');
  throw unsupported(`GGUF version ${version}`);
}

function readString(reader: ByteReader, what: string, max: number): string {
  return reader.string(reader.u64(`the length of ${what}`, max), what, max);
}

function readType(reader: ByteReader, what: string): GgufType {
  const number = reader.u32(`the type of ${what}`);
  const type = ggufTypes[number];
  if (type === undefined) {
    throw reader.damaged(
      `the type of ${what} (0 to ${ggufTypes.length - 1})`,
      `${number}`,
      reader.offset - 4,
    );
  }
  return type.name;
}

function readField(reader: ByteReader, source: ByteSource, key: string): GgufField {
  const type = readType(reader, key);
  if (type === 'array') return { type, value: readArray(reader, source, key, 1) };
  return { type, value: readScalar(reader, type, key) };
}

function readScalar(reader: ByteReader, type: Exclude<GgufType, 'array'>, what: string): GgufItem {
  switch (type) {
    case 'u8':
      return reader.u8(what);
    case 'i8':
      return reader.i8(what);
    case 'u16':
      return reader.u16(what);
    case 'i16':
      return reader.i16(what);
    case 'u32':
      return reader.u32(what);
    case 'i32':
      return reader.i32(what);
    case 'f32':
      return reader.f32(what);
    case 'bool':
      return reader.u8(what) !== 0;
    case 'string':
      return readString(reader, what, MAX_STRING_BYTES);
    case 'u64':
      return small(reader.u64AsBigInt(what));
    case 'i64':
      return small(reader.i64AsBigInt(what));
    case 'f64':
      return reader.f64(what);
  }
}

function small(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

// Moves past the array; its items are read from the file when they are asked for.
function readArray(reader: ByteReader, source: ByteSource, key: string, depth: number): GgufArray {
  const what = `items of ${key}`;
  const items = readType(reader, what);
  const length = reader.u64(`the number of ${what}`);
  const start = reader.offset;
  // An empty string still has its length, an empty array its type and length.
  const width = ggufTypes.find((type) => type.name === items)?.minimumBytes ?? 1;
  if (length > Math.floor(reader.remaining / width)) {
    throw reader.damaged(`${length} ${what}`, `only ${reader.remaining} bytes left`, start - 8);
  }
  const nested: GgufArray[] = [];
  if (items === 'array') {
    if (depth === MAX_ARRAY_DEPTH) {
      throw reader.damaged(`at most ${MAX_ARRAY_DEPTH} arrays in one another`, 'more', start);
    }
    for (let i = 0; i < length; i++) nested.push(readArray(reader, source, key, depth + 1));
  } else if (items === 'string') {
    for (let i = 0; i < length; i++) {
      reader.skip(reader.u64(`the length of ${what}`, MAX_STRING_BYTES), what);
    }
  } else {
    reader.skip(length * width, what);
  }
  const end = reader.offset;
  return {
    items,
    length,
    values: () => {
      if (items === 'array') return nested;
      const again = new ByteReader(source, { start, end });
      return Array.from({ length }, () => readScalar(again, items, what));
    },
  };
}

function alignmentOf(metadata: ReadonlyMap<string, GgufField>, reader: ByteReader): number {
  const alignment = metadata.get('general.alignment')?.value ?? DEFAULT_ALIGNMENT;
  if (
    typeof alignment !== 'number' ||
    !(alignment >= 1 && alignment <= MAX_ALIGNMENT) ||
    !Number.isInteger(Math.log2(alignment))
  ) {
    throw errors.CONFIG_INVALID({
      path: reader.path,
      field: 'general.alignment',
      expected: `a power of two up to ${MAX_ALIGNMENT}`,
      found: `${typeof alignment === 'object' ? 'an array' : alignment}`,
    });
  }
  return alignment;
}

interface ListedTensor extends GgufTensor {
  /** Where the header says it, for messages. */
  readonly at: number;
}

function readTensor(reader: ByteReader, alignment: number): ListedTensor {
  const at = reader.offset;
  const name = readString(reader, 'a tensor name', MAX_TENSOR_NAME_BYTES);
  const axes = reader.u32(`the number of axes of ${name}`, MAX_AXES);
  const shape: number[] = [];
  let elements = 1;
  for (let axis = 0; axis < axes; axis++) {
    const size = reader.u64(`a size of ${name}`);
    elements *= size;
    if (size === 0 || !Number.isSafeInteger(elements)) {
      throw reader.damaged(`a possible size of ${name}`, `${size}`, reader.offset - 8);
    }
    shape.unshift(size);
  }
  const type = reader.u32(`the type of ${name}`);
  const dtype = dtypeOfGguf(type);
  if (dtype !== undefined && !fitsBlocks(dtype, shape.at(-1) ?? 1)) {
    const { blockSize } = dtypes[dtype];
    throw reader.damaged(
      `rows of ${name} in whole blocks of ${blockSize}`,
      `${shape.at(-1) ?? 1} columns`,
      at,
    );
  }
  const offset = reader.u64(`the offset of ${name}`);
  if (offset % alignment !== 0) {
    throw reader.damaged(`an offset of ${name} aligned to ${alignment}`, `${offset}`, at);
  }
  return { name, shape, type, dtype, offset, at };
}

function placeTensors(
  listed: readonly ListedTensor[],
  layout: { dataStart: number; alignment: number; reader: ByteReader },
): Map<string, GgufTensor> {
  const { dataStart, alignment, reader } = layout;
  const tensors = new Map<string, GgufTensor>();
  let free = { from: dataStart, name: 'the header', isKnown: true };
  const byOffset = [...listed].sort((a, b) => a.offset - b.offset);
  for (const { name, dtype, shape, offset: relative, at } of byOffset) {
    const offset = dataStart + relative;
    // Of a type we do not know at least one byte must be there.
    const bytes = dtype === undefined ? 1 : tensorBytes(dtype, shape);
    if (!(offset + bytes <= reader.end)) {
      const expected = `${bytes} bytes of ${name} from ${offset} on`;
      throw reader.damaged(expected, `a file of ${reader.end} bytes`, at);
    }
    if (offset < free.from) {
      throw reader.damaged(`${name} behind ${free.name}`, 'tensors over one another', at);
    }
    free = { from: offset + bytes, name, isKnown: dtype !== undefined };
  }
  // What follows is no part of the model: two files in one, or another header than its tensors'.
  const end = Math.ceil(free.from / alignment) * alignment;
  if (free.isKnown && reader.end > end) {
    throw reader.damaged(
      `the end of the file, behind ${free.name}`,
      `${reader.end - end} more bytes`,
      end,
    );
  }
  for (const { at, offset, ...tensor } of listed) {
    if (tensors.has(tensor.name)) {
      throw reader.damaged('each tensor name once', `${tensor.name} a second time`, at);
    }
    tensors.set(tensor.name, { ...tensor, offset: dataStart + offset });
  }
  return tensors;
}
