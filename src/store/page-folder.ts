// Pieces of bytes by key in one folder of bounded size: what a cache wants to find again after a restart. Each
// file appears whole or not at all, and carries a digest of itself and its key. Never rejects once it is open:
// what cannot be read is not there, what cannot be written is dropped. Other files are left alone.
import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { concurrently } from '../base/concurrently.ts';
import { errors } from '../base/errors.ts';
import { type Logger, silentLogger } from '../base/log.ts';
import { messageOf } from '../base/message-of.ts';

/** How a folder is opened. */
export interface PageFolderOptions {
  /** All files together; those used longest ago make room for new ones. */
  readonly maxBytes: number;
  readonly logger?: Logger;
}

// A file: this, the SHA-256 of all that follows, the key, the bytes.
const magic = Buffer.from('CORRALKV');
const digestAt = magic.length;
const keyAt = digestAt + 32;
const bytesAt = keyAt + 32;

const pageName = /^([0-9a-f]{64})\.page$/;
const unfinishedName = /^[0-9a-f]{64}\.[0-9a-f-]{36}\.tmp$/;

/** An open folder. Keys are SHA-256 digests in hex. */
export class PageFolder {
  readonly #folder: string;
  readonly #maxBytes: number;
  readonly #logger: Logger;
  /** Bytes of each file, the one used longest ago first. */
  readonly #sizes = new Map<string, number>();
  readonly #complaints = new Set<string>();
  #totalBytes = 0;

  private constructor(folder: string, { maxBytes, logger = silentLogger }: PageFolderOptions) {
    this.#folder = folder;
    this.#maxBytes = maxBytes;
    this.#logger = logger;
  }

  /** Opens or makes a folder that only its owner may read. Throws FILE_UNREADABLE. */
  static async open(path: string, options: PageFolderOptions): Promise<PageFolder> {
    const folder = new PageFolder(path, options);
    try {
      await mkdir(path, { recursive: true, mode: 0o700 });
      await folder.#find(await readdir(path));
    } catch (cause) {
      const reason = messageOf(cause);
      throw errors.FILE_UNREADABLE({ path, reason }, { cause });
    }
    await folder.#makeRoom();
    return folder;
  }

  /** Bytes of all files together. */
  get totalBytes(): number {
    return this.#totalBytes;
  }

  has(key: string): boolean {
    return this.#sizes.has(key);
  }

  /** The bytes; undefined where they are not there, or damaged: then the file is removed. */
  async read(key: string): Promise<Uint8Array | undefined> {
    if (!this.has(key)) return undefined;
    const path = this.#path(key);
    try {
      const file = await readFile(path);
      if (await isWhole(file, key)) {
        this.#touch(key, file.length);
        // Told to the next start; whether it works matters to nobody.
        const now = new Date();
        void utimes(path, now, now).catch(() => {});
        return file.subarray(bytesAt);
      }
      this.#complain('damaged', `${path} is damaged; it is removed`);
    } catch (error) {
      if (!isAbsent(error)) this.#complain(String(codeOf(error)), `${path}: ${String(error)}`);
    }
    await this.remove(key);
    return undefined;
  }

  /** Keeps the bytes. Where that fails, or they are more than the folder may hold, they are dropped. */
  async write(key: string, bytes: Uint8Array): Promise<void> {
    const size = bytesAt + bytes.length;
    if (this.has(key) || size > this.#maxBytes) return;
    const unfinished = join(this.#folder, `${key}.${randomUUID()}.tmp`);
    try {
      await writeFile(unfinished, await seal(key, bytes), { flag: 'wx', mode: 0o600 });
      await rename(unfinished, this.#path(key));
      this.#touch(key, size);
      await this.#makeRoom();
    } catch (error) {
      const reason = messageOf(error);
      this.#complain(String(codeOf(error)), `${this.#folder} takes no more pages: ${reason}`);
      await rm(unfinished, { force: true }).catch(() => {});
    }
  }

  /** Takes out what is of no use. */
  async remove(key: string): Promise<void> {
    this.#totalBytes -= this.#sizes.get(key) ?? 0;
    this.#sizes.delete(key);
    await rm(this.#path(key), { force: true }).catch(() => {});
  }

  #path(key: string): string {
    return join(this.#folder, `${key}.page`);
  }

  async #find(names: readonly string[]): Promise<void> {
    const found: { key: string; size: number; usedAt: number }[] = [];
    await concurrently({ count: names.length, limit: 16 }, async (index) => {
      const name = names[index] as string;
      const path = join(this.#folder, name);
      if (unfinishedName.test(name)) await rm(path, { force: true });
      const key = pageName.exec(name)?.[1];
      if (key === undefined) return;
      const { size, mtimeMs } = await stat(path);
      found.push({ key, size, usedAt: mtimeMs });
    });
    for (const { key, size } of found.sort((a, b) => a.usedAt - b.usedAt)) this.#touch(key, size);
  }

  #touch(key: string, size: number): void {
    this.#totalBytes += size - (this.#sizes.get(key) ?? 0);
    this.#sizes.delete(key);
    this.#sizes.set(key, size);
  }

  async #makeRoom(): Promise<void> {
    while (this.#totalBytes > this.#maxBytes) {
      const [oldest] = this.#sizes.keys();
      if (oldest === undefined) return;
      await this.remove(oldest);
    }
  }

  // A full disk is said once, not with every page.
  #complain(kind: string, message: string): void {
    if (this.#complaints.has(kind)) return;
    this.#complaints.add(kind);
    this.#logger.warn(message);
  }
}

async function seal(key: string, bytes: Uint8Array): Promise<Uint8Array> {
  const file = Buffer.alloc(bytesAt + bytes.length);
  magic.copy(file);
  Buffer.from(key, 'hex').copy(file, keyAt);
  file.set(bytes, bytesAt);
  file.set(await digest(file.subarray(keyAt)), digestAt);
  return file;
}

async function isWhole(file: Buffer<ArrayBuffer>, key: string): Promise<boolean> {
  if (file.length < bytesAt || !file.subarray(0, digestAt).equals(magic)) return false;
  if (file.toString('hex', keyAt, bytesAt) !== key) return false;
  return file.subarray(digestAt, keyAt).equals(await digest(file.subarray(keyAt)));
}

// On a thread of its own: pages of large models are megabytes.
async function digest(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : error;
}

function isAbsent(error: unknown): boolean {
  return codeOf(error) === 'ENOENT';
}
