// After `npm ci` in a clone: compiles dist/ and links node_modules/.bin/corral, so that `npx corral`
// answers at once. Plain JavaScript: it may run under an older Node than the pinned one.
import { chmodSync, existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');

if (existsSync(compiler)) {
  linkCommand();
  await import('./build.mjs');
}

function linkCommand() {
  const folder = join(root, 'node_modules', '.bin');
  const entry = join(root, 'bin', 'corral.js');
  mkdirSync(folder, { recursive: true });
  chmodSync(entry, 0o755);
  const link = join(folder, 'corral');
  rmSync(link, { force: true });
  if (process.platform === 'win32') {
    writeFileSync(`${link}.cmd`, `@node "%~dp0\\..\\..\\bin\\corral.js" %*\r\n`);
  } else {
    symlinkSync(join('..', '..', 'bin', 'corral.js'), link);
  }
}
