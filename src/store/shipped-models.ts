// The models that come with Corral, in `models/` of the package: found by name like those in the store,
// which come first, and taken where no model is named.
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** Names of the models that ship: one that continues text, one that talks. */
export const shippedModels = { base: 'cria-base', chat: 'cria-chat' } as const;

/** What a model is needed for where none is named. */
export type ShippedPurpose = keyof typeof shippedModels;

/** The file of a model that ships with Corral; undefined for other names, and where it was not installed. */
export function findShippedModel(name: string, root: string = packageRoot): string | undefined {
  if (!Object.values(shippedModels).some((shipped) => shipped === name)) return undefined;
  const path = join(root, 'models', `${name}.gguf`);
  return existsSync(path) ? path : undefined;
}

// src/store and dist/store lie equally deep
const packageRoot = resolve(import.meta.dirname, '..', '..');
