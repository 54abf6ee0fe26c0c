// The models of the local store: list, resolve a name to a path, remove. A model is a folder with a
// manifest, moved into place whole; whatever lacks one is not a model.
import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, realpath, rename, rm, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { z } from 'zod';
import { errors } from '../base/errors.ts';
import { type StoreLayout, storeFolder, storeLayout } from './folder.ts';
import { usualHubUrl } from './hub.ts';
import { takeLock } from './lock.ts';
import { formatModelName, readModelName } from './model-name.ts';
import { PackedStore } from './packed-store.ts';

/** The manifest beside a model's files: what it is and where it came from. */
export const manifestShape: z.ZodType<Manifest> = z.object({
  version: z.literal(1),
  name: z.string(),
  repo: z.string(),
  commit: z.string(),
  licence: z.string().nullable(),
  hubUrl: z.string(),
  pulledAt: z.string(),
  bytes: z.int().nonnegative(),
  files: z.array(z.object({ path: z.string(), size: z.int().nonnegative(), hash: z.string() })),
});

/** What manifest.json holds. */
export interface Manifest {
  readonly version: 1;
  /** OWNER/NAME[@REVISION][:FILE-OR-QUANT]. */
  readonly name: string;
  readonly repo: string;
  readonly commit: string;
  readonly licence: string | null;
  readonly hubUrl: string;
  /** ISO 8601. */
  readonly pulledAt: string;
  readonly bytes: number;
  readonly files: readonly {
    readonly path: string;
    readonly size: number;
    readonly hash: string;
  }[];
}

/** A complete model of the store. `path` is what to open: a folder or one file. */
export interface StoredModel extends Manifest {
  readonly folder: string;
  readonly path: string;
}

/** What a pull was asked for, so that it can be asked again. */
export interface AskedPull {
  readonly repo: string;
  readonly include: readonly string[];
  /** Undefined where pulls go anyway. */
  readonly hubUrl: string | undefined;
}

/** A download that was interrupted. */
export interface UnfinishedModel {
  readonly name: string;
  readonly bytes: number;
  readonly folder: string;
  readonly asked: AskedPull;
}

/** Which store; default: the user's own. */
export interface StoreOptions {
  readonly store?: string | undefined;
}

/** Opens the layout that the options name. */
export function layoutOf(options: StoreOptions): StoreLayout {
  return storeLayout(options.store ?? storeFolder());
}

/** All complete models, by name. */
export async function listModels(options: StoreOptions = {}): Promise<StoredModel[]> {
  const newest = new Map<string, StoredModel>();
  for (const model of await readEntries(layoutOf(options))) {
    const other = newest.get(model.name);
    // Two of one name: a pull of a newer commit was killed before it took the older one away.
    if (other === undefined || other.pulledAt < model.pulledAt) newest.set(model.name, model);
  }
  return [...newest.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Every entry with a manifest, older commits of a name included. */
export async function readEntries({ models }: StoreLayout): Promise<StoredModel[]> {
  const found: StoredModel[] = [];
  for (const folder of await listEntryFolders(models)) {
    const manifest = await readJson(join(folder, 'manifest.json'));
    const read = manifestShape.safeParse(manifest);
    if (read.success) found.push({ ...read.data, folder, path: pathToOpen(folder, read.data) });
  }
  return found;
}

/** Downloads that can be taken up again. */
export async function listUnfinished(
  options: StoreOptions & { readonly env?: Readonly<Record<string, string | undefined>> } = {},
): Promise<UnfinishedModel[]> {
  const usual = usualHubUrl(options.env ?? process.env);
  const shape = z.object({
    name: z.string(),
    repo: z.string(),
    include: z.array(z.string()),
    hubUrl: z.string(),
  });
  const found: UnfinishedModel[] = [];
  for (const folder of await listEntryFolders(layoutOf(options).partial)) {
    const read = shape.safeParse(await readJson(join(folder, 'pull.json')));
    if (!read.success) continue;
    const { name, repo, include, hubUrl } = read.data;
    const asked: AskedPull = { repo, include, hubUrl: hubUrl === usual ? undefined : hubUrl };
    found.push({ name, bytes: await bytesOnDisk(folder), folder, asked });
  }
  return found.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/**
 * The model of this name. OWNER/NAME alone also finds the only variant there is.
 * @example const { path } = await resolveModel('owner/name:Q4_K_M');
 */
export async function resolveModel(name: string, options: StoreOptions = {}): Promise<StoredModel> {
  const model = await findModel(name, options);
  if (model !== undefined) return model;
  const have = (await listModels(options)).map((each) => each.name).join(', ');
  throw errors.MODEL_NOT_FOUND({ name, have: have === '' ? 'nothing yet' : have });
}

/** Like resolveModel; undefined when the store has no such model. Several variants are an error. */
export async function findModel(
  name: string,
  options: StoreOptions = {},
): Promise<StoredModel | undefined> {
  if (readModelName(name) === undefined) return undefined;
  const matching = matchName(await listModels(options), name);
  if (matching.length > 1) {
    throw errors.MODEL_AMBIGUOUS({ name, have: matching.map((each) => each.name).join(', ') });
  }
  return matching[0];
}

/** Removes a model, its packed weights and what an interrupted pull of it left. Returns what was there. */
export async function removeModel(
  name: string,
  options: StoreOptions = {},
): Promise<{ readonly name: string; readonly bytes: number }> {
  const layout = layoutOf(options);
  const model = await findModel(name, options);
  const full = model?.name ?? name;
  const unfinished = matchName(await listUnfinished(options), full);
  if (model === undefined && unfinished.length === 0) await resolveModel(name, options);
  const folders = (await readEntries(layout)).filter((each) => each.name === full);
  using _lock = takeLock(layout.locks, lockKey(full), full);
  let bytes = 0;
  const packed = new PackedStore({ store: layout.root });
  for (const each of [...folders, ...unfinished]) {
    bytes += each.bytes;
    const folder = (await realpath(each.folder)) + sep;
    await packed.clear((source) => source.startsWith(folder));
    await discard(layout, each.folder);
  }
  await emptyTrash(layout);
  return { name: full, bytes };
}

function matchName<T extends { readonly name: string }>(models: readonly T[], name: string): T[] {
  const exact = models.filter((model) => model.name === name);
  if (exact.length > 0) return exact;
  const asked = readModelName(name);
  if (asked === undefined) return [];
  return models.filter((model) => {
    const have = readModelName(model.name);
    if (have === undefined) return false;
    const variant = {
      ...have,
      selector: asked.selector === undefined ? undefined : have.selector,
      revision: asked.revision === undefined ? undefined : have.revision,
    };
    return formatModelName(variant) === name;
  });
}

/** The key under which a model is locked. */
export function lockKey(name: string): string {
  return encodeURIComponent(name).replaceAll('%', '=');
}

/** Takes a folder out of the store in one step, then deletes it. */
export async function discard(layout: StoreLayout, folder: string): Promise<void> {
  await mkdir(layout.trash, { recursive: true });
  const grave = join(layout.trash, randomUUID());
  await rename(folder, grave);
  await rm(grave, { recursive: true, force: true });
}

/** Deletes what a killed process had taken out but not deleted. */
export async function emptyTrash(layout: StoreLayout): Promise<void> {
  await rm(layout.trash, { recursive: true, force: true });
}

function pathToOpen(folder: string, manifest: Manifest): string {
  const files = join(folder, 'files');
  const weights = manifest.files.map((file) => file.path);
  const ggufs = weights.filter((path) => path.endsWith('.gguf')).sort();
  if (ggufs[0] !== undefined) return join(files, ggufs[0]);
  // The others of these need the files beside them, and open as a folder.
  if (weights.some((path) => /\.safetensors$|^consolidated\.|^pytorch_model/.test(path))) {
    return files;
  }
  const single = weights.filter(
    (path) => /\.(bin|pt|pth)$/.test(path) && !/^tokenizer\./.test(path),
  );
  return single.length === 1 && single[0] !== undefined ? join(files, single[0]) : files;
}

/** The folders OWNER/ENTRY under `root`; none when there is no root. */
export async function listEntryFolders(root: string): Promise<string[]> {
  const found: string[] = [];
  for (const owner of await readFolder(root)) {
    for (const entry of await readFolder(join(root, owner))) found.push(join(root, owner, entry));
  }
  return found;
}

async function readFolder(path: string): Promise<string[]> {
  try {
    return await readdir(path);
  } catch {
    return [];
  }
}

async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch {
    return undefined;
  }
}

async function bytesOnDisk(folder: string): Promise<number> {
  let bytes = 0;
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  for (const entry of entries) {
    if (!entry.isFile()) continue;
    const { blocks, size } = await stat(join(entry.parentPath, entry.name));
    // Downloads grow as sparse files: their length says nothing about the room they take.
    bytes += blocks > 0 ? Math.min(blocks * 512, size) : size;
  }
  return bytes;
}
