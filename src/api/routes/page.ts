// The web page at `/`: a folder of built files, read once. Only what lies in it is served, under a policy
// that lets a browser run nothing else and talk to nobody else.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { extname, join, sep } from 'node:path';
import type { Context } from 'hono';
import type { ApiEnv } from '../request-context.ts';

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.json': 'application/json',
  '.webmanifest': 'application/manifest+json',
  '.woff2': 'font/woff2',
  '.txt': 'text/plain; charset=utf-8',
};

const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data: blob:",
  "font-src 'self'",
  "connect-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

interface PageFile {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly type: string;
  /** Names with a hash in them never mean another content. */
  readonly isFixed: boolean;
}

/** The files of a folder by path; none where there is no folder. */
export function readPage(folder: string | undefined): ReadonlyMap<string, PageFile> {
  const files = new Map<string, PageFile>();
  if (folder === undefined || !existsSync(folder)) return files;
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const name = path.slice(folder.length).split(sep).filter(Boolean).join('/');
    const type = types[extname(name)] ?? 'application/octet-stream';
    const isFixed = /^assets\/.*-[\w-]{8}\.\w+$/.test(name);
    const file = { bytes: Uint8Array.from(readFileSync(path)), type, isFixed };
    files.set(`/${name}`, file);
    if (name === 'index.html') files.set('/', file);
  }
  return files;
}

/** Sends a file of the page. */
export function sendPage(c: Context<ApiEnv>, { bytes, type, isFixed }: PageFile): Response {
  c.header('content-type', type);
  c.header('content-security-policy', policy);
  c.header('cache-control', isFixed ? 'public, max-age=31536000, immutable' : 'no-cache');
  return c.body(bytes);
}
