// Packed weights on disk when all goes well, and when it does not: other processes, full disks, folders
// that may not be written to, files that are damaged, older or of another source.
import { spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { PackedTensor } from './packed-file.ts';
import { type KeepOutcome, PackedStore, type PackedStoreOptions } from './packed-store.ts';

const layout = 7;
const panels = [Buffer.alloc(5000, 'a'), Buffer.alloc(300, 'b')];
const tensors: readonly PackedTensor[] = panels.map((bytes, index) => ({
  at: 100 * index,
  sourceBytes: 90,
  dtype: 'q4_0',
  shape: [16, 32],
  bytes: bytes.length,
  checksum: [index, 4_000_000_000],
}));

let home: string;
let source: string;
let packed: string;

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'corral-packed-'));
  source = join(home, 'model.gguf');
  packed = join(home, 'packed');
  writeFileSync(source, 'weights');
});

afterEach(() => rmSync(home, { recursive: true, force: true }));

function storeWith(options: PackedStoreOptions = {}): PackedStore {
  return new PackedStore({ store: home, spareBytes: 0, ...options });
}

async function keep(
  store: PackedStore,
  path = source,
  between: (piece: number) => void = () => {},
): Promise<KeepOutcome> {
  let piece = 0;
  return store.keep(await store.find(path, layout), tensors, {
    pieceBytes: 1024,
    read: async (index, offset, length) => {
      between(piece++);
      return panels[index]?.subarray(offset, offset + length) ?? Buffer.alloc(0);
    },
  });
}

function files(): string[] {
  return readdirSync(packed).sort();
}

function fileOf(outcome: KeepOutcome): string {
  if (outcome.kind !== 'kept') throw new Error(`it ended with ${outcome.kind}`);
  return outcome.path;
}

it('gives back every byte, each tensor at the start of a page', async () => {
  const store = storeWith();
  const path = fileOf(await keep(store));
  const found = await store.find(source, layout);
  expect(found.tensors).toMatchObject(tensors);
  const bytes = readFileSync(path);
  for (const [index, { offset, bytes: length }] of found.tensors.entries()) {
    expect(offset % 4096).toBe(0);
    expect(bytes.subarray(offset, offset + length).equals(panels[index] as Buffer)).toBe(true);
  }
  expect(files()).toEqual([basename(path)]);
});

it('finds them by another name of the same file, and not after the file has changed', async () => {
  const store = storeWith();
  fileOf(await keep(store));
  symlinkSync(source, join(home, 'link.gguf'));
  expect((await store.find(join(home, 'link.gguf'), layout)).tensors).toHaveLength(2);
  const { atime, mtime } = statSync(source);
  // Of the same length, and dated back.
  writeFileSync(source, 'WEIGHTS');
  utimesSync(source, atime, mtime);
  const changed = await store.find(source, layout);
  expect(changed).toMatchObject({ tensors: [] });
  expect(changed.problem).toBeUndefined();
});

it('packs anew for another layout, in the same place', async () => {
  const store = storeWith();
  const path = fileOf(await keep(store));
  const later = await store.find(source, layout + 1);
  expect(later).toMatchObject({ path, tensors: [] });
  expect(later.problem).toBeUndefined();
});

it('keeps nothing of a file that changed while its weights were being written', async () => {
  const outcome = await keep(storeWith(), source, (piece) => {
    if (piece === 3) writeFileSync(source, 'other weights');
  });
  expect(outcome).toEqual({ kind: 'changed' });
  expect(files()).toEqual([]);
});

it.each<[what: string, damage: (path: string) => void, problem: RegExp]>([
  ['cut short', (path) => truncateSync(path, 6000), /6000 bytes of/],
  ['cut to nothing', (path) => truncateSync(path, 0), /too short/],
  ['longer', (path) => writeFileSync(path, 'x', { flag: 'a' }), /bytes of/],
  ['something else', (path) => writeFileSync(path, 'x'.repeat(9000)), /another file/],
  [
    'changed in its header',
    (path) => {
      const bytes = readFileSync(path);
      bytes[60] = (bytes[60] ?? 0) ^ 1;
      writeFileSync(path, bytes);
    },
    /header is damaged/,
  ],
  [
    'a folder',
    (path) => {
      rmSync(path);
      mkdirSync(path);
    },
    /EISDIR/,
  ],
])('says what is wrong with a file that is %s, and replaces it', async (what, damage, problem) => {
  const store = storeWith();
  const path = fileOf(await keep(store));
  damage(path);
  expect(await store.find(source, layout)).toMatchObject({
    tensors: [],
    problem: expect.stringMatching(problem),
  });
  // A folder in the way is nobody's doing but the user's: it stays.
  const again = await keep(store);
  expect(again.kind).toBe(what === 'a folder' ? 'refused' : 'kept');
  if (again.kind === 'kept') expect((await store.find(source, layout)).tensors).toHaveLength(2);
});

it('stops at a signal and leaves nothing behind', async () => {
  const store = storeWith();
  const controller = new AbortController();
  const outcome = await store.keep(await store.find(source, layout), tensors, {
    pieceBytes: 1024,
    signal: controller.signal,
    read: async (_, __, length) => {
      controller.abort();
      return Buffer.alloc(length);
    },
  });
  expect(outcome).toEqual({ kind: 'stopped' });
  expect(files()).toEqual([]);
});

it('passes on what reading the panels failed with as a reason, and leaves nothing behind', async () => {
  const outcome = await keep(storeWith(), source, () => {
    throw new Error('closed');
  });
  expect(outcome).toEqual({ kind: 'refused', reason: 'closed' });
  expect(files()).toEqual([]);
});

it('says that the disk is full, whether it shows before or while writing', async () => {
  const almost = storeWith({ spareBytes: Number.MAX_SAFE_INTEGER });
  expect(await keep(almost)).toEqual({ kind: 'refused', reason: 'the disk is almost full' });
  const store = storeWith();
  const { path } = await store.find(source, layout);
  // Every write to /dev/full fails as on a full disk.
  symlinkSync('/dev/full', path.replace('.packed', '.part'));
  expect(await keep(store)).toEqual({ kind: 'refused', reason: 'the disk is full' });
  expect(files()).toEqual([]);
});

it('says so where the folder may not be written to, and still finds what lies there', async () => {
  const path = fileOf(await keep(storeWith()));
  // The superuser may write anywhere; a file in the way of the folder stops even that.
  const other = mkdtempSync(join(tmpdir(), 'corral-packed-'));
  writeFileSync(join(other, 'packed'), '');
  const blocked = storeWith({ store: other });
  expect(await blocked.find(source, layout)).toMatchObject({ tensors: [] });
  expect((await keep(blocked)).kind).toBe('refused');
  chmodSync(packed, 0o500);
  expect(await storeWith().find(source, layout)).toMatchObject({ path, tensors });
  chmodSync(packed, 0o700);
  rmSync(other, { recursive: true });
});

it.skipIf(process.getuid?.() === 0)(
  'refuses a read-only folder (skipped for the superuser)',
  async () => {
    mkdirSync(packed);
    chmodSync(packed, 0o500);
    const reason = 'its folder may not be written to';
    expect(await keep(storeWith())).toEqual({ kind: 'refused', reason });
  },
);

it('lets the model used longest ago give way to the limit', async () => {
  const store = storeWith({ limitBytes: 40_000 });
  const sources = [0, 1, 2].map((i) => join(home, `${i}.gguf`));
  for (const [i, path] of sources.entries()) {
    writeFileSync(path, `weights ${i}`);
    const file = fileOf(await keep(store, path));
    utimesSync(file, i, i + 1000);
  }
  // A page for the header, two for the first panels, 300 bytes of the second ones.
  expect((await store.list()).map(({ bytes }) => bytes)).toEqual([12_588, 12_588, 12_588]);
  await store.find(sources[0] as string, layout);
  fileOf(await keep(store, source));
  const left = (await store.list()).map((each) => basename(each.source)).sort();
  expect(left).toEqual(['0.gguf', '2.gguf', 'model.gguf']);
  const small = storeWith({ limitBytes: 10_000 });
  expect((await keep(small)).kind).toBe('refused');
  expect(await store.list()).toHaveLength(3);
});

it('clears all, or what is kept of some sources, and forgets sources that are gone', async () => {
  const store = storeWith();
  const [one, two] = ['one.gguf', 'two.gguf'].map((name) => join(home, name)) as [string, string];
  for (const path of [source, one, two]) {
    writeFileSync(path, path);
    fileOf(await keep(store, path));
  }
  expect(await store.clear((path) => path === one)).toEqual({ bytes: 12_588 });
  rmSync(two);
  fileOf(await keep(store));
  expect((await store.list()).map((each) => each.source)).toEqual([source]);
  await store.clear();
  expect(files()).toEqual([]);
});

it('lets one process write at a time, and takes up after one that was killed', async () => {
  const child = spawn(
    process.execPath,
    [
      '--input-type=module',
      '-e',
      `const { PackedStore } = await import(${JSON.stringify(join(import.meta.dirname, 'packed-store.ts'))});
       const store = new PackedStore({ store: ${JSON.stringify(home)}, spareBytes: 0 });
       const found = await store.find(${JSON.stringify(source)}, ${layout});
       await store.keep(found, ${JSON.stringify(tensors)}, {
         pieceBytes: 1024,
         read: async (index, offset, length) => {
           if (offset < 2048) return new Uint8Array(length);
           console.log('writing');
           return new Promise((resolve) => setTimeout(resolve, 60_000));
         },
       });`,
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  await new Promise((resolve) => child.stdout.once('data', resolve));
  const store = storeWith();
  const { path } = await store.find(source, layout);
  const part = path.replace('.packed', '.part');
  expect(await keep(store)).toEqual({ kind: 'busy', holder: `process ${child.pid}` });
  // Clearing leaves alone what is being written.
  await store.clear();
  expect(existsSync(part)).toBe(true);

  child.kill('SIGKILL');
  await new Promise((resolve) => child.once('close', resolve));
  expect(existsSync(part)).toBe(true);
  expect(await store.find(source, layout)).toMatchObject({ tensors: [] });
  fileOf(await keep(store));
  expect(existsSync(part)).toBe(false);
  expect((await store.find(source, layout)).tensors).toMatchObject(tensors);

  writeFileSync(join(packed, 'another.part'), 'left by a killed process');
  await store.clear();
  expect(files()).toEqual([]);
});
