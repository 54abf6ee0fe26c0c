// Finding the native addon: the order of places, what is told of each failure.
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { addonPlaces, addonRemedy, addonStatus, findAddon, interfaceVersion } from './addon.ts';

const packageRoot = join(import.meta.dirname, '..', '..');

it('prefers what was compiled here to the prebuilt binary of this platform', () => {
  expect(addonPlaces('/package')).toEqual([
    '/package/build/Release/corral.node',
    `/package/prebuilt/${process.platform}-${process.arch}/corral.node`,
  ]);
});

it('takes the first that loads and has the right interface', () => {
  const status = findAddon(['a', 'b', 'c'], (path) => {
    if (path === 'a') throw new Error('wrong ELF class: ELFCLASS32\nsecond line');
    return { interfaceVersion, path };
  });
  expect(status).toMatchObject({ available: true, path: 'b' });
});

it('keeps the reason of every attempt', () => {
  const status = findAddon(['a', 'b', 'c'], (path) => {
    if (path === 'a') throw Object.assign(new Error('long text'), { code: 'MODULE_NOT_FOUND' });
    if (path === 'b') throw new Error('GLIBC_2.99 not found\nrequired by');
    return { interfaceVersion: 99 };
  });
  expect(status).toEqual({
    available: false,
    attempts: [
      { path: 'a', reason: 'not there', isOutdated: false },
      { path: 'b', reason: 'GLIBC_2.99 not found', isOutdated: false },
      { path: 'c', reason: `its interface is 99, not ${interfaceVersion}`, isOutdated: true },
    ],
  });
});

it('tells to build again what was built from other sources, and to get a compiler where nothing is', () => {
  const missing = findAddon(['a'], () => {
    throw Object.assign(new Error('long text'), { code: 'MODULE_NOT_FOUND' });
  });
  expect(addonRemedy(missing)).toMatch(/not there: install a C\+\+ compiler/);
  const outdated = findAddon(['a'], () => ({ interfaceVersion: interfaceVersion - 1 }));
  expect(addonRemedy(outdated)).toMatch(/other sources: run `npm run build:native`/);
});

const source = readFileSync(join(packageRoot, 'native', 'addon', 'module.cc'), 'utf8');

it('expects the interface that the native sources have', () => {
  expect(source).toContain(`interfaceVersion = ${interfaceVersion};`);
});

const status = addonStatus();

it.skipIf(!status.available)(
  'takes a prebuilt binary at install only if its interface is the sources’ (skipped without the addon)',
  () => {
    const root = mkdtempSync(join(tmpdir(), 'corral-install-'));
    const prebuilt = join(root, 'prebuilt', `${process.platform}-${process.arch}`);
    for (const folder of [join(root, 'scripts'), join(root, 'native', 'addon'), prebuilt]) {
      mkdirSync(folder, { recursive: true });
    }
    const script = join(root, 'scripts', 'install.mjs');
    copyFileSync(join(packageRoot, 'scripts', 'install.mjs'), script);
    copyFileSync(status.available ? status.path : '', join(prebuilt, 'corral.node'));
    writeFileSync(join(root, 'binding.gyp'), '{}');
    // Where no compiler is found, an attempt to compile is one line of output.
    const install = (text: string): string => {
      writeFileSync(join(root, 'native', 'addon', 'module.cc'), text);
      const env = { PATH: join(root, 'empty') };
      return spawnSync(process.execPath, [script], { env, encoding: 'utf8' }).stdout;
    };
    expect(install(source)).toBe('');
    const later = source.replace(/interfaceVersion = \d+;/, 'interfaceVersion = 4711;');
    expect(install(later)).toContain('the native addon was not built');
    rmSync(root, { recursive: true });
  },
);
