import { createHash } from 'node:crypto';
import { mkdtempSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openEvaluationDatabase } from './evaluation-database.ts';
import { hashFiles } from './hash-files.ts';

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

function writeFile(text: string): string {
  const path = join(mkdtempSync(join(tmpdir(), 'corral-hash-')), 'weights.bin');
  writeFileSync(path, text);
  return path;
}

describe('hashFiles', () => {
  it('gives a file its sha256, and several the sha256 of their hashes in order', async () => {
    using database = openEvaluationDatabase(':memory:');
    const paths = [writeFile('one'), writeFile('two')];
    expect(await hashFiles(paths.slice(0, 1), { database })).toBe(sha256('one'));
    // As `sha256sum FILE… | cut -d' ' -f1 | sha256sum` prints it.
    const both = sha256(`${sha256('one')}\n${sha256('two')}\n`);
    expect(await hashFiles(paths, { database })).toBe(both);
    expect(await hashFiles(paths.toReversed(), { database })).not.toBe(both);
  });

  it('reads a file again only when its size or its time of change differ', async () => {
    using database = openEvaluationDatabase(':memory:');
    const path = writeFile('aaaa');
    utimesSync(path, 1000, 1000);
    expect(await hashFiles([path], { database })).toBe(sha256('aaaa'));
    writeFileSync(path, 'bbbb');
    utimesSync(path, 1000, 1000);
    expect(await hashFiles([path], { database })).toBe(sha256('aaaa'));
    utimesSync(path, 1000, 1001);
    expect(await hashFiles([path], { database })).toBe(sha256('bbbb'));
  });

  it('tells how far it is and stops at the signal', async () => {
    using database = openEvaluationDatabase(':memory:');
    const path = writeFile('x'.repeat(3_000_000));
    const done: number[] = [];
    await hashFiles([path], { database, onProgress: (progress) => done.push(progress.done) });
    expect(done.at(-1)).toBe(3_000_000);
    expect(done.length).toBeGreaterThan(2);
    const other = writeFile('y');
    const stopped = hashFiles([other], { database, signal: AbortSignal.abort() });
    await expect(stopped).rejects.toThrow('Hashing was aborted.');
  });
});
