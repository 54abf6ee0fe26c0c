// A file while it is being downloaded: its bytes in one sparse file, and beside it a journal of what
// each segment holds already. The journal never runs ahead of the bytes, so a killed process loses at
// most the last few megabytes; whatever a power cut spoils is caught by the hash at the end.
import { createHash } from 'node:crypto';
import { constants, existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { type FileHandle, mkdir, open, rename, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { errors } from '../base/errors.ts';
import { messageOf } from '../base/message-of.ts';
import type { RepositoryFile } from './hub.ts';

/** A run of bytes [start, end) that one request fetches; `done` of them are on disk. */
export interface Segment {
  readonly start: number;
  readonly end: number;
  done: number;
}

const journalShape = z.object({
  hash: z.string(),
  size: z.int().nonnegative(),
  segmentBytes: z.int().positive(),
  done: z.array(z.int().nonnegative()),
});

const journalEveryBytes = 4 * 2 ** 20;

/** One file of a pull under way. `files` is where it goes when whole, `parts` where it grows. */
export class PartialFile {
  readonly file: RepositoryFile;
  readonly target: string;
  readonly dataPath: string;
  segments: readonly Segment[] = [];
  readonly #journalPath: string;
  readonly #segmentBytes: number;
  #handle: Promise<FileHandle> | undefined;
  #unwritten = 0;

  constructor(
    file: RepositoryFile,
    folders: { readonly files: string; readonly parts: string; readonly segmentBytes: number },
  ) {
    this.file = file;
    this.target = join(folders.files, ...file.path.split('/'));
    const key = createHash('sha256').update(file.path).digest('hex').slice(0, 24);
    this.dataPath = join(folders.parts, `${key}.data`);
    this.#journalPath = join(folders.parts, `${key}.json`);
    this.#segmentBytes = folders.segmentBytes;
  }

  /** True when the whole file was verified and put in place before. */
  async isComplete(): Promise<boolean> {
    try {
      return (await stat(this.target)).size === this.file.size;
    } catch {
      return false;
    }
  }

  /** Reads the journal of an earlier attempt, or starts one. */
  prepare(): void {
    const done = this.#readJournal();
    const segments: Segment[] = [];
    for (let start = 0; start < this.file.size; start += this.#segmentBytes) {
      const end = Math.min(start + this.#segmentBytes, this.file.size);
      segments.push({ start, end, done: Math.min(done[segments.length] ?? 0, end - start) });
    }
    this.segments = segments;
  }

  /** Bytes on disk. */
  get bytesDone(): number {
    return this.segments.reduce((sum, segment) => sum + segment.done, 0);
  }

  /** Writes what follows in a segment. */
  async append(segment: Segment, bytes: Uint8Array): Promise<void> {
    const handle = await this.#open();
    let written = 0;
    while (written < bytes.length) {
      const at = segment.start + segment.done;
      const result = await handle
        .write(bytes, written, bytes.length - written, at)
        .catch((cause: unknown) => {
          throw describeWriteFailure(cause, this.target, this.file.size - this.bytesDone);
        });
      written += result.bytesWritten;
      segment.done += result.bytesWritten;
    }
    this.#unwritten += bytes.length;
    if (this.#unwritten >= journalEveryBytes) this.saveJournal();
  }

  /** Notes on disk how far each segment is. */
  saveJournal(): void {
    if (this.#unwritten === 0) return;
    this.#unwritten = 0;
    const journal = {
      hash: this.file.hash.hex,
      size: this.file.size,
      segmentBytes: this.#segmentBytes,
      done: this.segments.map((segment) => segment.done),
    } satisfies z.infer<typeof journalShape>;
    writeFileSync(`${this.#journalPath}.new`, JSON.stringify(journal));
    renameSync(`${this.#journalPath}.new`, this.#journalPath);
  }

  /** Throws away what was downloaded. */
  async restart(): Promise<void> {
    await this.close();
    this.#discard();
    this.prepare();
  }

  /** Puts the verified file in its place. */
  async finish(): Promise<void> {
    await mkdir(dirname(this.target), { recursive: true });
    const handle = await this.#open();
    await handle.sync();
    await this.close();
    await rename(this.dataPath, this.target);
    rmSync(this.#journalPath, { force: true });
  }

  /** Lets go of the file on disk; the journal stays. */
  async close(): Promise<void> {
    const handle = this.#handle;
    this.#handle = undefined;
    this.saveJournal();
    await (await handle)?.close();
  }

  #readJournal(): readonly number[] {
    let text: string;
    try {
      text = readFileSync(this.#journalPath, 'utf8');
    } catch {
      this.#discard();
      return [];
    }
    const read = journalShape.safeParse(parseJson(text));
    const fits =
      read.success &&
      read.data.hash === this.file.hash.hex &&
      read.data.size === this.file.size &&
      read.data.segmentBytes === this.#segmentBytes &&
      existsSync(this.dataPath);
    if (fits) return read.data.done;
    this.#discard();
    return [];
  }

  #discard(): void {
    this.#unwritten = 0;
    rmSync(this.#journalPath, { force: true });
    rmSync(this.dataPath, { force: true });
  }

  // One promise for all workers: a second opening must never empty what the first has written.
  #open(): Promise<FileHandle> {
    this.#handle ??= mkdir(dirname(this.dataPath), { recursive: true }).then(() =>
      open(this.dataPath, constants.O_RDWR | constants.O_CREAT, 0o644),
    );
    return this.#handle;
  }
}

// Turned into one of our errors here, or it would be taken for a network failure and tried again.
function describeWriteFailure(cause: unknown, target: string, needed: number): Error {
  const folder = dirname(target);
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return errors.STORE_FULL({ needed, free: 0, folder }, { cause });
  }
  const reason = messageOf(cause);
  return errors.FILE_UNWRITABLE({ path: folder, reason }, { cause });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
