// Where things lie in the store's folder. Complete models, unfinished downloads and locks are kept
// apart, all on one disk, so that a model appears by one rename.
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

/** The folder of the local store: CORRAL_HOME, or .corral in the home folder. */
export function storeFolder(
  env: Readonly<Record<string, string | undefined>> = process.env,
): string {
  const chosen = env['CORRAL_HOME'];
  return chosen !== undefined && chosen !== '' ? resolve(chosen) : join(homedir(), '.corral');
}

/** The parts of a store. */
export interface StoreLayout {
  readonly root: string;
  /** models/OWNER/ENTRY: complete ones only. */
  readonly models: string;
  /** partial/OWNER/ENTRY: downloads under way or interrupted. */
  readonly partial: string;
  /** What was taken out and is being deleted. */
  readonly trash: string;
  /** Weights packed for this machine's kernels: see packed-store.ts. */
  readonly packed: string;
  readonly locks: string;
  readonly licences: string;
}

/** Paths inside the store at `root`. Creates nothing. */
export function storeLayout(root: string): StoreLayout {
  return {
    root,
    models: join(root, 'models'),
    partial: join(root, 'partial'),
    trash: join(root, 'trash'),
    packed: join(root, 'packed'),
    locks: join(root, 'locks'),
    licences: join(root, 'licences.json'),
  };
}
