// The file that keeps a model's packed weights: a header that says what of which source they are, and the
// panels of one matrix after another, each on a page of its own, to be mapped. What is read here is
// believed as far as a hash covers it; the panels carry checksums, which who maps them compares.
import { createHash } from 'node:crypto';
import type { Stats } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { z } from 'zod';

const magic = Buffer.from('CORRALPK');
const version = 1;
const prefixBytes = magic.length + 2 * 4 + 32;
// A 70B model has 561 matrices of some 200 bytes each here.
const maxHeaderBytes = 16 * 2 ** 20;
const pageBytes = 4096;

/** A file as it was at some moment: any change to it shows in one of these. */
export interface SourceIdentity {
  readonly path: string;
  readonly size: number;
  /** Nanoseconds, as text. The second one cannot be set back by those who change a file. */
  readonly modifiedAt: string;
  readonly changedAt: string;
}

/** A matrix of the source, and what its panels take. */
export interface PackedTensor {
  /** Where the matrix lies in the source. */
  readonly at: number;
  readonly sourceBytes: number;
  readonly dtype: string;
  /** [rows, columns] */
  readonly shape: readonly number[];
  readonly bytes: number;
  /** Two words of 32 bits, the lower one first. */
  readonly checksum: readonly [number, number];
}

/** What a file of packed weights says of itself. */
export interface PackedHeader {
  /** Number of the panels' layout. */
  readonly layout: number;
  readonly source: SourceIdentity;
  readonly tensors: readonly PackedTensor[];
}

const count = z.int().nonnegative();
const headerShape: z.ZodType<PackedHeader> = z.object({
  layout: z.int(),
  source: z.object({
    path: z.string(),
    size: count,
    modifiedAt: z.string(),
    changedAt: z.string(),
  }),
  tensors: z.array(
    z.object({
      at: count,
      sourceBytes: count,
      dtype: z.string(),
      shape: z.array(count),
      bytes: count,
      checksum: z.tuple([count, count]),
    }),
  ),
});

/** The file as it is now. Throws what stat throws. */
export async function identify(path: string): Promise<SourceIdentity> {
  const { size, mtimeNs, ctimeNs } = await stat(path, { bigint: true });
  return { path, size: Number(size), modifiedAt: `${mtimeNs}`, changedAt: `${ctimeNs}` };
}

/** Whether two looks at a file found the same. */
export function isSame(a: SourceIdentity, b: SourceIdentity): boolean {
  return (
    a.path === b.path &&
    a.size === b.size &&
    a.modifiedAt === b.modifiedAt &&
    a.changedAt === b.changedAt
  );
}

/** The beginning of a file, up to the first panel. */
export function encodeHeader(header: PackedHeader): Uint8Array {
  const json = Buffer.from(JSON.stringify(header));
  const bytes = Buffer.alloc(roundToPage(prefixBytes + json.length));
  magic.copy(bytes);
  bytes.writeUInt32LE(version, magic.length);
  bytes.writeUInt32LE(json.length, magic.length + 4);
  createHash('sha256')
    .update(json)
    .digest()
    .copy(bytes, magic.length + 8);
  json.copy(bytes, prefixBytes);
  return bytes;
}

/** Where the panels of each tensor begin, and the length of the file. */
export function placePanels({ tensors }: PackedHeader, headerBytes: number): PanelPlaces {
  let end = headerBytes;
  const offsets = tensors.map(({ bytes }) => {
    const offset = roundToPage(end);
    end = offset + bytes;
    return offset;
  });
  return { offsets, end };
}

/** Offsets in a file of packed weights. */
export interface PanelPlaces {
  readonly offsets: readonly number[];
  readonly end: number;
}

/** A header that was read, the panels' places and the file's age; or in words why there is none. */
export type ReadHeader =
  | { readonly header: PackedHeader; readonly places: PanelPlaces; readonly file: Stats }
  | { readonly problem: string };

/** Reads a header. Undefined where there is no such file; throws where it cannot be read. */
export async function readHeader(path: string): Promise<ReadHeader | undefined> {
  const handle = await open(path, 'r').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (handle === undefined) return undefined;
  try {
    const file = await handle.stat();
    const prefix = await readExactly(handle, 0, prefixBytes);
    if (prefix === undefined) return { problem: 'it is too short' };
    if (!prefix.subarray(0, magic.length).equals(magic)) return { problem: 'it is another file' };
    if (prefix.readUInt32LE(magic.length) !== version)
      return { problem: 'it is of another version' };
    const length = prefix.readUInt32LE(magic.length + 4);
    if (length > maxHeaderBytes) return { problem: 'its header is too long' };
    const json = await readExactly(handle, prefixBytes, length);
    if (json === undefined) return { problem: 'it is too short' };
    const hash = createHash('sha256').update(json).digest();
    if (!prefix.subarray(magic.length + 8).equals(hash))
      return { problem: 'its header is damaged' };
    const header = headerShape.parse(JSON.parse(json.toString()));
    const places = placePanels(header, roundToPage(prefixBytes + length));
    if (file.size !== places.end) return { problem: `it has ${file.size} bytes of ${places.end}` };
    return { header, places, file };
  } finally {
    await handle.close();
  }
}

async function readExactly(
  handle: FileHandle,
  position: number,
  length: number,
): Promise<Buffer | undefined> {
  const bytes = Buffer.alloc(length);
  const { bytesRead } = await handle.read(bytes, 0, length, position);
  return bytesRead === length ? bytes : undefined;
}

function roundToPage(bytes: number): number {
  return Math.ceil(bytes / pageBytes) * pageBytes;
}
