// Packs the package with its prebuilt addon, installs the tarball in an empty folder, and generates
// with it under the pinned Node, with the addon. Under a Node before 24 it must say what it needs.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');

function run(command, args, options = {}) {
  const done = spawnSync(command, args, { encoding: 'utf8', cwd: root, ...options });
  if (done.status !== 0 && options.mayFail !== true) {
    console.error(
      `${command} ${args.join(' ')} ended with ${done.status}\n${done.stdout}${done.stderr}`,
    );
    process.exit(1);
  }
  return done;
}

function expect(condition, message) {
  if (condition) return;
  console.error(`The package check failed: ${message}`);
  process.exit(1);
}

const addon = join(root, 'build', 'Release', 'corral.node');

const work = mkdtempSync(join(tmpdir(), 'corral-package-'));
try {
  const packed = run('npm', ['pack', '--json', '--pack-destination', work]);
  const [{ filename, size, files }] = Object.values(JSON.parse(packed.stdout));
  const names = files.map((file) => file.path);
  expect(names.includes('bin/corral.js') && names.includes('dist/index.js'), 'bin or dist missing');
  expect(!names.some((name) => /\.test\.|\/fixtures\//.test(name)), 'tests are packed');
  expect(names.includes('dist/evaluate/tasks/mmlu.yaml'), 'the task files are not packed');
  expect(names.includes('dist/web/index.html'), 'the chat page is not packed');
  const prebuilt = `prebuilt/${process.platform}-${process.arch}/corral.node`;
  expect(!existsSync(addon) || names.includes(prebuilt), 'the addon is not packed');
  console.log(`${filename}: ${names.length} files, ${(size / 1e6).toFixed(2)} MB packed`);

  const model = join(work, 'tiny.gguf');
  run(process.execPath, [join(root, 'test', 'make-tiny-model.ts'), model]);

  const empty = join(work, 'empty');
  mkdirSync(empty);
  writeFileSync(join(empty, 'package.json'), '{ "private": true }\n');
  run('npm', ['install', '--no-audit', '--no-fund', join(work, filename)], { cwd: empty });

  const pinned = {
    ...process.env,
    PATH: `${resolve(process.execPath, '..')}${delimiter}${process.env.PATH}`,
  };
  const corral = join(empty, 'node_modules', '.bin', 'corral');
  const args = ['run', model, 'The ', '--max-tokens', '8', '--temperature', '0', '--json'];
  for (const device of existsSync(addon) ? ['cpu', 'reference'] : ['reference']) {
    const answered = run(corral, [...args, '--device', device], { cwd: empty, env: pinned });
    expect(
      JSON.parse(answered.stdout).tokens.length === 8,
      `no answer on ${device}: ${answered.stdout}`,
    );
  }
  const version = run(corral, ['--version'], { cwd: empty, env: pinned }).stdout.trim();
  expect(/^\d+\.\d+\.\d+/.test(version), `--version says ${version}`);

  const { exports: doors, name } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const modules = Object.keys(doors)
    .filter((door) => !door.endsWith('.json'))
    .map((door) => door.replace('.', name));
  const importAll = `for (const door of ${JSON.stringify(modules)}) await import(door);`;
  run(process.execPath, ['--input-type=module', '--eval', importAll], { cwd: empty });

  const old = oldNode();
  if (old === undefined) {
    console.log('No Node before 24 on this machine: its error was not checked.');
  } else {
    const refused = run(old, [corral, '--version'], { cwd: empty, mayFail: true });
    expect(
      refused.status === 1 && /Node/.test(refused.stderr) && /24/.test(refused.stderr),
      'an old Node is not refused clearly',
    );
  }
} finally {
  rmSync(work, { recursive: true, force: true });
}

// A Node before 24 further down the PATH, if the machine has one.
function oldNode() {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const candidate = join(folder, 'node');
    if (!existsSync(candidate)) continue;
    const said = spawnSync(candidate, ['--version'], { encoding: 'utf8' }).stdout ?? '';
    const major = Number(/^v(\d+)/.exec(said)?.[1] ?? 99);
    if (major < 24) return candidate;
  }
  return undefined;
}
