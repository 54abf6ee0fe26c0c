// Runs the guides: files they show are written, shell blocks marked as runnable are run, in their order,
// in a folder with a small text, a small base and a chat template.
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { makeRunFolder } from './tiny-runs.ts';

const root = resolve(import.meta.dirname, '..');
const template = `{{ bos_token }}{% for message in messages %}{% if message.role == 'user' %}Q: {{ message.content }} A:{% else %}{% generation %} {{ message.content }}{{ eos_token }}{% endgeneration %}{% endif %}{% endfor %}`;

let folder = '';
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'corral-guides-'));
  await makeRunFolder(folder);
  const text = readFileSync(join(root, 'CONTRIBUTING.md'), 'utf8');
  writeFileSync(join(folder, 'text.txt'), text.repeat(4));
  writeFileSync(join(folder, 'chat.jinja'), template);
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  const main = join(root, 'src', 'cli', 'main.ts');
  const start = `import('${main}').then(async ({ main }) => { process.exitCode = await main(process.argv.slice(1)); })`;
  writeFileSync(
    join(bin, 'corral'),
    `#!/bin/sh\nexec "${process.execPath}" -e "${start}" -- "$@"\n`,
  );
  chmodSync(join(bin, 'corral'), 0o755);
  renameSync(join(folder, 'tokenizer.model'), join(folder, 'base.model'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it.each(['train.md', 'tune.md'])(
  'runs docs/guides/%s as it stands there',
  (name) => {
    const guide = readFileSync(join(root, 'docs', 'guides', name), 'utf8');
    const blocks = [...guide.matchAll(/<!-- (run|file (\S+)) -->\n```\w+\n([\s\S]*?)```/g)];
    expect(blocks.length).toBeGreaterThan(3);
    for (const [, , file, text = ''] of blocks) {
      if (file !== undefined) {
        writeFileSync(join(folder, file), text);
        continue;
      }
      const { status, stdout, stderr } = spawnSync('sh', ['-e', '-c', text], {
        cwd: folder,
        encoding: 'utf8',
        env: {
          ...process.env,
          PATH: `${join(folder, 'bin')}:${process.env.PATH}`,
          CORRAL_HOME: join(folder, 'home'),
        },
      });
      expect(status, `${text}\n${stderr}`).toBe(0);
      expect(stdout).not.toBe('');
    }
  },
  240_000,
);
