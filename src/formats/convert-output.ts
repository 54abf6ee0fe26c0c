// Where a conversion may write: never over what it reads, nor over a device or a pipe, and over a
// file only when that was asked for. Folders that exist are replace-folder.ts's matter.
import { realpath, stat } from 'node:fs/promises';
import { isAbsolute, relative, resolve, sep } from 'node:path';
import { errors } from '../base/errors.ts';
import { kindOfPlace } from './files.ts';

/** Throws FILE_KIND_WRONG, OUTPUT_EXISTS, or OPTION_INVALID where the output holds an input. */
export async function checkOutput(
  out: string,
  options: {
    /** Files the conversion reads. */
    readonly inputs: readonly string[];
    readonly format: 'gguf' | 'safetensors';
    readonly force: boolean;
  },
): Promise<void> {
  const { inputs, format, force } = options;
  const there = await stat(out).catch(() => undefined);
  if (there === undefined) return;
  const isFolderForFile = format === 'gguf' && there.isDirectory();
  if (isFolderForFile || !(there.isFile() || there.isDirectory())) {
    const needed = format === 'gguf' ? 'a file' : 'a folder';
    throw errors.FILE_KIND_WRONG({ path: out, found: kindOfPlace(there), needed });
  }
  const place = await realPlace(out);
  for (const input of inputs) {
    if (!isInside(place, await realPlace(input))) continue;
    throw errors.OPTION_INVALID({
      option: 'the output',
      found: out,
      allowed: `any place that does not hold what is converted (${input})`,
    });
  }
  if (there.isFile() && format === 'gguf' && !force) {
    throw errors.OUTPUT_EXISTS({ path: out, found: `a file of ${there.size} bytes` });
  }
}

function realPlace(path: string): Promise<string> {
  return realpath(path).catch(() => resolve(path));
}

function isInside(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return !(way === '..' || way.startsWith(`..${sep}`) || isAbsolute(way));
}
