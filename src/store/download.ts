// Brings files from the hub onto the disk: several ranges at a time, taken up where an earlier attempt
// stopped, checked by hash, fetched anew once when the hash is wrong. The hub's own package lists and
// describes; its downloads cannot be taken up again after a kill, so the bytes are fetched here.
import { errors } from '../base/errors.ts';
import type { OnProgress } from '../base/progress.ts';
import { type HubOptions, makeHubFetch, withRetries } from './hub.ts';
import type { PartialFile, Segment } from './partial-file.ts';
import { hashFile } from './verify.ts';

/** What a download needs to know besides where from and where to. */
export interface DownloadOptions extends HubOptions {
  readonly repo: string;
  /** Requests at a time. */
  readonly parallel: number;
  /** A connection that brings nothing for so long is given up and made anew. */
  readonly stallMs: number;
  readonly onProgress: OnProgress | undefined;
  readonly urlOf: (path: string) => string;
}

interface Work {
  readonly partial: PartialFile;
  readonly segment: Segment;
}

/** Downloads every file that is not there yet. When it returns, all are whole and verified. */
export async function downloadFiles(
  partials: readonly PartialFile[],
  options: DownloadOptions,
): Promise<void> {
  const total = partials.reduce((sum, { file }) => sum + file.size, 0);
  const queue: Work[] = [];
  const toVerify: PartialFile[] = [];
  const left = new Map<PartialFile, number>();
  const damaged = new Set<PartialFile>();
  let done = 0;

  const enqueue = (partial: PartialFile): void => {
    const open = partial.segments.filter((segment) => segment.done < segment.end - segment.start);
    done += partial.bytesDone;
    left.set(partial, open.length);
    if (open.length === 0) toVerify.push(partial);
    queue.push(...open.map((segment) => ({ partial, segment })));
  };
  const report = (): void => {
    options.onProgress?.({ task: `Pulling ${options.repo}`, done, total, unit: 'bytes' });
  };
  for (const partial of partials.toSorted((a, b) => a.file.size - b.file.size)) {
    if (await partial.isComplete()) {
      done += partial.file.size;
      continue;
    }
    partial.prepare();
    enqueue(partial);
  }
  report();

  const stop = new AbortController();
  const signal = AbortSignal.any([stop.signal, ...(options.signal ? [options.signal] : [])]);
  const attempt = { ...options, signal };

  const verify = async (partial: PartialFile): Promise<void> => {
    await partial.close();
    const found = await checkHash(partial, attempt, () => done === total);
    if (found === partial.file.hash.hex) return partial.finish();
    if (damaged.has(partial)) {
      const { path: file, hash } = partial.file;
      await partial.restart();
      throw errors.DOWNLOAD_CORRUPTED({ file, expected: hash.hex, found });
    }
    damaged.add(partial);
    done -= partial.bytesDone;
    await partial.restart();
    enqueue(partial);
  };
  const work = async (): Promise<void> => {
    while (!signal.aborted) {
      const whole = toVerify.pop();
      if (whole !== undefined) {
        await verify(whole);
        continue;
      }
      const next = queue.shift();
      if (next === undefined) return;
      await fetchSegment(next, attempt, (bytes) => {
        done += bytes;
        report();
      });
      const remaining = (left.get(next.partial) ?? 0) - 1;
      left.set(next.partial, remaining);
      if (remaining === 0) toVerify.push(next.partial);
    }
  };

  const workers = Array.from({ length: options.parallel }, async () => {
    try {
      await work();
    } catch (error) {
      // The first failure ends the others; they leave their journals behind.
      if (!stop.signal.aborted) stop.abort(error);
      throw error;
    }
  });
  const results = await Promise.allSettled(workers);
  await Promise.all(partials.map((partial) => partial.close()));
  if (options.signal?.aborted) throw errors.ABORTED({ what: 'The pull' });
  if (stop.signal.aborted) throw stop.signal.reason;
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}

async function checkHash(
  partial: PartialFile,
  options: DownloadOptions,
  isLast: () => boolean,
): Promise<string> {
  const { file } = partial;
  if (file.size === 0) await partial.append({ start: 0, end: 0, done: 0 }, new Uint8Array());
  let checked = 0;
  return hashFile(partial.dataPath, file, {
    signal: options.signal,
    onBytes: (bytes) => {
      checked += bytes;
      if (!isLast()) return;
      const task = `Checking ${file.path}`;
      options.onProgress?.({ task, done: checked, total: file.size, unit: 'bytes' });
    },
  });
}

/** Fetches what a segment lacks, in as many requests as it takes. */
async function fetchSegment(
  { partial, segment }: Work,
  options: DownloadOptions,
  onBytes: (bytes: number) => void,
): Promise<void> {
  const url = options.urlOf(partial.file.path);
  const hubFetch = makeHubFetch(options, options.repo);
  let before = segment.done;
  await withRetries(
    options,
    url,
    async () => {
      before = segment.done;
      const stall = new AbortController();
      const stalled = (): void => stall.abort(new Error(`no data for ${options.stallMs} ms`));
      let timer = setTimeout(stalled, options.stallMs);
      try {
        const from = segment.start + segment.done;
        const range = `bytes=${from}-${segment.end - 1}`;
        // Compressed answers have other offsets than the file.
        const headers = { range, 'accept-encoding': 'identity' };
        const response = await hubFetch(url, { headers, signal: stall.signal });
        let skip = bytesBefore(response, from, url);
        for await (const chunk of response.body ?? []) {
          clearTimeout(timer);
          timer = setTimeout(stalled, options.stallMs);
          const useful = chunk.subarray(Math.min(skip, chunk.length));
          skip -= chunk.length - useful.length;
          const room = segment.end - segment.start - segment.done;
          const bytes = useful.subarray(0, room);
          await partial.append(segment, bytes);
          onBytes(bytes.length);
          if (useful.length >= room) break;
        }
      } finally {
        clearTimeout(timer);
        partial.saveJournal();
      }
      if (segment.done < segment.end - segment.start) throw new Error('the connection ended early');
    },
    () => segment.done > before,
  );
}

/** How many bytes of the body come before `from`: none in a ranged answer, all in a whole one. */
function bytesBefore(response: Response, from: number, url: string): number {
  if (response.status !== 206) return from;
  const range = response.headers.get('content-range');
  const start = Number(/^bytes (\d+)-/.exec(range ?? '')?.[1] ?? Number.NaN);
  if (start === from) return 0;
  throw errors.HUB_ANSWER_INVALID({
    url,
    expected: `bytes from ${from} on`,
    found: range ?? 'no content-range',
  });
}
