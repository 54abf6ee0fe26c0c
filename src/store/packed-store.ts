// The packed weights kept beside the models: one file for each file of weights, found by its path, used
// while that is the very file they were packed from. Written whole or not at all, by one process at a time,
// within a limit; whatever goes wrong here costs a later start some time and nothing else.
import { createHash } from 'node:crypto';
import { mkdir, open, readdir, realpath, rename, rm, stat, statfs, utimes } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { storeFolder, storeLayout } from './folder.ts';
import { tryLock } from './lock.ts';
import {
  encodeHeader,
  identify,
  isSame,
  type PackedHeader,
  type PackedTensor,
  placePanels,
  readHeader,
  type SourceIdentity,
} from './packed-file.ts';

const ending = '.packed';
const usualLimitBytes = 64 * 2 ** 30;
// What a cache leaves of a disk to things that matter more.
const usualSpareBytes = 2 * 2 ** 30;

/** Where packed weights are kept, and how many. */
export interface PackedStoreOptions {
  /** The store's folder. Default: the user's own. */
  readonly store?: string | undefined;
  /** What all of them may take; those used longest ago give way. Default 64 GiB. */
  readonly limitBytes?: number;
  /** What stays free on the disk. Default 2 GiB. */
  readonly spareBytes?: number;
}

/** A tensor that was kept, and where its panels lie in the file. */
export interface KeptTensor extends PackedTensor {
  readonly offset: number;
}

/** What is kept of one file of weights. */
export interface KeptWeights {
  /** The file that holds the panels, or would. */
  readonly path: string;
  /** The source when it was looked at. */
  readonly source: SourceIdentity;
  readonly layout: number;
  readonly tensors: readonly KeptTensor[];
  /** Why nothing of a file that is there can be used, where that should be told. */
  readonly problem?: string;
}

/** How an attempt to keep weights ended. `refused` says why. */
export type KeepOutcome =
  | { readonly kind: 'kept'; readonly path: string; readonly bytes: number }
  | { readonly kind: 'busy'; readonly holder: string }
  | { readonly kind: 'changed' }
  | { readonly kind: 'stopped' }
  | { readonly kind: 'refused'; readonly reason: string };

/** How to get the bytes of the panels. */
export interface PanelReader {
  /** Bytes [offset, offset + length) of the panels of tensor `index`; they may be overwritten by the next call. */
  read(index: number, offset: number, length: number): Promise<Uint8Array>;
  readonly pieceBytes: number;
  readonly signal?: AbortSignal | undefined;
}

/** All packed weights of a store. */
export class PackedStore {
  readonly #folder: string;
  readonly #locks: string;
  readonly #limitBytes: number;
  readonly #spareBytes: number;

  constructor(options: PackedStoreOptions = {}) {
    const { packed, locks } = storeLayout(options.store ?? storeFolder());
    this.#folder = packed;
    this.#locks = locks;
    this.#limitBytes = options.limitBytes ?? usualLimitBytes;
    this.#spareBytes = options.spareBytes ?? usualSpareBytes;
  }

  /** What is kept of the weights at `sourcePath` in this layout. Throws where the source cannot be looked at. */
  async find(sourcePath: string, layout: number): Promise<KeptWeights> {
    const source = await identify(await realpath(sourcePath));
    const path = join(this.#folder, keyOf(source.path) + ending);
    const none = { path, source, layout, tensors: [] };
    try {
      const read = await readHeader(path);
      if (read === undefined) return none;
      if ('problem' in read) return { ...none, problem: read.problem };
      const { header, places } = read;
      if (header.layout !== layout || !isSame(header.source, source)) return none;
      const now = new Date();
      // Only says who was used last: a folder that cannot be written to is as good.
      await utimes(path, now, now).catch(() => {});
      const tensors = header.tensors.map((tensor, i) => ({
        ...tensor,
        offset: places.offsets[i] ?? 0,
      }));
      return { ...none, tensors };
    } catch (error) {
      return { ...none, problem: reasonOf(error) };
    }
  }

  /** Keeps the panels of these tensors. Never throws for what the disk or other processes do. */
  async keep(
    { path, source, layout }: KeptWeights,
    tensors: readonly PackedTensor[],
    reader: PanelReader,
  ): Promise<KeepOutcome> {
    const key = basename(path, ending);
    try {
      await mkdir(this.#folder, { recursive: true });
      const lock = tryLock(this.#locks, `packed-${key}`);
      if ('holder' in lock) return { kind: 'busy', holder: lock.holder };
      using _held = lock;
      const header = { layout, source, tensors };
      const { end } = placePanels(header, encodeHeader(header).length);
      const shortage = await this.#makeRoom(end, path);
      if (shortage !== undefined) return { kind: 'refused', reason: shortage };
      return await writePanels(path, header, reader);
    } catch (error) {
      return { kind: 'refused', reason: reasonOf(error) };
    }
  }

  /** Every file of packed weights that can be read, with its source. */
  async list(): Promise<{ path: string; source: string; bytes: number; usedAt: Date }[]> {
    const found = [];
    for (const name of await readdir(this.#folder).catch(() => [])) {
      if (!name.endsWith(ending)) continue;
      const path = join(this.#folder, name);
      const read = await readHeader(path).catch(() => undefined);
      const file = await stat(path).catch(() => undefined);
      if (file === undefined) continue;
      const source = read !== undefined && 'header' in read ? read.header.source.path : '';
      found.push({ path, source, bytes: file.size, usedAt: file.mtime });
    }
    return found;
  }

  /** Removes what is kept of the sources that `which` names, by default all. Models that run keep what they mapped. */
  async clear(which: (source: string) => boolean = () => true): Promise<{ bytes: number }> {
    let bytes = 0;
    for (const each of await this.list()) {
      if (!which(each.source)) continue;
      await rm(each.path, { force: true });
      bytes += each.bytes;
    }
    await this.#removeLeftovers();
    return { bytes };
  }

  // Undefined, or why there is no room.
  async #makeRoom(bytes: number, path: string): Promise<string | undefined> {
    await this.#removeLeftovers(path);
    const others = [];
    for (const each of await this.list()) {
      if (each.path === path) continue;
      const isThere = await stat(each.source).then(
        () => true,
        () => false,
      );
      if (isThere) others.push(each);
      else await rm(each.path, { force: true });
    }
    others.sort((a, b) => a.usedAt.getTime() - b.usedAt.getTime());
    let all = others.reduce((sum, each) => sum + each.bytes, bytes);
    for (const each of others) {
      if (all <= this.#limitBytes || bytes > this.#limitBytes) break;
      await rm(each.path, { force: true });
      all -= each.bytes;
    }
    if (all > this.#limitBytes) return `they are larger than the limit`;
    const { bavail, bsize } = await statfs(this.#folder);
    return bavail * bsize < bytes + this.#spareBytes ? 'the disk is almost full' : undefined;
  }

  // Parts of files whose writers were killed: their locks are free.
  async #removeLeftovers(own?: string): Promise<void> {
    for (const name of await readdir(this.#folder).catch(() => [])) {
      if (!name.endsWith('.part')) continue;
      const key = basename(name, '.part');
      if (own !== undefined && basename(own, ending) === key) continue;
      const lock = tryLock(this.#locks, `packed-${key}`);
      if ('holder' in lock) continue;
      using _held = lock;
      await rm(join(this.#folder, name), { force: true });
    }
  }
}

// Not synced to the disk: what a power cut tears is found by its hash and checksums.
async function writePanels(
  path: string,
  header: PackedHeader,
  { read, pieceBytes, signal }: PanelReader,
): Promise<KeepOutcome> {
  const part = `${path.slice(0, -ending.length)}.part`;
  const handle = await open(part, 'w', 0o600);
  let outcome: KeepOutcome = { kind: 'stopped' };
  try {
    const head = encodeHeader(header);
    await writeAll(handle, head, 0);
    const { offsets, end } = placePanels(header, head.length);
    for (const [index, { bytes }] of header.tensors.entries()) {
      for (let at = 0; at < bytes; at += pieceBytes) {
        if (signal?.aborted === true) return outcome;
        const piece = await read(index, at, Math.min(pieceBytes, bytes - at));
        await writeAll(handle, piece, (offsets[index] ?? 0) + at);
      }
    }
    // Panels of a file that was changed while it was mapped may be of neither.
    const now = await identify(header.source.path).catch(() => undefined);
    if (now === undefined || !isSame(now, header.source)) outcome = { kind: 'changed' };
    else {
      await rename(part, path);
      outcome = { kind: 'kept', path, bytes: end };
    }
    return outcome;
  } finally {
    await handle.close();
    if (outcome.kind !== 'kept') await rm(part, { force: true });
  }
}

async function writeAll(
  handle: Awaited<ReturnType<typeof open>>,
  bytes: Uint8Array,
  position: number,
): Promise<void> {
  let done = 0;
  while (done < bytes.length) {
    done += (await handle.write(bytes, done, bytes.length - done, position + done)).bytesWritten;
  }
}

function keyOf(sourcePath: string): string {
  return createHash('sha256').update(sourcePath).digest('hex').slice(0, 32);
}

function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  switch (code) {
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return 'its folder may not be written to';
    case 'ENOSPC':
    case 'EDQUOT':
      return 'the disk is full';
    default:
      return code ?? message;
  }
}
