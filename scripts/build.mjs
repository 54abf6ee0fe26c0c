// Compiles src/ into dist/, web/ into dist/web/, and puts beside it what is not TypeScript (tasks, page styles and scripts), so
// that `new URL('./file', import.meta.url)` finds the same files from both. Plain JavaScript: it may run
// under an older Node than the pinned one.
import { spawnSync } from 'node:child_process';
import { constants, copyFileSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const assets = /\.(css|js|yaml)$/;

rmSync(join(root, 'dist'), { recursive: true, force: true });
const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
const compiled = spawnSync(process.execPath, [compiler, '-p', 'tsconfig.build.json'], {
  cwd: root,
  stdio: 'inherit',
});
if (compiled.status !== 0) process.exit(compiled.status ?? 1);
copyAssets(join(root, 'src'), join(root, 'dist'));
await buildPage();

// An install without the page's tools (or under a Node that is too old for them) gives a Corral without a page.
async function buildPage() {
  try {
    const { build } = await import('vite');
    await build({ configFile: join(root, 'web', 'vite.config.ts') });
  } catch (error) {
    console.error(`corral: the chat page was not built (${error.message}). Run: npm run build`);
  }
}

function copyAssets(from, to) {
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) {
      if (entry.name !== 'fixtures') copyAssets(source, target); // those are for tests
    } else if (assets.test(entry.name)) {
      mkdirSync(to, { recursive: true });
      // refuses to replace what the compiler wrote: a page script needs a name of its own
      copyFileSync(source, target, constants.COPYFILE_EXCL);
    }
  }
}
