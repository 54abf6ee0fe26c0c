// Gets a model from a hub into the store. It appears there only when every file is whole and verified;
// killed at any moment, the next pull goes on from what was downloaded.
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, open, rename, rm, statfs, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { errors } from '../base/errors.ts';
import { type Logger, silentLogger } from '../base/log.ts';
import { messageOf } from '../base/message-of.ts';
import type { OnProgress } from '../base/progress.ts';
import { chooseFiles, isLegalFile } from './choose-files.ts';
import { type DownloadOptions, downloadFiles } from './download.ts';
import type { StoreLayout } from './folder.ts';
import { http1Fetch } from './http1-fetch.ts';
import {
  describeRepository,
  fetchText,
  fileUrl,
  type HubOptions,
  type Repository,
  type RepositoryFile,
  usualHubUrl,
} from './hub.ts';
import { type AcceptLicence, acceptOnce, needsAcceptance, recogniseLicence } from './licence.ts';
import { waitForLock } from './lock.ts';
import {
  checkRevision,
  entryFolder,
  entryPrefix,
  formatModelName,
  type ModelName,
  parseModelName,
} from './model-name.ts';
import {
  type AskedPull,
  discard,
  emptyTrash,
  layoutOf,
  listEntryFolders,
  lockKey,
  type Manifest,
  readEntries,
  type StoredModel,
} from './models.ts';
import { PartialFile } from './partial-file.ts';

/** How to pull; all of it optional. */
export interface PullOptions {
  /** Folder of the store. Default: CORRAL_HOME, or .corral in the home folder. */
  readonly store?: string | undefined;
  /** A mirror that speaks the hub's paths. Default: HF_ENDPOINT, or the public hub. */
  readonly hubUrl?: string | undefined;
  /** Default: HF_TOKEN or HUGGING_FACE_HUB_TOKEN. */
  readonly token?: string | undefined;
  /** A branch, a tag or a commit; `@REVISION` in the name says the same. */
  readonly revision?: string | undefined;
  /** Patterns (`*.gguf`) that replace Corral's own choice of files. */
  readonly include?: readonly string[];
  readonly acceptLicence?: AcceptLicence;
  /** Requests at a time. Default 4. */
  readonly parallel?: number;
  readonly onProgress?: OnProgress | undefined;
  readonly logger?: Logger;
  readonly signal?: AbortSignal | undefined;
  readonly fetch?: typeof fetch;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Free bytes of the disk a folder is on. */
  readonly freeBytes?: (folder: string) => Promise<number>;
  readonly retries?: number;
  readonly retryDelayMs?: number;
  readonly stallMs?: number;
  /** Bytes per request. */
  readonly segmentBytes?: number;
}

/** The model in the store; `fresh` is false when it was there already. */
export interface PulledModel extends StoredModel {
  readonly fresh: boolean;
}

// Enough for file system bookkeeping beside the bytes themselves.
const spareBytes = 32 * 2 ** 20;
const maxLicenceBytes = 2 ** 20;

/**
 * Downloads a model into the store, or finds it there.
 * @example const { path } = await pull('owner/name:Q4_K_M');
 */
export async function pull(repo: string, options: PullOptions = {}): Promise<PulledModel> {
  const asked = parseModelName(repo);
  const env = options.env ?? process.env;
  const revision =
    options.revision === undefined ? asked.revision : checkRevision(options.revision);
  const hub = readHubOptions(options, env);
  const layout = layoutOf(options);
  const repoId = `${asked.owner}/${asked.name}`;
  const repository = await describeRepository(repoId, revision, hub);
  const choice = chooseFiles(repository.files, {
    repo: repoId,
    selector: asked.selector,
    include: options.include ?? [],
  });
  const name: ModelName = { ...asked, revision, selector: choice.selector };
  const present = await findEntry(layout, name, repository, choice.files);
  if (present !== undefined) return { ...present, fresh: false };
  const licence = await checkLicence(repository, hub, layout, options.acceptLicence);

  const fullName = formatModelName(name);
  await makeFolder(layout.locks);
  const logger = options.logger ?? silentLogger;
  using _lock = await waitForLock(layout.locks, lockKey(fullName), {
    signal: options.signal,
    onWait: (holder) => logger.warn(`Waiting: ${holder} is pulling ${fullName} right now.`),
  });
  // Another process may have finished it while this one waited.
  const meanwhile = await findEntry(layout, name, repository, choice.files);
  if (meanwhile !== undefined) return { ...meanwhile, fresh: false };

  const entry = entryOf(name, repository, choice.files);
  const partial = join(layout.partial, name.owner, entry);
  await dropOthers(layout, layout.partial, name, entry);
  const include = options.include ?? [];
  const selector = include.length > 0 ? undefined : asked.selector;
  const record: AskedPull = {
    repo: formatModelName({ ...asked, revision, selector }),
    include,
    hubUrl: hub.hubUrl,
  };
  const partials = await preparePartials(
    partial,
    { name: fullName, ...record },
    choice.files,
    options,
  );
  await checkRoom(partials, layout, options);
  await downloadFiles(partials, {
    ...hub,
    repo: fullName,
    parallel: options.parallel ?? 4,
    stallMs: options.stallMs ?? 60_000,
    onProgress: options.onProgress,
    urlOf: (path) => fileUrl(hub.hubUrl, repository, path),
  } satisfies DownloadOptions);

  const manifest: Manifest = {
    version: 1,
    name: fullName,
    repo: repoId,
    commit: repository.commit,
    licence: licence ?? null,
    hubUrl: hub.hubUrl,
    pulledAt: new Date().toISOString(),
    bytes: choice.files.reduce((sum, file) => sum + file.size, 0),
    files: choice.files.map(({ path, size, hash }) => ({ path, size, hash: hash.hex })),
  };
  const target = join(layout.models, name.owner, entry);
  // Only a folder that lost its manifest can be in the way: it would have been found above.
  if (existsSync(target)) await discard(layout, target);
  await publish(partial, target, manifest);
  await dropOthers(layout, layout.models, name, entry);
  await emptyTrash(layout);
  const model = await findEntry(layout, name, repository, choice.files);
  if (model === undefined) {
    throw errors.FILE_UNWRITABLE({ path: layout.models, reason: 'the model is not there' });
  }
  return { ...model, fresh: true };
}

/** How to reach the hub, from what was asked and what the environment says. Throws OPTION_INVALID. */
export function readHubOptions(
  options: Pick<PullOptions, 'hubUrl' | 'token' | 'fetch' | 'signal' | 'retries' | 'retryDelayMs'>,
  env: Readonly<Record<string, string | undefined>>,
): HubOptions {
  const hubUrl = options.hubUrl ?? usualHubUrl(env);
  const url = URL.parse(hubUrl);
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
    const allowed = 'an http or https address';
    throw errors.OPTION_INVALID({ option: '--hub-url', found: JSON.stringify(hubUrl), allowed });
  }
  const token = options.token ?? (env['HF_TOKEN'] || env['HUGGING_FACE_HUB_TOKEN'] || undefined);
  return {
    hubUrl: hubUrl.replace(/\/+$/, ''),
    token: token?.trim(),
    fetch: options.fetch ?? http1Fetch,
    signal: options.signal,
    retries: options.retries ?? 5,
    retryDelayMs: options.retryDelayMs ?? 1000,
  };
}

/** The folder of this name, this commit and this very set of files. */
function entryOf(
  name: ModelName,
  repository: Repository,
  files: readonly RepositoryFile[],
): string {
  const content = files.map((file) => `${file.path}\0${file.hash.hex}\n`).sort();
  const digest = createHash('sha256').update(content.join('')).digest('hex').slice(0, 8);
  return `${entryFolder(name, repository.commit).slice(0, 200)}-${digest}`;
}

async function findEntry(
  layout: StoreLayout,
  name: ModelName,
  repository: Repository,
  files: readonly RepositoryFile[],
): Promise<StoredModel | undefined> {
  const folder = join(layout.models, name.owner, entryOf(name, repository, files));
  return (await readEntries(layout)).find((entry) => entry.folder === folder);
}

async function checkLicence(
  repository: Repository,
  hub: HubOptions,
  layout: StoreLayout,
  accept: AcceptLicence | undefined,
): Promise<string | undefined> {
  const { repo, licence: stated } = repository;
  const unclear = stated === undefined || stated === 'other' || stated === 'unknown';
  if (!unclear && !needsAcceptance(stated)) return stated;
  const file = repository.files.find(
    (each) =>
      /^licen[cs]e/i.test(each.path) && isLegalFile(each.path) && each.size <= maxLicenceBytes,
  );
  const page = `${hub.hubUrl}/${repo}`;
  const text =
    file === undefined ? undefined : await fetchText(repository, file.path, maxLicenceBytes, hub);
  const licence = unclear ? recogniseLicence(text ?? '') : stated;
  if (!needsAcceptance(licence)) return stated;
  const shown = text ?? `The licence is ${licence}. The repository has no copy of it: see ${page}.`;
  await acceptOnce({ repo, licence, text: shown, page }, layout, accept);
  return licence;
}

async function preparePartials(
  partial: string,
  record: AskedPull & { readonly name: string },
  files: readonly RepositoryFile[],
  options: PullOptions,
): Promise<PartialFile[]> {
  const folders = {
    files: join(partial, 'files'),
    parts: join(partial, 'parts'),
    segmentBytes: options.segmentBytes ?? 128 * 2 ** 20,
  };
  await makeFolder(folders.files);
  await makeFolder(folders.parts);
  await writeWhole(join(partial, 'pull.json'), JSON.stringify(record));
  return files.map((file) => new PartialFile(file, folders));
}

async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true });
  } catch (cause) {
    const reason = messageOf(cause);
    throw errors.FILE_UNWRITABLE({ path, reason }, { cause });
  }
}

async function checkRoom(
  partials: readonly PartialFile[],
  layout: StoreLayout,
  options: PullOptions,
): Promise<void> {
  let needed = 0;
  for (const partial of partials) {
    if (await partial.isComplete()) continue;
    partial.prepare();
    needed += partial.file.size - partial.bytesDone;
  }
  const free = await (options.freeBytes ?? readFreeBytes)(layout.root);
  if (needed > 0 && needed + spareBytes > free) {
    throw errors.STORE_FULL({ needed: needed + spareBytes, free, folder: layout.root });
  }
}

async function readFreeBytes(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}

/** Makes a finished download a model, in one rename. */
async function publish(partial: string, target: string, manifest: Manifest): Promise<void> {
  await rm(join(partial, 'parts'), { recursive: true, force: true });
  await writeWhole(join(partial, 'manifest.json'), JSON.stringify(manifest, undefined, 2));
  await mkdir(dirname(target), { recursive: true });
  await rename(partial, target);
}

/** Takes away other commits of the same name. */
async function dropOthers(
  layout: StoreLayout,
  root: string,
  name: ModelName,
  keep: string,
): Promise<void> {
  const prefix = entryPrefix(name);
  const owner = join(root, name.owner);
  for (const folder of await listEntryFolders(root)) {
    const entry = basename(folder);
    if (dirname(folder) !== owner || entry === keep || !entry.startsWith(prefix)) continue;
    await discard(layout, folder);
  }
}

/** Writes a small file so that it is either whole or not there, also after a power cut. */
async function writeWhole(path: string, text: string): Promise<void> {
  const fresh = `${path}.new`;
  await writeFile(fresh, text);
  const handle = await open(fresh, 'r+');
  await handle.sync();
  await handle.close();
  await rename(fresh, path);
}
