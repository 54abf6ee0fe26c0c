// Bounded reading and atomic writing of files, and the cursor over their bytes.
import { mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ByteReader } from './byte-reader.ts';
import { bytesAsSource, openFile, writeFileAtomically } from './files.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'corral-files-'));
});

afterEach(() => rm(folder, { recursive: true, force: true }));

function code(name: string): unknown {
  return expect.objectContaining({ code: `CORRAL_${name}` });
}

describe('a source file', () => {
  it('reads ranges and refuses what is not in the file, naming the byte', async () => {
    const path = join(folder, 'ten');
    await writeFile(
      path,
      Uint8Array.from({ length: 10 }, (_, i) => i),
    );
    const file = await openFile(path);
    expect([...(await file.read(3, 4))]).toEqual([3, 4, 5, 6]);
    expect([...file.readSync(8, 2)]).toEqual([8, 9]);
    expect((await file.read(10, 0)).length).toBe(0);
    for (const [offset, length] of [
      [8, 3],
      [-1, 2],
      [0, 2 ** 60],
      [2 ** 53, 1],
      [1.5, 1],
      [0, Number.NaN],
    ] as const) {
      await expect(file.read(offset, length)).rejects.toThrow(code('FORMAT_DAMAGED'));
    }
    await expect(file.read(8, 3)).rejects.toThrow(/damaged at byte 8.*3 bytes.*10 bytes/);
    await file.close();
    await file.close();
    await expect(file.read(0, 1)).rejects.toThrow(/it was closed/);
  });

  it('says so when the file became shorter while it was open', async () => {
    const path = join(folder, 'shrinking');
    await writeFile(path, new Uint8Array(100));
    const file = await openFile(path);
    await truncate(path, 50);
    await expect(file.read(40, 20)).rejects.toThrow(/became shorter/);
    await file.close();
  });

  it('refuses folders and files that are not there', async () => {
    await expect(openFile(folder)).rejects.toThrow(/is a folder; a regular file is needed/);
    await expect(openFile('/dev/null')).rejects.toThrow(/is a device/);
    await expect(openFile(join(folder, 'no'))).rejects.toThrow(code('FILE_NOT_FOUND'));
    await expect(openFile(join(folder, 'a\0b'))).rejects.toThrow();
  });
});

describe('an atomic write', () => {
  it('puts small and large writes one after the other and pads', async () => {
    const path = join(folder, 'out');
    const large = new Uint8Array(3 * 2 ** 20).fill(7);
    await writeFileAtomically(path, async (sink) => {
      await sink.write(Uint8Array.of(1, 2, 3));
      await sink.pad(8);
      expect(sink.position).toBe(8);
      await sink.write(large);
      await sink.pad(8);
      await sink.write(Uint8Array.of(9));
    });
    const bytes = await readFile(path);
    expect(bytes.length).toBe(8 + large.length + 1);
    expect([...bytes.subarray(0, 9)]).toEqual([1, 2, 3, 0, 0, 0, 0, 0, 7]);
    expect(bytes.at(-1)).toBe(9);
  });

  it('leaves the old file and nothing else when writing fails', async () => {
    const path = join(folder, 'kept');
    await writeFile(path, 'old');
    const failing = writeFileAtomically(path, async (sink) => {
      await sink.write(new Uint8Array(5 * 2 ** 20));
      throw new Error('no more');
    });
    await expect(failing).rejects.toThrow('no more');
    expect(await readFile(path, 'utf8')).toBe('old');
    expect(await readdir(folder)).toEqual(['kept']);
  });

  it('explains why a place cannot be written', async () => {
    const write = (path: string) => writeFileAtomically(path, async () => {});
    await expect(write(join(folder, 'no', 'file'))).rejects.toThrow(/folder does not exist/);
    await mkdir(join(folder, 'taken'));
    for (const path of [join(folder, 'taken'), '/dev/null']) {
      await expect(write(path)).rejects.toThrow(code('FILE_KIND_WRONG'));
    }
    expect(await readdir(folder)).toEqual(['taken']);
  });
});

describe('a byte reader', () => {
  const bytes = Buffer.alloc(40);
  bytes.writeUInt32LE(0xfffffffe, 0);
  bytes.writeBigUInt64LE(2n ** 53n - 1n, 4);
  bytes.writeDoubleLE(-0.1, 12);
  bytes.write('añ\u{1f999}', 20);
  bytes[30] = 0xff;
  const reader = (): ByteReader => new ByteReader(bytesAsSource(bytes, 'memory'));

  it('reads numbers and strings in order', () => {
    const r = reader();
    expect([r.u32('a'), r.u64('b'), r.f64('c')]).toEqual([0xfffffffe, 2 ** 53 - 1, -0.1]);
    expect(r.string(7, 'd', 10)).toBe('añ\u{1f999}');
    expect([r.offset, r.remaining]).toEqual([27, 13]);
    r.seek(30, 'back');
    expect(r.string(1, 'broken UTF-8', 1)).toBe('\ufffd');
    r.seek(0, 'start');
    expect(r.i32('signed')).toBe(-2);
    expect([...r.bytes(2, 'copy')]).toEqual([0xff, 0xff]);
  });

  it('keeps a U+FEFF with which a string begins', () => {
    const text = Buffer.from('\ufeffb');
    const r = new ByteReader(bytesAsSource(text, 'memory'));
    expect(r.string(text.length, 'a piece', 10)).toBe('\ufeffb');
  });

  it('believes no number above its maximum and names where it stood', () => {
    expect(() => reader().u32('the count', 100)).toThrow(
      /byte 0: expected the count of at most 100, found 4294967294/,
    );
    const r = reader();
    r.skip(4, 'the first');
    expect(() => r.u64('the size', 2 ** 40)).toThrow(/byte 4: expected the size of at most/);
    const huge = new ByteReader(bytesAsSource(new Uint8Array(8).fill(255), 'memory'));
    expect(() => huge.u64('the size')).toThrow(/found 18446744073709551615/);
  });

  it('refuses to go past the end, however far', () => {
    for (const length of [41, 2 ** 53 - 1, 2 ** 60, -1, Number.NaN, 0.5]) {
      expect(() => reader().skip(length, 'them')).toThrow(code('FORMAT_DAMAGED'));
      expect(() => reader().bytes(length, 'them')).toThrow(code('FORMAT_DAMAGED'));
    }
    expect(() => reader().seek(41, 'a place')).toThrow(code('FORMAT_DAMAGED'));
    const part = new ByteReader(bytesAsSource(bytes, 'memory'), { start: 4, end: 8 });
    expect(() => part.u64('b')).toThrow(/byte 4: expected b \(8 bytes\), found only 4 bytes left/);
  });

  it('reads across its chunks', async () => {
    const path = join(folder, 'long');
    const long = new Uint8Array(3 * 2 ** 20 + 5);
    for (let i = 0; i < long.length; i++) long[i] = i % 251;
    await writeFile(path, long);
    const file = await openFile(path);
    const r = new ByteReader(file);
    r.skip(2 ** 20 - 3, 'most of a chunk');
    const at = r.offset;
    expect([...r.bytes(6, 'over the edge')]).toEqual([...long.subarray(at, at + 6)]);
    r.skip(2 ** 20, 'a chunk');
    expect(r.u8('one')).toBe(long[at + 6 + 2 ** 20]);
    r.seek(2, 'back');
    expect(r.u16('two')).toBe((long[2] ?? 0) | ((long[3] ?? 0) << 8));
    expect(r.bytes(2 ** 21, 'much').length).toBe(2 ** 21);
    await file.close();
  });
});
