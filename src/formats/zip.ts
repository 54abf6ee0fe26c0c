// The list of a zip archive's entries and where their bytes lie. Stored entries only, as torch writes
// them; zip64 and data descriptors included. Sizes come from the central directory and are bounded by
// the file before they are believed. Knows nothing of what the entries hold.
import { errors } from '../base/errors.ts';
import { ByteReader } from './byte-reader.ts';
import type { ByteSource } from './files.ts';

/** Bytes [offset, offset + size) of the archive. */
export interface ZipEntry {
  readonly name: string;
  readonly offset: number;
  readonly size: number;
}

const endSignature = 0x06054b50;
const end64Signature = 0x06064b50;
const locator64Signature = 0x07064b50;
const centralSignature = 0x02014b50;
const localSignature = 0x04034b50;
const END_BYTES = 22;
const MAX_COMMENT_BYTES = 0xffff;
const LOCATOR64_BYTES = 20;
// a 70B shard has under a thousand entries; bounds the memory of a directory of empty ones
const MAX_ENTRIES = 2 ** 16;
const MAX_NAME_BYTES = 4096;

interface Directory {
  readonly entries: number;
  readonly offset: number;
  readonly size: number;
}

/** Entries by name, without reading their contents. Throws FORMAT_DAMAGED or FORMAT_UNSUPPORTED. */
export function readZipDirectory(source: ByteSource): Map<string, ZipEntry> {
  const directory = findDirectory(source);
  const reader = new ByteReader(source, {
    start: directory.offset,
    end: directory.offset + directory.size,
  });
  const entries = new Map<string, ZipEntry>();
  for (let i = 0; i < directory.entries; i++) {
    const entry = readEntry(source, reader, directory);
    if (entries.has(entry.name)) {
      throw reader.damaged('each entry once', `a second entry ${JSON.stringify(entry.name)}`);
    }
    entries.set(entry.name, entry);
  }
  checkOverlaps(source, [...entries.values()], directory.offset);
  return entries;
}

function findDirectory(source: ByteSource): Directory {
  const tailStart = Math.max(0, source.size - END_BYTES - MAX_COMMENT_BYTES);
  const tail = source.readSync(tailStart, source.size - tailStart);
  const view = new DataView(tail.buffer, tail.byteOffset, tail.byteLength);
  let at = tail.byteLength - END_BYTES;
  while (at >= 0) {
    const isEnd = view.getUint32(at, true) === endSignature;
    if (isEnd && at + END_BYTES + view.getUint16(at + 20, true) === tail.byteLength) break;
    at -= 1;
  }
  if (at < 0) {
    throw errors.FORMAT_DAMAGED({
      path: source.path,
      offset: source.size,
      expected: 'the end record of a zip archive',
      found: 'none; the file may be cut off',
    });
  }
  const end = tailStart + at;
  const reader = new ByteReader(source, { start: end + 8 });
  let entries = reader.u16('entries on this disk');
  const total = reader.u16('entries');
  let size = reader.u32('size of the central directory');
  let offset = reader.u32('offset of the central directory');
  if (entries !== total)
    throw reader.damaged('an archive in one part', 'one in several parts', end);
  let limit = end;
  if (entries === 0xffff || size === 0xffffffff || offset === 0xffffffff) {
    const locator = new ByteReader(source, { start: Math.max(0, end - LOCATOR64_BYTES), end });
    if (end < LOCATOR64_BYTES || locator.u32('zip64 locator') !== locator64Signature) {
      throw reader.damaged('a zip64 locator', 'none', Math.max(0, end - LOCATOR64_BYTES));
    }
    locator.skip(4, 'zip64 disk');
    limit = locator.u64('offset of the zip64 end record', end);
    const record = new ByteReader(source, { start: limit, end });
    if (record.u32('zip64 end record') !== end64Signature) {
      throw record.damaged('a zip64 end record', 'other bytes', limit);
    }
    record.skip(28, 'zip64 end record');
    entries = record.u64('zip64 entries', MAX_ENTRIES);
    size = record.u64('zip64 size of the central directory', limit);
    offset = record.u64('zip64 offset of the central directory', limit);
  }
  if (offset + size > limit) {
    throw reader.damaged(`a central directory before byte ${limit}`, `${offset} + ${size}`, end);
  }
  // 46 bytes is the shortest record
  if (entries > MAX_ENTRIES || entries * 46 > size) {
    throw reader.damaged(`at most ${MAX_ENTRIES} entries in ${size} bytes`, `${entries}`, end);
  }
  return { entries, offset, size };
}

function readEntry(source: ByteSource, reader: ByteReader, directory: Directory): ZipEntry {
  const start = reader.offset;
  if (reader.u32('central directory record') !== centralSignature) {
    throw reader.damaged('a central directory record', 'other bytes', start);
  }
  reader.skip(4, 'versions');
  const flags = reader.u16('flags');
  const method = reader.u16('compression method');
  reader.skip(8, 'time and checksum');
  let packed = reader.u32('packed size');
  let size = reader.u32('size');
  const nameBytes = reader.u16('name length');
  const extraBytes = reader.u16('extra length');
  const commentBytes = reader.u16('comment length');
  reader.skip(8, 'attributes');
  let header = reader.u32('offset of the local header');
  const name = reader.string(nameBytes, 'entry name', MAX_NAME_BYTES);
  const extraEnd = reader.offset + extraBytes;
  while (reader.offset + 4 <= extraEnd) {
    const id = reader.u16('extra id');
    const length = reader.u16('extra length');
    const next = reader.offset + length;
    if (next > extraEnd)
      throw reader.damaged('an extra field inside its record', `${length} bytes`);
    if (id === 1) {
      if (size === 0xffffffff) size = reader.u64('zip64 size', source.size);
      if (packed === 0xffffffff) packed = reader.u64('zip64 packed size', source.size);
      if (header === 0xffffffff) header = reader.u64('zip64 offset', source.size);
    }
    reader.seek(next, 'extra field');
  }
  reader.seek(extraEnd, 'extra field');
  reader.skip(commentBytes, 'comment');
  if ((flags & 1) !== 0 || method !== 0) {
    throw errors.FORMAT_UNSUPPORTED({
      path: source.path,
      feature: (flags & 1) !== 0 ? 'encrypted zip entries' : `zip compression method ${method}`,
      allowed: 'stored (uncompressed) zip entries, as torch.save writes them',
    });
  }
  if (packed !== size) throw reader.damaged(`${packed} bytes as packed`, `${size}`, start);
  return { name, size, offset: dataOffset(source, { header, size, directory }) };
}

// The local header repeats the name and has an extra field of its own length (torch pads with it).
function dataOffset(
  source: ByteSource,
  { header, size, directory }: { header: number; size: number; directory: Directory },
): number {
  const bytes = source.readSync(header, Math.min(30, Math.max(0, source.size - header)));
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.byteLength < 30 || view.getUint32(0, true) !== localSignature) {
    throw errors.FORMAT_DAMAGED({
      path: source.path,
      offset: header,
      expected: 'a local header',
      found: 'other bytes',
    });
  }
  const offset = header + 30 + view.getUint16(26, true) + view.getUint16(28, true);
  if (offset + size > directory.offset) {
    throw errors.FORMAT_DAMAGED({
      path: source.path,
      offset: header,
      expected: `an entry that ends before byte ${directory.offset}`,
      found: `${size} bytes from ${offset}`,
    });
  }
  return offset;
}

// Overlapping entries let a small file claim large contents; no writer makes them.
function checkOverlaps(source: ByteSource, entries: readonly ZipEntry[], limit: number): void {
  const sorted = [...entries].sort((a, b) => a.offset - b.offset);
  for (const [i, entry] of sorted.entries()) {
    const next = sorted[i + 1]?.offset ?? limit;
    if (entry.offset + entry.size > next) {
      throw errors.FORMAT_DAMAGED({
        path: source.path,
        offset: entry.offset,
        expected: 'entries that do not overlap',
        found: `${JSON.stringify(entry.name)} running past byte ${next}`,
      });
    }
  }
}
