// The names in a folder, or why there are none to see.
import { readdir } from 'node:fs/promises';
import { errors } from '../base/errors.ts';
import { messageOf } from '../base/message-of.ts';

/** Names of everything in a folder, sorted. Throws FILE_UNREADABLE. */
export async function listFolder(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).sort();
  } catch (cause) {
    const reason = messageOf(cause);
    throw errors.FILE_UNREADABLE({ path: folder, reason }, { cause });
  }
}
