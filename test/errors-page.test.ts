import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';
import { errorsPage } from '../scripts/errors-page.ts';

it('has a reference page for exactly the errors of the table (node scripts/errors-page.ts)', () => {
  const page = join(resolve(import.meta.dirname, '..'), 'docs', 'reference', 'errors.md');
  expect(readFileSync(page, 'utf8')).toBe(errorsPage());
});
