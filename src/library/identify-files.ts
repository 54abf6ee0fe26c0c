// What tells the files of a model from others without reading them.
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** Names, sizes and times of files, and of all files of folders: another text when any of them was written to. */
export async function identifyFiles(paths: readonly string[]): Promise<string> {
  const found: [string, string, string][] = [];
  for (const path of paths) {
    const isFolder = (await stat(path)).isDirectory();
    const names = isFolder ? (await readdir(path)).sort() : [''];
    for (const name of names) {
      const { size, mtimeNs } = await stat(join(path, name), { bigint: true });
      found.push([name, size.toString(), mtimeNs.toString()]);
    }
  }
  return JSON.stringify(found);
}
