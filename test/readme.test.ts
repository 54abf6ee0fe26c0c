// Runs the README's examples as they stand there, beside a small model called model.gguf.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeTinyModel } from './make-tiny-model.ts';

const root = resolve(import.meta.dirname, '..');
const readme = readFileSync(join(root, 'README.md'), 'utf8');
const examples = Array.from(
  readme.matchAll(/<!-- run -->\n```ts\n([\s\S]*?)```/g),
  ([, code]) => code as string,
);

function runNode(file: string, cwd: string): Promise<{ status: number | null; output: string }> {
  const child = spawn(process.execPath, [file], { cwd });
  let output = '';
  child.stdout.on('data', (data) => {
    output += data;
  });
  child.stderr.on('data', (data) => {
    output += data;
  });
  return new Promise((done) => child.on('close', (status) => done({ status, output })));
}

describe.skipIf(!existsSync(join(root, 'dist', 'index.js')))(
  'README (needs dist/: npm run build)',
  () => {
    let folder = '';
    beforeAll(async () => {
      // Inside the project, so that `corral` is this very package.
      mkdirSync(join(root, 'build'), { recursive: true });
      folder = mkdtempSync(join(root, 'build', 'readme-'));
      await makeTinyModel(join(folder, 'model.gguf'));
    });
    afterAll(() => rmSync(folder, { recursive: true, force: true }));

    it.each(examples.map((code, index) => [index + 1, code] as const))(
      'runs example %i',
      async (index, code) => {
        const file = join(folder, `example-${index}.ts`);
        writeFileSync(file, code);
        const { status, output } = await runNode(file, folder);
        expect(status, output).toBe(0);
        expect(output).not.toBe('');
      },
    );

    it('names only commands that there are, and names them all', () => {
      const sources = readFileSync(join(root, 'README.md'), 'utf8');
      const named = new Set(Array.from(sources.matchAll(/corral (\w+) /g), ([, name]) => name));
      for (const name of ['run', 'chat', 'inspect', 'tokenize', 'convert', 'perplexity', 'pull']) {
        expect(named).toContain(name);
      }
    });
  },
);
