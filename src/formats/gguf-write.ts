// Writes GGUF files (version 3, little endian) as a stream: the header first, since every size is
// known from type and shape, then one tensor after the other. Whole or not at all.
import { invariant } from '../base/invariant.ts';
import { type DType, dtypes, fitsBlocks, tensorBytes } from '../tensor/dtype.ts';
import { type FileSink, writeFileAtomically } from './files.ts';
import {
  type GgufField,
  type GgufItem,
  type GgufType,
  ggufTypes,
  isGgufArray,
} from './gguf-values.ts';

const VERSION = 3;
const ALIGNMENT = 32;

/** A tensor and where its bytes come from. */
export interface GgufTensorToWrite {
  readonly name: string;
  readonly dtype: DType;
  /** Row-major, as everywhere in Corral. */
  readonly shape: readonly number[];
  /** Writes exactly the tensor's bytes. */
  write(sink: FileSink): Promise<void>;
}

/** A file to be. */
export interface GgufToWrite {
  readonly metadata: ReadonlyMap<string, GgufField>;
  readonly tensors: readonly GgufTensorToWrite[];
}

/**
 * Writes a GGUF; returns its size. A failure leaves what was there before.
 * @example await writeGguf('model.gguf', { metadata: ggufMetadata({ config, fileType: 0, name: 'mine' }), tensors });
 */
export async function writeGguf(path: string, { metadata, tensors }: GgufToWrite): Promise<number> {
  let size = 0;
  await writeFileAtomically(path, async (sink) => {
    await sink.write(encodeHeader(metadata, tensors));
    await sink.pad(ALIGNMENT);
    for (const { name, dtype, shape, write } of tensors) {
      const start = sink.position;
      await write(sink);
      const [written, expected] = [sink.position - start, tensorBytes(dtype, shape)];
      invariant(written === expected, `${name} has ${expected} bytes, ${written} were written`);
      await sink.pad(ALIGNMENT);
    }
    size = sink.position;
  });
  return size;
}

function encodeHeader(
  metadata: ReadonlyMap<string, GgufField>,
  tensors: readonly GgufTensorToWrite[],
): Uint8Array {
  const writer = new ValueWriter();
  writer.number('u32', 0x46554747);
  writer.number('u32', VERSION);
  writer.number('u64', tensors.length);
  writer.number('u64', metadata.size);
  for (const [key, { type, value }] of metadata) {
    writer.string(key);
    writer.number('u32', numberOf(type));
    writer.value(type, value);
  }
  let offset = 0;
  for (const { name, dtype, shape } of tensors) {
    invariant(fitsBlocks(dtype, shape.at(-1) ?? 1), `rows of ${name} are no whole ${dtype} blocks`);
    writer.string(name);
    writer.number('u32', shape.length);
    for (const axis of shape.toReversed()) writer.number('u64', axis);
    writer.number('u32', dtypes[dtype].gguf);
    writer.number('u64', offset);
    offset += Math.ceil(tensorBytes(dtype, shape) / ALIGNMENT) * ALIGNMENT;
  }
  return writer.finish();
}

function numberOf(type: GgufType): number {
  return ggufTypes.findIndex(({ name }) => name === type);
}

// Bytes that grow as values are put behind one another.
class ValueWriter {
  #bytes = new Uint8Array(2 ** 16);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;
  readonly #encoder = new TextEncoder();

  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  string(text: string): void {
    const bytes = this.#encoder.encode(text);
    this.number('u64', bytes.byteLength);
    const at = this.#room(bytes.byteLength);
    this.#bytes.set(bytes, at);
  }

  value(type: GgufType, value: GgufItem): void {
    if (type === 'array') {
      invariant(isGgufArray(value), 'an array field holds an array');
      this.number('u32', numberOf(value.items));
      this.number('u64', value.length);
      for (const item of value.values()) this.value(value.items, item);
    } else if (type === 'string') {
      invariant(typeof value === 'string', 'a string field holds a string');
      this.string(value);
    } else if (type === 'bool') {
      this.number('u8', value === true ? 1 : 0);
    } else {
      invariant(typeof value === 'number' || typeof value === 'bigint', `a ${type} is a number`);
      this.number(type, value);
    }
  }

  number(type: Exclude<GgufType, 'array' | 'string' | 'bool'>, value: number | bigint): void {
    const width = ggufTypes.find(({ name }) => name === type)?.minimumBytes ?? 0;
    const at = this.#room(width);
    const view = this.#view;
    switch (type) {
      case 'u8':
        view.setUint8(at, Number(value));
        break;
      case 'i8':
        view.setInt8(at, Number(value));
        break;
      case 'u16':
        view.setUint16(at, Number(value), true);
        break;
      case 'i16':
        view.setInt16(at, Number(value), true);
        break;
      case 'u32':
        view.setUint32(at, Number(value), true);
        break;
      case 'i32':
        view.setInt32(at, Number(value), true);
        break;
      case 'f32':
        view.setFloat32(at, Number(value), true);
        break;
      case 'f64':
        view.setFloat64(at, Number(value), true);
        break;
      case 'u64':
        view.setBigUint64(at, BigInt(value), true);
        break;
      case 'i64':
        view.setBigInt64(at, BigInt(value), true);
        break;
    }
  }

  #room(bytes: number): number {
    const at = this.#length;
    this.#length += bytes;
    if (this.#length > this.#bytes.byteLength) {
      const grown = new Uint8Array(2 * this.#length);
      grown.set(this.#bytes);
      this.#bytes = grown;
      this.#view = new DataView(grown.buffer);
    }
    return at;
  }
}
