// A local server that speaks the paths of a Hugging Face hub: description, listing (in pages), files
// with ranges, large files by redirect to another origin. It can cut, corrupt, refuse and stall.
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A repository to serve. */
export interface HubRepository {
  readonly files: Readonly<Record<string, Uint8Array | string>>;
  readonly licence?: string;
  /** Only this token may fetch files; 'hidden' repositories look missing without it. */
  readonly gated?: { readonly token: string; readonly hidden?: boolean };
  /** Names that the listing shows besides the files. */
  readonly extraNames?: readonly string[];
}

/** What goes wrong, by file path. Counters count down as faults happen. */
export interface HubFaults {
  /** Cut the connection after so many bytes, `times` times. */
  cut?: Record<string, { afterBytes: number; times: number }>;
  /** Flip a bit of this byte, `times` times. */
  corrupt?: Record<string, { byte: number; times: number }>;
  /** The storage answers so many requests for the file with 403. */
  refuse?: Record<string, number>;
  /** Answer so many requests with 503. */
  busy?: number;
  /** Milliseconds to wait before each 16 KiB of a file. */
  delayMs?: number;
  ignoreRanges?: boolean;
  pageSize?: number;
}

/** One request that came in. */
export interface HubRequest {
  readonly path: string;
  readonly range: string | undefined;
  readonly authorization: string | undefined;
  readonly origin: 'hub' | 'storage';
}

/** A running hub. Mutate `faults` and `repositories` between pulls. */
export interface HubServer {
  readonly url: string;
  readonly requests: HubRequest[];
  faults: HubFaults;
  repositories: Record<string, HubRepository>;
  close(): Promise<void>;
}

const dataBranch = 'refs/convert/parquet';

// Files from this size on are served as large ones: sha256, and from the other origin.
const largeFrom = 1000;

/** The commit a repository is at: it changes with its files. */
export function commitOf(repository: HubRepository): string {
  const hash = createHash('sha1');
  for (const [path, content] of Object.entries(repository.files)) hash.update(path).update(content);
  return hash.digest('hex');
}

/** Starts a hub on a free port of this machine, and its storage on another. */
export async function startHubServer(
  repositories: Record<string, HubRepository>,
  faults: HubFaults = {},
): Promise<HubServer> {
  const requests: HubRequest[] = [];
  const storage = await listen((request, response) => {
    note(request, 'storage');
    const parts = decodeURIComponent(request.url ?? '')
      .slice(1)
      .split('/');
    const depth = parts[0] === 'datasets' ? 3 : 2;
    const file = parts.slice(depth).join('/');
    const refusals = state.faults.refuse?.[file] ?? 0;
    if (refusals > 0) {
      state.faults.refuse = { ...state.faults.refuse, [file]: refusals - 1 };
      refuse(response, 403, undefined);
      return;
    }
    const content = state.repositories[parts.slice(0, depth).join('/')]?.files[file];
    if (content === undefined) {
      refuse(response, 404, 'EntryNotFound');
      return;
    }
    void sendFile(request, response, file, Buffer.from(content), state.faults);
  });
  const hub = await listen((request, response) => {
    note(request, 'hub');
    if ((state.faults.busy ?? 0) > 0) {
      state.faults.busy = (state.faults.busy ?? 0) - 1;
      refuse(response, 503, undefined);
      return;
    }
    answer(request, response, state, addressOf(storage));
  });
  const note = (request: IncomingMessage, origin: HubRequest['origin']): void => {
    const { range, authorization } = request.headers;
    requests.push({ path: request.url ?? '', range, authorization, origin });
  };
  const state: HubServer = {
    url: addressOf(hub),
    requests,
    faults,
    repositories,
    close: async () => {
      for (const server of [hub, storage]) {
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
      }
    },
  };
  return state;
}

function answer(
  request: IncomingMessage,
  response: ServerResponse,
  state: HubServer,
  storageUrl: string,
): void {
  const url = new URL(request.url ?? '/', state.url);
  const api = /^\/api\/(models|datasets)\/([^/]+\/[^/]+)\/(revision|tree)\/([^/]+)\/?(.*)$/;
  const file = /^\/((?:datasets\/)?)([^/]+\/[^/]+)\/(resolve)\/([^/]+)\/(.+)$/;
  const match = api.exec(url.pathname) ?? file.exec(url.pathname);
  const [, kind = '', name = '', verb = '', branch = '', path = ''] = match ?? [];
  // data sets are repositories whose key here begins with `datasets/`
  const repo = kind.startsWith('datasets') ? `datasets/${name}` : name;
  const revision = decodeURIComponent(branch);
  const repository = state.repositories[repo];
  const authorised =
    repository?.gated === undefined ||
    request.headers.authorization === `Bearer ${repository.gated.token}`;
  if (repository === undefined || (repository.gated?.hidden === true && !authorised)) {
    refuse(response, 401, 'RepoNotFound');
    return;
  }
  const commit = commitOf(repository);
  const branches = ['main', commit, ...(repo.startsWith('datasets/') ? [dataBranch] : [])];
  if (!branches.includes(revision)) {
    refuse(response, 404, 'RevisionNotFound');
    return;
  }
  if (verb === 'revision') {
    sendJson(response, {
      _id: '1',
      id: repo,
      sha: commit,
      private: false,
      gated: repository.gated === undefined ? false : 'manual',
      downloads: 0,
      likes: 0,
      lastModified: '2024-01-01T00:00:00.000Z',
      tags: repository.licence === undefined ? [] : [`license:${repository.licence}`],
      cardData: repository.licence === undefined ? undefined : { license: repository.licence },
    });
    return;
  }
  if (verb === 'tree') {
    sendTree(url, response, { repository, folder: decodeURIComponent(path) }, state);
    return;
  }
  if (!authorised) {
    refuse(response, 401, 'GatedRepo');
    return;
  }
  const filePath = decodeURIComponent(path);
  const content = repository.files[filePath];
  if (content === undefined) {
    refuse(response, 404, 'EntryNotFound');
    return;
  }
  if (content.length >= largeFrom) {
    response.writeHead(302, { location: `${storageUrl}/${repo}/${path}` }).end();
    return;
  }
  void sendFile(request, response, filePath, Buffer.from(content), state.faults);
}

function sendTree(
  url: URL,
  response: ServerResponse,
  { repository, folder }: { readonly repository: HubRepository; readonly folder: string },
  state: HubServer,
): void {
  const entries = Object.entries(repository.files)
    .filter(([path]) => folder === '' || path.startsWith(`${folder}/`))
    .map(([path, content]) => describe(path, content));
  for (const path of repository.extraNames ?? []) entries.push(describe(path, 'x'));
  const from = Number(url.searchParams.get('cursor') ?? 0);
  const size = state.faults.pageSize ?? 1000;
  if (from + size < entries.length) {
    url.searchParams.set('cursor', String(from + size));
    response.setHeader('link', `<${url.href}>; rel="next"`);
  }
  sendJson(response, entries.slice(from, from + size));
}

function describe(path: string, content: Uint8Array | string): Record<string, unknown> {
  const bytes = Buffer.from(content);
  const oid = createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');
  if (bytes.length < largeFrom) return { type: 'file', path, size: bytes.length, oid };
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const lfs = { oid: sha256, size: bytes.length, pointerSize: 134 };
  return { type: 'file', path, size: bytes.length, oid, lfs };
}

async function sendFile(
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
  original: Buffer,
  faults: HubFaults,
): Promise<void> {
  const bytes = Buffer.from(original);
  const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '');
  const ranged = range !== null && faults.ignoreRanges !== true;
  const start = ranged ? Number(range[1]) : 0;
  const end = ranged ? Math.min(Number(range[2]) + 1, bytes.length) : bytes.length;
  const corrupt = faults.corrupt?.[path];
  if (corrupt && corrupt.times > 0 && corrupt.byte >= start && corrupt.byte < end) {
    corrupt.times--;
    bytes[corrupt.byte] = (bytes[corrupt.byte] ?? 0) ^ 1;
  }
  const headers: Record<string, string | number> = { 'content-length': end - start };
  if (ranged) headers['content-range'] = `bytes ${start}-${end - 1}/${bytes.length}`;
  response.writeHead(ranged ? 206 : 200, headers);
  const cut = faults.cut?.[path];
  let stop = end;
  if (cut && cut.times > 0 && end - start > cut.afterBytes) {
    cut.times--;
    stop = start + cut.afterBytes;
  }
  for (let at = start; at < stop; at += 16384) {
    if (faults.delayMs !== undefined) await new Promise((go) => setTimeout(go, faults.delayMs));
    if (response.destroyed) return;
    response.write(bytes.subarray(at, Math.min(at + 16384, stop)));
  }
  if (stop === end) response.end();
  else setTimeout(() => response.destroy(), 20);
}

function refuse(response: ServerResponse, status: number, code: string | undefined): void {
  if (code !== undefined) response.setHeader('x-error-code', code);
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ error: code ?? 'busy' }));
}

function sendJson(response: ServerResponse, value: unknown): void {
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(JSON.stringify(value));
}

async function listen(
  handle: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<Server> {
  const server = createServer(handle);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

function addressOf(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
