// Where the real weights, tokenizers and texts lie, when they are there. Tests that need them skip
// with a reason otherwise. CORRAL_DATA overrides the default place beside the project.
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';

const root: string =
  process.env.CORRAL_DATA ?? resolve(import.meta.dirname, '..', '..', 'shared', 'data');

/** Path of a file or folder of the shared data. */
export function sharedData(...parts: string[]): string {
  return join(root, ...parts);
}

/** True when the shared data lie beside the project. Use as `describe.skipIf(!hasSharedData)`. */
export const hasSharedData: boolean = existsSync(sharedData('stories260K', 'stories260K.bin'));
