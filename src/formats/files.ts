// Files read by position and written whole or not at all, for every format. Guarantees that no byte
// outside a file is ever asked for and that a failed write leaves nothing behind.
// Knows nothing of any format; the cursor over a file's bytes is byte-reader.ts.
import { randomUUID } from 'node:crypto';
import { close, fstatSync, openSync, read, readSync, type Stats } from 'node:fs';
import { type FileHandle, open, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { errors } from '../base/errors.ts';
import { messageOf } from '../base/message-of.ts';

// One read call takes at most 2 GiB - 1 on Linux; larger ones are split.
const MAX_READ_BYTES = 2 ** 30;
const SINK_BUFFER_BYTES = 2 ** 20;

/** Bytes that can be read by position: a file, or memory in tests and nested archives. */
export interface ByteSource {
  /** Named in errors. */
  readonly path: string;
  readonly size: number;
  /** Bytes [offset, offset + length). Throws FORMAT_DAMAGED when they are not all there. */
  readSync(offset: number, length: number): Uint8Array;
}

// Plain descriptors: Node ends the process when it collects a FileHandle that nobody closed.
const readDescriptor = promisify(read);
const closeDescriptor = promisify(close);

/** An open file, read by position. Close it. */
export class SourceFile implements ByteSource {
  readonly path: string;
  readonly size: number;
  readonly #descriptor: number;
  readonly #reading = new Set<Promise<unknown>>();
  #closing: Promise<void> | undefined;

  constructor(path: string, size: number, descriptor: number) {
    this.path = path;
    this.size = size;
    this.#descriptor = descriptor;
  }

  /** Bytes [offset, offset + length), freshly allocated. Throws FORMAT_DAMAGED when they are not all in the file. */
  async read(offset: number, length: number): Promise<Uint8Array> {
    this.#check(offset, length);
    const bytes = new Uint8Array(length);
    let done = 0;
    while (done < length) {
      const part = Math.min(length - done, MAX_READ_BYTES);
      const bytesRead = await this.#readPart(bytes, done, part, offset + done);
      if (bytesRead === 0) throw this.#cutShort(offset + done, length - done);
      done += bytesRead;
    }
    return bytes;
  }

  /** As read, at once: for headers, which are parsed step by step. */
  readSync(offset: number, length: number): Uint8Array {
    this.#check(offset, length);
    const bytes = new Uint8Array(length);
    let done = 0;
    while (done < length) {
      const part = Math.min(length - done, MAX_READ_BYTES);
      let bytesRead = 0;
      try {
        bytesRead = readSync(this.#descriptor, bytes, done, part, offset + done);
      } catch (cause) {
        this.#unreadable(cause);
      }
      if (bytesRead === 0) throw this.#cutShort(offset + done, length - done);
      done += bytesRead;
    }
    return bytes;
  }

  /** Waits for reads that are under way: their descriptor could be another file's by then. */
  close(): Promise<void> {
    this.#closing ??= Promise.allSettled(this.#reading).then(() =>
      closeDescriptor(this.#descriptor),
    );
    return this.#closing;
  }

  async #readPart(
    bytes: Uint8Array,
    at: number,
    length: number,
    position: number,
  ): Promise<number> {
    this.#checkOpen();
    const reading = readDescriptor(this.#descriptor, bytes, at, length, position);
    this.#reading.add(reading);
    try {
      return (await reading).bytesRead;
    } catch (cause) {
      return this.#unreadable(cause);
    } finally {
      this.#reading.delete(reading);
    }
  }

  #check(offset: number, length: number): void {
    this.#checkOpen();
    checkRange(this, offset, length);
  }

  #checkOpen(): void {
    if (this.#closing === undefined) return;
    throw errors.FILE_UNREADABLE({ path: this.path, reason: 'it was closed' });
  }

  #cutShort(offset: number, missing: number): Error {
    return errors.FORMAT_DAMAGED({
      path: this.path,
      offset,
      expected: `${missing} more bytes`,
      found: 'the end of a file that became shorter while it was open',
    });
  }

  #unreadable(cause: unknown): never {
    throw errors.FILE_UNREADABLE({ path: this.path, reason: reasonOf(cause) }, { cause });
  }
}

/** Opens a regular file for reading. Throws FILE_NOT_FOUND, FILE_KIND_WRONG or FILE_UNREADABLE. */
export async function openFile(path: string): Promise<SourceFile> {
  try {
    // stat first: opening a named pipe would wait for a writer for ever.
    const before = await stat(path);
    checkRegular(path, before);
    const descriptor = openSync(path, 'r');
    return new SourceFile(path, fstatSync(descriptor).size, descriptor);
  } catch (cause) {
    const code = codeOf(cause);
    if (code === 'ENOENT' || code === 'ENOTDIR') throw errors.FILE_NOT_FOUND({ path }, { cause });
    if (code !== undefined)
      throw errors.FILE_UNREADABLE({ path, reason: reasonOf(cause) }, { cause });
    throw cause;
  }
}

function checkRegular(path: string, found: Stats): void {
  if (found.isFile()) return;
  throw errors.FILE_KIND_WRONG({ path, found: kindOfPlace(found), needed: 'a regular file' });
}

/** What stands at a path, in words. */
export function kindOfPlace(found: Stats): string {
  if (found.isDirectory()) return 'a folder';
  if (found.isFIFO()) return 'a pipe';
  if (found.isSocket()) return 'a socket';
  return found.isFile() ? 'a file' : 'a device';
}

/** Memory as a source of bytes. */
export function bytesAsSource(bytes: Uint8Array, path: string): ByteSource {
  return {
    path,
    size: bytes.byteLength,
    readSync(offset: number, length: number): Uint8Array {
      checkRange(this, offset, length);
      return bytes.subarray(offset, offset + length);
    },
  };
}

/** Receives a file's bytes in order. */
export interface FileSink {
  /** Bytes written so far. */
  readonly position: number;
  /** The bytes may be reused once this resolves. */
  write(bytes: Uint8Array): Promise<void>;
  /** Writes zeros up to the next multiple of `alignment`. */
  pad(alignment: number): Promise<void>;
}

/**
 * Writes a file beside its place under another name and moves it there when it is whole and on disk:
 * readers see the old file or the new one. On failure the part is removed and the error passed on.
 * Throws FILE_KIND_WRONG where a folder, a pipe or a device would be replaced.
 */
export async function writeFileAtomically(
  path: string,
  write: (sink: FileSink) => Promise<void>,
): Promise<void> {
  const there = await stat(path).catch(() => undefined);
  if (there !== undefined) checkRegular(path, there);
  const folder = dirname(resolve(path));
  const part = join(folder, `.${basename(path)}.${randomUUID()}.part`);
  const unwritable = (cause: unknown): never => {
    throw errors.FILE_UNWRITABLE({ path, reason: reasonOf(cause) }, { cause });
  };
  const handle = await open(part, 'wx').catch(unwritable);
  try {
    const sink = new BufferedSink((bytes) => writeAll(handle, bytes).catch(unwritable));
    await write(sink);
    await sink.flush();
    await handle.sync().catch(unwritable);
    await handle.close();
    await rename(part, path).catch(unwritable);
    await syncFolder(folder);
  } catch (error) {
    await handle.close().catch(() => {});
    await rm(part, { force: true }).catch(() => {});
    throw error;
  }
}

class BufferedSink implements FileSink {
  position = 0;
  readonly #buffer = new Uint8Array(SINK_BUFFER_BYTES);
  #held = 0;
  readonly #out: (bytes: Uint8Array) => Promise<void>;

  constructor(out: (bytes: Uint8Array) => Promise<void>) {
    this.#out = out;
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.position += bytes.byteLength;
    if (this.#held + bytes.byteLength > this.#buffer.byteLength) await this.flush();
    if (bytes.byteLength >= this.#buffer.byteLength) return this.#out(bytes);
    this.#buffer.set(bytes, this.#held);
    this.#held += bytes.byteLength;
  }

  async pad(alignment: number): Promise<void> {
    const rest = this.position % alignment;
    if (rest !== 0) await this.write(new Uint8Array(alignment - rest));
  }

  async flush(): Promise<void> {
    if (this.#held > 0) await this.#out(this.#buffer.subarray(0, this.#held));
    this.#held = 0;
  }
}

async function writeAll(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  let done = 0;
  while (done < bytes.byteLength) {
    const part = Math.min(bytes.byteLength - done, MAX_READ_BYTES);
    done += (await handle.write(bytes, done, part)).bytesWritten;
  }
}

// The new name is safe from a power cut only once the folder is on disk; some file systems and
// Windows cannot do that, and then the rename itself has to be enough.
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => undefined);
  await handle?.sync().catch(() => {});
  await handle?.close().catch(() => {});
}

function checkRange(source: ByteSource, offset: number, length: number): void {
  if (
    Number.isSafeInteger(offset) &&
    Number.isSafeInteger(length) &&
    offset >= 0 &&
    length >= 0 &&
    length <= source.size - offset
  ) {
    return;
  }
  throw errors.FORMAT_DAMAGED({
    path: source.path,
    offset,
    expected: `${length} bytes`,
    found: `a file of ${source.size} bytes`,
  });
}

function codeOf(cause: unknown): string | undefined {
  return cause instanceof Error && 'syscall' in cause
    ? (cause as NodeJS.ErrnoException).code
    : undefined;
}

function reasonOf(cause: unknown): string {
  switch (codeOf(cause)) {
    case 'EACCES':
    case 'EPERM':
      return 'permission denied';
    case 'ENOENT':
      return 'its folder does not exist';
    case 'ENOSPC':
      return 'the disk is full';
    case 'EISDIR':
      return 'it is a folder';
    default:
      return messageOf(cause);
  }
}
