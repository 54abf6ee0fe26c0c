// Finding the native addon: the order of places, what is told of each failure.
import { expect, it } from 'vitest';
import { addonPlaces, findAddon } from './addon.ts';

it('prefers what was compiled here to the prebuilt binary of this platform', () => {
  expect(addonPlaces('/package')).toEqual([
    '/package/build/Release/corral.node',
    `/package/prebuilt/${process.platform}-${process.arch}/corral.node`,
  ]);
});

it('takes the first that loads and has the right interface', () => {
  const status = findAddon(['a', 'b', 'c'], (path) => {
    if (path === 'a') throw new Error('wrong ELF class: ELFCLASS32\nsecond line');
    return { interfaceVersion: 1, path };
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
      { path: 'a', reason: 'not there' },
      { path: 'b', reason: 'GLIBC_2.99 not found' },
      { path: 'c', reason: 'its interface is 99, not 1' },
    ],
  });
});
