// Which weights are these? sha256 of a model's files, remembered by path, size and time of change, so that
// gigabytes are read once.
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { errors } from '../base/errors.ts';
import { messageOf } from '../base/message-of.ts';
import type { OnProgress } from '../base/progress.ts';
import type { Database } from '../store/index.ts';

const readBytes = 1 << 20;

/** What hashing needs. */
export interface HashOptions {
  readonly database: Database;
  readonly onProgress?: OnProgress;
  readonly signal?: AbortSignal;
}

/**
 * One file's sha256, or that of its files' hashes in order, one hexadecimal line each.
 * Throws FILE_UNREADABLE, FILE_UNWRITABLE when the hash cannot be kept, or ABORTED by the signal.
 */
export async function hashFiles(paths: readonly string[], options: HashOptions): Promise<string> {
  const sizes = await Promise.all(paths.map(async (path) => (await stat(path)).size));
  const total = sizes.reduce((sum, size) => sum + size, 0);
  const hashes: string[] = [];
  let done = 0;
  const onBytes = (bytes: number): void => {
    done += bytes;
    options.onProgress?.({ task: 'Hashing', done: Math.min(done, total), total, unit: 'bytes' });
  };
  for (const path of paths) hashes.push(await hashFile(path, options, onBytes));
  if (hashes.length === 1) return hashes[0] as string;
  return createHash('sha256')
    .update(hashes.map((hash) => `${hash}\n`).join(''))
    .digest('hex');
}

async function hashFile(
  path: string,
  { database, signal }: HashOptions,
  onBytes: (bytes: number) => void,
): Promise<string> {
  const absolute = resolve(path);
  const { size, mtimeMs } = await stat(absolute);
  const known = database
    .prepare('SELECT sha256 FROM file_hashes WHERE path = ? AND size = ? AND modified_ms = ?')
    .get(absolute, size, mtimeMs) as { sha256: string } | undefined;
  if (known !== undefined) {
    onBytes(size);
    return known.sha256;
  }
  const hash = createHash('sha256');
  try {
    for await (const piece of createReadStream(absolute, { highWaterMark: readBytes })) {
      if (signal?.aborted === true) throw errors.ABORTED({ what: 'Hashing' });
      hash.update(piece as Buffer);
      onBytes((piece as Buffer).length);
    }
  } catch (cause) {
    if (signal?.aborted === true) throw cause;
    const reason = messageOf(cause);
    throw errors.FILE_UNREADABLE({ path, reason }, { cause });
  }
  const sha256 = hash.digest('hex');
  try {
    database
      .prepare('INSERT OR REPLACE INTO file_hashes VALUES (?, ?, ?, ?)')
      .run(absolute, size, mtimeMs, sha256);
  } catch (cause) {
    const where = database.location() ?? 'the database in memory';
    const reason = messageOf(cause);
    throw errors.FILE_UNWRITABLE({ path: where, reason }, { cause });
  }
  return sha256;
}
