// Checks a downloaded file against the hash the hub states for it: sha256 for large files, git's blob
// hash for small ones.
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import type { RepositoryFile } from './hub.ts';

/** The hash of a file on disk, of the kind the hub states for `file`. */
export async function hashFile(
  path: string,
  file: RepositoryFile,
  options: {
    readonly signal?: AbortSignal | undefined;
    readonly onBytes?: (bytes: number) => void;
  } = {},
): Promise<string> {
  const hash = createHash(file.hash.kind === 'sha256' ? 'sha256' : 'sha1');
  if (file.hash.kind === 'git-sha1') hash.update(`blob ${file.size}\0`);
  const stream = createReadStream(path, { highWaterMark: 2 ** 20, signal: options.signal });
  for await (const chunk of stream as AsyncIterable<Uint8Array>) {
    hash.update(chunk);
    options.onBytes?.(chunk.length);
  }
  return hash.digest('hex');
}
