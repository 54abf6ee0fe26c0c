import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';
import { recipePage } from '../scripts/recipe-page.ts';

it('has a reference page for exactly the fields of a recipe (node scripts/recipe-page.ts)', () => {
  const page = join(resolve(import.meta.dirname, '..'), 'docs', 'reference', 'recipe.md');
  expect(readFileSync(page, 'utf8')).toBe(recipePage());
});
