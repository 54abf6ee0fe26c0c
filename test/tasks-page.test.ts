// The guide to evaluation: its table of tasks is that of the files, and its example of a task loads.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';
import { withTaskTable } from '../scripts/tasks-page.ts';
import { loadTask } from '../src/evaluate/index.ts';

const page = readFileSync(
  join(resolve(import.meta.dirname, '..'), 'docs/guides/evaluate.md'),
  'utf8',
);

it('has a table of exactly the tasks there are (node scripts/tasks-page.ts)', () => {
  expect(page).toBe(withTaskTable(page));
});

it('shows a task of your own that works as it stands there', async () => {
  const [task, rows] = Array.from(
    page.matchAll(/```(?:yaml|json)\n([\s\S]*?)```/g),
    (m) => m[1] ?? '',
  );
  const folder = mkdtempSync(join(tmpdir(), 'corral-own-task-'));
  try {
    writeFileSync(join(folder, 'own.yaml'), task as string);
    // the path that the text gives below the data folder
    writeFileSync(join(folder, 'test.jsonl'), rows as string);
    const { dataset_path: place } = (await import('yaml')).parse(task as string) as Record<
      string,
      string
    >;
    const { mkdirSync, renameSync } = await import('node:fs');
    mkdirSync(join(folder, place ?? ''), { recursive: true });
    renameSync(join(folder, 'test.jsonl'), join(folder, place ?? '', 'test.jsonl'));
    const loaded = await loadTask(join(folder, 'own.yaml'), { dataDir: folder });
    const [first] = loaded.items;
    expect(first?.requests[0]).toEqual({
      kind: 'loglikelihood',
      context: 'Question: May a patient read the file?\nAnswer:',
      continuation: ' yes',
    });
    expect(loaded.items.map(({ target }) => target)).toEqual([0, 1]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
