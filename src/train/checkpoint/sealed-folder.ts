// Folders that appear whole or not at all and know when they were damaged: written under another name,
// hashed, put on disk, then renamed. Knows nothing of what is in them.
import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import * as z from 'zod';
import { errors } from '../../base/errors.ts';
import { writeFileAtomically } from '../../formats/files.ts';

/** The file that lists the others with their hashes; written last. */
const sealName = 'checkpoint.json';

const sealSchema = z.object({
  format: z.literal(1),
  files: z.record(z.string(), z.string()),
  state: z.unknown(),
});

/**
 * Runs `write` with an empty folder, then seals it with `state` and puts it in the place of `path`, which
 * must not be there. What fails leaves nothing behind. Throws FILE_UNWRITABLE.
 */
export async function writeSealedFolder(
  path: string,
  state: unknown,
  write: (folder: string) => Promise<void>,
): Promise<void> {
  const part = join(dirname(path), `.${basename(path)}.${randomUUID()}.part`);
  try {
    await mkdir(part, { recursive: true });
    await write(part);
    const files: Record<string, string> = {};
    for (const name of (await readdir(part)).sort()) {
      const file = join(part, name);
      await syncPath(file);
      files[name] = await hashFile(file);
    }
    const seal = JSON.stringify({ format: 1, files, state }, null, 2);
    await writeFileAtomically(join(part, sealName), (sink) => sink.write(Buffer.from(`${seal}\n`)));
    await rename(part, path);
    await syncPath(dirname(path));
  } catch (cause) {
    await rm(part, { recursive: true, force: true }).catch(() => {});
    if (!(cause instanceof Error && 'syscall' in cause)) throw cause;
    throw errors.FILE_UNWRITABLE({ path, reason: cause.message }, { cause });
  }
}

/** The state a folder was sealed with. Throws CHECKPOINT_DAMAGED when a file is not what it was then. */
export async function readSeal(path: string): Promise<unknown> {
  const damaged = (reason: string, cause?: unknown): Error =>
    errors.CHECKPOINT_DAMAGED({ path, reason }, cause === undefined ? {} : { cause });
  let seal: z.infer<typeof sealSchema>;
  try {
    seal = sealSchema.parse(JSON.parse(await readFile(join(path, sealName), 'utf8')));
  } catch (cause) {
    throw damaged(`its ${sealName} cannot be read`, cause);
  }
  for (const [name, hash] of Object.entries(seal.files)) {
    const found = await hashFile(join(path, name)).catch((cause) => {
      throw damaged(`${name} cannot be read`, cause);
    });
    if (found !== hash) throw damaged(`${name} has the SHA-256 ${found}, not ${hash}`);
  }
  return seal.state;
}

/** Removes what writers that were killed left beside sealed folders. */
export async function removeUnfinished(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  for (const name of names.filter((each) => each.startsWith('.') && each.endsWith('.part'))) {
    await rm(join(folder, name), { recursive: true, force: true });
  }
}

async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

// Folders cannot be put on disk by themselves everywhere; there the rename has to be enough.
async function syncPath(path: string): Promise<void> {
  const handle = await open(path, 'r');
  await handle.sync().catch(() => {});
  await handle.close();
}
