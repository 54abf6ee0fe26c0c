// A folder written whole or not at all: beside its place under another name, then moved there.
// Never touches a folder with files in it that Corral did not write.
import { randomUUID } from 'node:crypto';
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { errors } from '../base/errors.ts';
import { messageOf } from '../base/message-of.ts';
import { kindOfPlace } from './files.ts';

/** When a folder may take the place of one that is there. */
export interface ReplaceFolderOptions {
  /** Is a folder with these files one that may be lost? Empty ones always may. */
  readonly mayReplace: (folder: string, names: readonly string[]) => Promise<boolean>;
}

/** Runs `write` with an empty folder, then puts that in the place of `path`. */
export async function replaceFolder(
  path: string,
  options: ReplaceFolderOptions,
  write: (folder: string) => Promise<void>,
): Promise<void> {
  const target = resolve(path);
  const exists = await checkTarget(path, options);
  const token = randomUUID();
  const part = join(dirname(target), `.${basename(target)}.${token}.part`);
  await mkdir(part).catch((cause) => unwritable(path, cause));
  try {
    await write(part);
    if (!exists) {
      await rename(part, target).catch((cause) => unwritable(path, cause));
      return;
    }
    const old = join(dirname(target), `.${basename(target)}.${token}.old`);
    await rename(target, old).catch((cause) => unwritable(path, cause));
    try {
      await rename(part, target);
    } catch (cause) {
      await rename(old, target).catch(() => {});
      unwritable(path, cause);
    }
    await rm(old, { recursive: true, force: true });
  } catch (error) {
    await rm(part, { recursive: true, force: true }).catch(() => {});
    if (error instanceof Error && 'syscall' in error) unwritable(path, error);
    throw error;
  }
}

async function checkTarget(path: string, { mayReplace }: ReplaceFolderOptions): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) return false;
  if (!found.isDirectory()) {
    throw errors.FILE_KIND_WRONG({
      path,
      found: kindOfPlace(found),
      needed: 'a folder, or an output that ends in .gguf,',
    });
  }
  const names = await readdir(path).catch((cause) => unwritable(path, cause));
  if (names.length === 0 || (await mayReplace(path, names))) return true;
  throw errors.OUTPUT_EXISTS({
    path,
    found: `a folder with files that would be lost (${names.slice(0, 4).join(', ')})`,
  });
}

function unwritable(path: string, cause: unknown): never {
  const reason = messageOf(cause);
  throw errors.FILE_UNWRITABLE({ path, reason }, { cause });
}
