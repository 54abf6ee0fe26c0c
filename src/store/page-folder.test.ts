import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PageFolder } from './page-folder.ts';

const keyOf = (text: string): string => createHash('sha256').update(text).digest('hex');
const [one, two, three] = [keyOf('one'), keyOf('two'), keyOf('three')];
const bytes = (value: number, length = 1000): Uint8Array => new Uint8Array(length).fill(value);

describe('a folder of pages', () => {
  let folder = '';
  let said: string[] = [];
  const open = (maxBytes = 1e6): Promise<PageFolder> =>
    PageFolder.open(folder, {
      maxBytes,
      logger: { warn: (message) => said.push(message), debug: () => {} },
    });
  beforeEach(() => {
    folder = join(mkdtempSync(join(tmpdir(), 'corral-pages-')), 'pages');
    said = [];
  });
  afterEach(() => rmSync(join(folder, '..'), { recursive: true, force: true }));

  it('gives back what it was given, also when it is opened again', async () => {
    const pages = await open();
    await pages.write(one, bytes(1));
    await pages.write(two, bytes(2, 0));
    for (const each of [pages, await open()]) {
      expect(await each.read(one)).toEqual(Buffer.from(bytes(1)));
      expect(await each.read(two)).toHaveLength(0);
      expect(await each.read(three)).toBeUndefined();
      expect(each.totalBytes).toBe(readdirSync(folder).length * 72 + 1000);
    }
    expect(said).toEqual([]);
  });

  it('is for its owner alone', async () => {
    const pages = await open();
    await pages.write(one, bytes(1));
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    expect(statSync(join(folder, `${one}.page`)).mode & 0o777).toBe(0o600);
  });

  it.each([
    ['a changed byte', (file: Buffer) => file.fill(9, 500, 501)],
    ['a missing end', (file: Buffer) => file.subarray(0, -1)],
    ['a changed digest', (file: Buffer) => file.fill(9, 10, 11)],
    ['nothing in it', () => Buffer.alloc(0)],
    ['something else in it', () => Buffer.from('once upon a time')],
  ])('takes a file with %s for none, and removes it', async (_, change) => {
    const path = join(folder, `${one}.page`);
    await (await open()).write(one, bytes(1));
    writeFileSync(path, change(readFileSync(path)));
    const pages = await open();
    expect(await pages.read(one)).toBeUndefined();
    expect([pages.has(one), pages.totalBytes, readdirSync(folder)]).toEqual([false, 0, []]);
    expect(said).toEqual([`${path} is damaged; it is removed`]);
    await pages.write(one, bytes(3));
    expect(await pages.read(one)).toEqual(Buffer.from(bytes(3)));
  });

  it('takes the file of another page for none', async () => {
    const pages = await open();
    await pages.write(one, bytes(1));
    writeFileSync(join(folder, `${two}.page`), readFileSync(join(folder, `${one}.page`)));
    const again = await open();
    expect(await again.read(two)).toBeUndefined();
    expect(await again.read(one)).toEqual(Buffer.from(bytes(1)));
  });

  it('leaves files alone that are not its own, and removes what was left unfinished', async () => {
    await open();
    writeFileSync(join(folder, 'diary.txt'), 'dear diary');
    writeFileSync(join(folder, `${one}.0af1f7b8-1111-4222-8333-444455556666.tmp`), 'half');
    const pages = await open(10);
    expect(readdirSync(folder)).toEqual(['diary.txt']);
    expect(pages.totalBytes).toBe(0);
  });

  it('holds no more than it may: what was used longest ago goes, also after a restart', async () => {
    const pages = await open(2500);
    await pages.write(one, bytes(1));
    await sleep(20);
    await pages.write(two, bytes(2));
    await sleep(20);
    await pages.read(one);
    // The time of a read is written behind its back.
    await sleep(100);
    const again = await open(2500);
    await again.write(three, bytes(3));
    expect([one, two, three].map((key) => again.has(key))).toEqual([true, false, true]);
    await again.write(keyOf('large'), bytes(4, 2500));
    expect(again.has(keyOf('large'))).toBe(false);
    expect((await open(1100)).totalBytes).toBe(1072);
    expect(readdirSync(folder)).toEqual([`${three}.page`]);
  });

  it('says once that it cannot write, and goes on', async () => {
    const pages = await open();
    await pages.write(one, bytes(1));
    rmSync(folder, { recursive: true });
    await pages.write(two, bytes(2));
    await pages.write(three, bytes(3));
    expect(said).toHaveLength(1);
    expect(said[0]).toContain(`${folder} takes no more pages: ENOENT`);
    expect([await pages.read(two), await pages.read(one), pages.totalBytes]).toEqual([
      undefined,
      undefined,
      0,
    ]);
  });

  it('says what is wrong with a folder that is none', async () => {
    writeFileSync(folder, 'a file');
    await expect(open()).rejects.toMatchObject({ code: 'CORRAL_FILE_UNREADABLE' });
  });
});
