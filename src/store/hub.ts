// Talks to a Hugging Face hub or a mirror of one: what a repository holds, and requests with token,
// retries and errors that say what to do. Every name and number the hub sends is checked here.
import { z } from 'zod';
import { CorralError } from '../base/define-errors.ts';
import { errors } from '../base/errors.ts';
import { safeRelativePath } from './model-name.ts';

/** One file of a repository. `sha256` for large files, `gitSha1` (of the git blob) for the others. */
export interface RepositoryFile {
  readonly path: string;
  readonly size: number;
  readonly hash: { readonly kind: 'sha256' | 'git-sha1'; readonly hex: string };
}

/** A repository at one commit. */
export interface Repository {
  readonly repo: string;
  readonly commit: string;
  /** The licence its card states, such as `llama2`. */
  readonly licence: string | undefined;
  readonly files: readonly RepositoryFile[];
}

/** How requests are made; everything with an effect is an argument. */
export interface HubOptions {
  readonly hubUrl: string;
  readonly token: string | undefined;
  readonly fetch: typeof fetch;
  readonly signal: AbortSignal | undefined;
  /** First pause before a retry; it doubles with each that brings nothing. */
  readonly retryDelayMs: number;
  readonly retries: number;
}

/** The public hub. */
export const defaultHubUrl = 'https://huggingface.co';

/** The hub that pulls go to when none is named. */
export function usualHubUrl(env: Readonly<Record<string, string | undefined>>): string {
  return (env['HF_ENDPOINT'] || defaultHubUrl).replace(/\/+$/, '');
}

/** Requests to the hub at `hubUrl`, which carry the token there and nowhere else. */
export function makeHubFetch(options: HubOptions, repo: string): typeof fetch {
  const origin = new URL(options.hubUrl).origin;
  return async (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input);
    const headers = new Headers(init?.headers);
    headers.set('user-agent', 'corral');
    if (options.token !== undefined && url.origin === origin) {
      headers.set('authorization', `Bearer ${options.token}`);
    }
    const signals = [options.signal, init?.signal].filter((signal) => signal != null);
    const signal = signals.length > 0 ? AbortSignal.any(signals) : null;
    const response = await options.fetch(url, { ...init, headers, signal });
    if (!response.ok) throw await describeRefusal(response, url, options, repo);
    return response;
  };
}

/** The error for an answer that is not a success. */
async function describeRefusal(
  response: Response,
  url: URL,
  options: HubOptions,
  repo: string,
): Promise<CorralError | HubBusy> {
  const code = response.headers.get('x-error-code');
  await response.body?.cancel();
  const page = `${options.hubUrl}/${repo}`;
  const reason = `the answer was ${response.status} ${response.statusText}`.trim();
  // A refusal of the storage the hub redirects to is about a signature that ran out: a new request
  // through the hub gets a new one.
  const redirected = response.url !== '' && new URL(response.url).origin !== url.origin;
  if (redirected) return new HubBusy(reason, 0);
  const missing = (what: string): CorralError =>
    errors.HUB_NOT_FOUND({ what, hubUrl: options.hubUrl });
  if (code === 'RevisionNotFound') return missing(`such revision of ${repo}`);
  if (code === 'EntryNotFound') return missing(`file ${url.pathname} in ${repo}`);
  // The hub answers 401 for a repository that does not exist, so as not to tell which private ones do.
  if (code === 'RepoNotFound' || response.status === 404) return missing(`repository ${repo}`);
  if (code === 'GatedRepo' || response.status === 401 || response.status === 403) {
    const token = options.token === undefined ? 'none' : 'refused';
    return errors.HUB_GATED({ repo, token, page });
  }
  if (response.status === 429 || response.status >= 500 || response.status === 408) {
    return new HubBusy(reason, Number(response.headers.get('retry-after')) * 1000 || 0);
  }
  return errors.HUB_UNREACHABLE({ url: url.href, reason });
}

/** An answer that asks to come back later. Never leaves this room. */
export class HubBusy extends Error {
  readonly retryAfterMs: number;
  constructor(reason: string, retryAfterMs: number) {
    super(reason);
    this.retryAfterMs = Math.min(retryAfterMs, 60_000);
  }
}

/**
 * Runs `attempt` until it succeeds. Network failures and busy answers are tried again, with pauses that
 * double, until `retries` in a row brought nothing new; `madeProgress` says whether one did.
 */
export async function withRetries<T>(
  options: HubOptions,
  url: string,
  attempt: () => Promise<T>,
  madeProgress: () => boolean = () => false,
): Promise<T> {
  for (let failures = 0; ; ) {
    try {
      return await attempt();
    } catch (error) {
      if (options.signal?.aborted) throw errors.ABORTED({ what: 'The pull' }, { cause: error });
      if (CorralError.isInstance(error)) throw error;
      if (error instanceof SyntaxError) {
        const found = 'something else';
        throw errors.HUB_ANSWER_INVALID({ url, expected: 'JSON', found }, { cause: error });
      }
      failures = madeProgress() ? 1 : failures + 1;
      if (failures > options.retries) {
        throw errors.HUB_UNREACHABLE({ url, reason: reasonOf(error) }, { cause: error });
      }
      const pause = options.retryDelayMs * 2 ** (failures - 1);
      await sleep(
        Math.max(pause, error instanceof HubBusy ? error.retryAfterMs : 0),
        options.signal,
      );
    }
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message || error.message : error.message;
}

function sleep(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, milliseconds);
    function done(): void {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    }
    signal?.addEventListener('abort', done, { once: true });
  });
}

const infoShape = z.object({
  sha: z
    .string()
    .regex(/^[0-9a-f]{7,64}$/)
    .optional(),
  tags: z.array(z.string()).optional(),
  cardData: z
    .object({ license: z.union([z.string(), z.array(z.string())]).nullish() })
    .nullish()
    .catch(undefined),
});

const entryShape = z.object({
  type: z.string(),
  path: z.string(),
  size: z.int().nonnegative(),
  oid: z.string().optional(),
  lfs: z.object({ oid: z.string(), size: z.int().nonnegative() }).optional(),
});

// The largest repositories of Llama weights hold a few hundred files.
const maxFiles = 20_000;

/** What the repository holds at `revision` (a branch, a tag, a commit; default the main branch). */
export async function describeRepository(
  repo: string,
  revision: string | undefined,
  options: HubOptions,
): Promise<Repository> {
  // Loaded here so that commands which never pull do not pay for it.
  const { modelInfo } = await import('@huggingface/hub');
  const hubFetch = makeHubFetch(options, repo);
  const { hubUrl } = options;
  const infoUrl = `${hubUrl}/api/models/${repo}`;
  const answer = await withRetries(options, infoUrl, () =>
    modelInfo({
      name: repo,
      revision: revision ?? 'main',
      hubUrl,
      fetch: hubFetch,
      additionalFields: ['sha', 'tags', 'cardData'],
    }),
  );
  const info = infoShape.safeParse(answer);
  if (!info.success) throw invalidAnswer(infoUrl, 'a description of a model', info.error);
  const commit = info.data.sha ?? revision ?? 'main';
  const files = await listRepositoryFiles({ repo, kind: 'model', revision: commit }, options);
  return { repo, commit, licence: readLicence(info.data), files };
}

/** The files of a repository at a revision, or of a folder in it. */
export async function listRepositoryFiles(
  {
    repo,
    kind,
    revision,
    folder,
  }: {
    readonly repo: string;
    readonly kind: 'model' | 'dataset';
    readonly revision: string;
    readonly folder?: string | undefined;
  },
  options: HubOptions,
): Promise<RepositoryFile[]> {
  const { listFiles } = await import('@huggingface/hub');
  const { hubUrl } = options;
  const inUrl = encodeURIComponent(revision); // which may hold slashes, and the package does not encode
  const url = `${hubUrl}/api/${kind}s/${repo}/tree/${inUrl}`;
  const hubFetch = makeHubFetch(options, repo);
  return withRetries(options, url, async () => {
    const found: RepositoryFile[] = [];
    const listing = listFiles({
      repo: { type: kind, name: repo },
      recursive: true,
      revision: inUrl,
      hubUrl,
      fetch: hubFetch,
      ...(folder !== undefined && { path: encodePath(folder) }),
    });
    for await (const entry of listing) {
      const file = readEntry(entry, url);
      if (file !== undefined) found.push(file);
      if (found.length > maxFiles) {
        const expected = `at most ${maxFiles} files`;
        throw errors.HUB_ANSWER_INVALID({ url, expected, found: 'more' });
      }
    }
    return found;
  });
}

function readLicence(info: z.infer<typeof infoShape>): string | undefined {
  const stated = info.cardData?.license;
  if (typeof stated === 'string') return stated;
  if (stated != null && stated[0] !== undefined) return stated[0];
  return info.tags?.find((tag) => tag.startsWith('license:'))?.slice('license:'.length);
}

function readEntry(entry: unknown, url: string): RepositoryFile | undefined {
  const read = entryShape.safeParse(entry);
  if (!read.success) throw invalidAnswer(url, 'a listing of files', read.error);
  const { type, path, oid, lfs } = read.data;
  if (type !== 'file') return undefined;
  if (safeRelativePath(path) === undefined) {
    throw errors.HUB_ANSWER_INVALID({
      url,
      expected: 'file names that stay inside their folder',
      found: JSON.stringify(path),
    });
  }
  const size = lfs?.size ?? read.data.size;
  const sha256 = lfs?.oid.replace(/^sha256:/, '');
  if (sha256 !== undefined && /^[0-9a-f]{64}$/.test(sha256)) {
    return { path, size, hash: { kind: 'sha256', hex: sha256 } };
  }
  if (oid !== undefined && /^[0-9a-f]{40}$/.test(oid) && lfs === undefined) {
    return { path, size, hash: { kind: 'git-sha1', hex: oid } };
  }
  throw errors.HUB_ANSWER_INVALID({
    url,
    expected: 'a hash for each file',
    found: `none for ${path}`,
  });
}

function invalidAnswer(url: string, expected: string, error: z.ZodError): CorralError {
  const issue = error.issues[0];
  const where =
    issue === undefined ? 'something else' : `${issue.path.join('.')}: ${issue.message}`;
  return errors.HUB_ANSWER_INVALID({ url, expected, found: where });
}

/** The start of a small file as text: a server that sends more than it said is cut off. */
export async function fetchText(
  repository: Repository,
  path: string,
  maxBytes: number,
  options: HubOptions,
): Promise<string> {
  const url = fileUrl(options.hubUrl, repository, path);
  const hubFetch = makeHubFetch(options, repository.repo);
  return withRetries(options, url, async () => {
    const response = await hubFetch(url);
    const chunks: Uint8Array[] = [];
    let length = 0;
    for await (const chunk of response.body ?? []) {
      chunks.push(chunk);
      length += chunk.length;
      if (length > maxBytes) break;
    }
    return Buffer.concat(chunks).subarray(0, maxBytes).toString('utf8');
  });
}

/** Where the bytes of a file of a model lie. */
export function fileUrl(hubUrl: string, repository: Repository, path: string): string {
  const commit = encodeURIComponent(repository.commit);
  return `${hubUrl}/${repository.repo}/resolve/${commit}/${encodePath(path)}`;
}

/** Where the bytes of a file of a data set lie. */
export function dataSetFileUrl(
  hubUrl: string,
  { repo, revision, path }: Readonly<Record<'repo' | 'revision' | 'path', string>>,
): string {
  return `${hubUrl}/datasets/${repo}/resolve/${encodeURIComponent(revision)}/${encodePath(path)}`;
}

function encodePath(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/');
}
