// The real import graph against the floor table of ARCHITECTURE.md.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '..');
const source = join(root, 'src');
const page = join(root, 'web', 'src');

function readFloors(): Map<string, number> {
  const text = readFileSync(join(root, 'ARCHITECTURE.md'), 'utf8');
  const rows = text.matchAll(/^\| (\d+) \| `(\w+)` \|/gm);
  return new Map(Array.from(rows, ([, floor, room]) => [room as string, Number(floor)]));
}

function roomOf(path: string): string {
  const [first = ''] = relative(source, path).split('/');
  return first === 'index.ts' ? 'library' : first;
}

function filesOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.tsx?$/.test(file) && !file.endsWith('.test.ts'))
    .map((file) => join(folder, file));
}

const files = filesOf(source);
const pageFiles = filesOf(page);

function importsOf(file: string): string[] {
  const text = readFileSync(file, 'utf8');
  const specifiers = text.matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g);
  return Array.from(specifiers, ([, specifier]) => resolve(dirname(file), specifier as string));
}

describe('the house', () => {
  const floors = readFloors();

  it('has a floor for every room and a room for every floor', () => {
    expect(new Set(files.map(roomOf))).toEqual(new Set(floors.keys()));
  });

  it('lets a room import only from floors below it', () => {
    const wrong = files.flatMap((file) =>
      importsOf(file)
        .filter((target) => {
          const [from, to] = [roomOf(file), roomOf(target)];
          return from !== to && (floors.get(to) ?? 99) >= (floors.get(from) ?? -1);
        })
        .map((target) => `${relative(root, file)} imports ${relative(root, target)}`),
    );
    expect(wrong).toEqual([]);
  });

  it('lets the chat page talk to the rest by HTTP alone', () => {
    const outside = pageFiles.flatMap((file) =>
      importsOf(file).filter((target) => !target.startsWith(page)),
    );
    expect(outside).toEqual([]);
  });

  it('keeps files under 500 lines', () => {
    const long = [...files, ...pageFiles].filter(
      (file) => readFileSync(file, 'utf8').split('\n').length > 500,
    );
    expect(long.map((file) => relative(root, file))).toEqual([]);
  });

  it('opens every file with a comment that says what it is', () => {
    const bare = [...files, ...pageFiles].filter(
      (file) => !readFileSync(file, 'utf8').startsWith('//'),
    );
    expect(bare.map((file) => relative(root, file))).toEqual([]);
  });
});
