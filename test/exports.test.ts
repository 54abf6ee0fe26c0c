// The names behind every public door. A new one is a reviewed line in the snapshot.
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '..');
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  exports: Record<string, string | { default: string }>;
};
const doors = Object.entries(manifest.exports).flatMap(([door, target]) =>
  typeof target === 'string' ? [] : [[door, target.default] as const],
);

it.each(doors)('exports the known names from %s', async (_, target) => {
  const source = target.replace('./dist/', '../src/').replace(/\.js$/, '.ts');
  const names = Object.keys((await import(source)) as object).sort();
  expect(names).toMatchSnapshot();
});
