// One process at a time per model, or per run. The lock is SQLite's lock on an empty file: the kernel drops it
// when its holder dies, however it dies, so no lock is ever stale. Also excludes two tasks of one process.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { errors } from '../base/errors.ts';

/** A held lock. */
export interface Lock extends Disposable {
  release(): void;
}

/** Takes the lock `key` in `folder`, or returns who has it. */
export function tryLock(folder: string, key: string): Lock | { readonly holder: string } {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${key}.lock`);
  const holderFile = join(folder, `${key}.holder`);
  const database = new DatabaseSync(file, { timeout: 0 });
  try {
    database.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    const busy = 5; // SQLITE_BUSY
    if (!(error instanceof Error && 'errcode' in error && error.errcode === busy)) throw error;
    return { holder: readHolder(holderFile) };
  }
  writeFileSync(holderFile, String(process.pid));
  let held = true;
  const release = (): void => {
    if (!held) return;
    held = false;
    rmSync(holderFile, { force: true });
    database.close();
  };
  return { release, [Symbol.dispose]: release };
}

function readHolder(file: string): string {
  try {
    const pid = Number.parseInt(readFileSync(file, 'utf8'), 10);
    return Number.isSafeInteger(pid) ? `process ${pid}` : 'another process';
  } catch {
    return 'another process';
  }
}

/** Takes the lock `key` in `folder`, or throws STORE_BUSY. */
export function takeLock(folder: string, key: string, name: string): Lock {
  const lock = tryLock(folder, key);
  if ('holder' in lock) throw errors.STORE_BUSY({ name, holder: lock.holder });
  return lock;
}

/** Takes the lock `key` in `folder`, waiting while another has it; `onWait` is told once by whom. */
export async function waitForLock(
  folder: string,
  key: string,
  options: {
    readonly onWait: (holder: string) => void;
    readonly signal?: AbortSignal | undefined;
    readonly pollMs?: number;
  },
): Promise<Lock> {
  for (let attempt = 0; ; attempt++) {
    if (options.signal?.aborted) throw errors.ABORTED({ what: 'The pull' });
    const lock = tryLock(folder, key);
    if (!('holder' in lock)) return lock;
    if (attempt === 0) options.onWait(lock.holder);
    await new Promise((resolve) => setTimeout(resolve, options.pollMs ?? 250));
  }
}
