// Reads a safetensors file: the header's length, its JSON and every offset are checked before they are
// believed; tensors must fill the file without gaps or overlaps, as the format demands.
// Knows nothing of models.
import * as z from 'zod';
import { errors } from '../base/errors.ts';
import type { DType } from '../tensor/dtype.ts';
import { ByteReader } from './byte-reader.ts';
import type { ByteSource, SourceFile } from './files.ts';
import { parseJson } from './json-file.ts';
import { fileView, type TensorView } from './tensor-view.ts';

// The format's own limit.
const MAX_HEADER_BYTES = 100_000_000;
const MAX_AXES = 8;

const elementTypes: Readonly<Record<string, { readonly bytes: number; readonly dtype?: DType }>> = {
  F32: { bytes: 4, dtype: 'f32' },
  F16: { bytes: 2, dtype: 'f16' },
  BF16: { bytes: 2, dtype: 'bf16' },
  F64: { bytes: 8 },
  I64: { bytes: 8 },
  U64: { bytes: 8 },
  I32: { bytes: 4 },
  U32: { bytes: 4 },
  I16: { bytes: 2 },
  U16: { bytes: 2 },
  I8: { bytes: 1 },
  U8: { bytes: 1 },
  BOOL: { bytes: 1 },
  F8_E4M3: { bytes: 1 },
  F8_E5M2: { bytes: 1 },
};

const size = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const entrySchema = z.strictObject({
  dtype: z.string(),
  shape: z.array(size).max(MAX_AXES),
  data_offsets: z.tuple([size, size]),
});

/** A tensor of a safetensors file; without a view where Corral does not compute with its type. */
export interface SafetensorsTensor {
  readonly type: string;
  readonly shape: readonly number[];
  readonly view: TensorView | undefined;
  /** All its bytes, of whatever type. */
  readonly readBytes: () => Promise<Uint8Array>;
}

/** What a safetensors file holds. */
export interface SafetensorsFile {
  readonly metadata: Readonly<Record<string, string>>;
  readonly tensors: ReadonlyMap<string, SafetensorsTensor>;
}

/** Does a file begin like safetensors: a length inside the file, then a JSON object? */
export function looksLikeSafetensors(source: ByteSource): boolean {
  if (source.size < 10) return false;
  const start = source.readSync(0, 9);
  const length = new DataView(start.buffer, start.byteOffset, 9).getBigUint64(0, true);
  return length >= 2n && length <= BigInt(source.size - 8) && start[8] === 0x7b;
}

/** Throws FORMAT_DAMAGED or DTYPE_UNSUPPORTED. */
export function readSafetensors(file: SourceFile): SafetensorsFile {
  const reader = new ByteReader(file);
  const length = reader.u64('length of the header', MAX_HEADER_BYTES);
  if (length > reader.remaining) {
    throw reader.damaged('a header inside the file', `a header of ${length} bytes`, 0);
  }
  const text = decode(reader.bytes(length, 'header'), file.path);
  if (!text.startsWith('{')) throw reader.damaged('a JSON object', text.slice(0, 20), 8);
  const json = parseJson(text, file.path) as Record<string, unknown>;
  checkKeysOnce(text, json, reader);
  const { __metadata__: metadata = {}, ...entries } = json;
  const strings = z.record(z.string(), z.string()).safeParse(metadata);
  if (!strings.success) throw reader.damaged('metadata of strings', 'other values', 8);
  const places: Place[] = [];
  for (const name of Object.keys(entries)) {
    places.push(readEntry(name, entries[name], { reader, dataStart: 8 + length }));
  }
  checkNoGaps(places, reader);
  const tensors = new Map<string, SafetensorsTensor>();
  for (const { name, type, shape, start, end } of places) {
    const dtype = elementTypes[type]?.dtype;
    const offset = 8 + length + start;
    const view = dtype && fileView(file, { offset, dtype, shape });
    const readBytes = (): Promise<Uint8Array> => file.read(offset, end - start);
    tensors.set(name, { type, shape, view, readBytes });
  }
  return { metadata: strings.data, tensors };
}

interface Place {
  readonly name: string;
  readonly type: string;
  readonly shape: readonly number[];
  readonly start: number;
  readonly end: number;
}

function readEntry(
  name: string,
  value: unknown,
  { reader, dataStart }: { readonly reader: ByteReader; readonly dataStart: number },
): Place {
  const entry = entrySchema.safeParse(value);
  const quoted = JSON.stringify(name.slice(0, 100));
  if (!entry.success) {
    const found = (JSON.stringify(value) ?? '').slice(0, 100);
    throw reader.damaged(`dtype, shape and data_offsets of ${quoted}`, found, 8);
  }
  const { dtype: type, shape, data_offsets: offsets } = entry.data;
  const element = Object.hasOwn(elementTypes, type) ? elementTypes[type] : undefined;
  if (element === undefined) {
    throw errors.DTYPE_UNSUPPORTED({
      dtype: type.slice(0, 40),
      where: `Tensor ${quoted} of ${reader.path}`,
      allowed: 'F32, F16, BF16',
    });
  }
  const [start, end] = offsets;
  const bytes = shape.reduce((product, axis) => product * axis, element.bytes);
  if (end - start !== bytes) {
    const expected = `${bytes} bytes of ${quoted}, ${type} [${shape.join(', ')}]`;
    throw reader.damaged(expected, `data_offsets ${start} to ${end}`, dataStart + start);
  }
  return { name, type, shape, start, end };
}

function checkNoGaps(places: readonly Place[], reader: ByteReader): void {
  const dataStart = reader.offset;
  let end = 0;
  for (const place of [...places].sort((a, b) => a.start - b.start || a.end - b.end)) {
    if (place.start !== end) {
      const quoted = JSON.stringify(place.name.slice(0, 100));
      throw reader.damaged(
        `${quoted} to begin at ${end}, where the tensor before it ends`,
        `${place.start}`,
        Math.min(dataStart + place.start, reader.end),
      );
    }
    end = place.end;
  }
  if (end !== reader.remaining) {
    throw reader.damaged(`${end} bytes of tensors after the header`, `${reader.remaining}`);
  }
}

// JSON.parse keeps the last of equal keys in silence; two tensors of one name are an attack or a bug.
function checkKeysOnce(text: string, json: unknown, reader: ByteReader): void {
  let written = 0;
  let inString = false;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (inString && code === 0x5c) i += 1;
    else if (code === 0x22) inString = !inString;
    else if (!inString && code === 0x3a) written += 1;
  }
  let kept = 0;
  const pending: unknown[] = [json];
  while (pending.length > 0) {
    const value = pending.pop();
    if (typeof value !== 'object' || value === null) continue;
    const children = Object.values(value);
    if (!Array.isArray(value)) kept += children.length;
    for (const child of children) if (typeof child === 'object') pending.push(child);
  }
  if (written !== kept) {
    throw reader.damaged('each name once', `${written - kept} names twice`, 8);
  }
}

function decode(bytes: Uint8Array, path: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw errors.FORMAT_DAMAGED(
      { path, offset: 8, expected: 'a header in UTF-8', found: 'other bytes' },
      { cause },
    );
  }
}
