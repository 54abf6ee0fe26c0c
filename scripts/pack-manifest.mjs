// Before packing: names the `corral` command in package.json and puts the compiled addon among the
// prebuilt ones; afterwards takes the name out again. Why it is not there all the time:
// docs/decisions/2026-11-24-command-named-when-packed.md.
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');
const manifest = join(root, 'package.json');
const original = join(root, 'build', 'package.json.original');

if (process.argv[2] === 'name-command') {
  mkdirSync(join(root, 'build'), { recursive: true });
  // What an interrupted packing left is the true one.
  if (!existsSync(original)) copyFileSync(manifest, original);
  const addon = join(root, 'build', 'Release', 'corral.node');
  if (existsSync(addon)) {
    const folder = join(root, 'prebuilt', `${process.platform}-${process.arch}`);
    mkdirSync(folder, { recursive: true });
    copyFileSync(addon, join(folder, 'corral.node'));
  }
  const content = JSON.parse(readFileSync(original, 'utf8'));
  writeFileSync(
    manifest,
    `${JSON.stringify({ ...content, bin: { corral: 'bin/corral.js' } }, null, 2)}\n`,
  );
} else if (existsSync(original)) {
  renameSync(original, manifest);
}
