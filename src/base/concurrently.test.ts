import { setTimeout } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { concurrently } from './concurrently.ts';

it('does everything once, in order, never more at once than allowed', async () => {
  let running = 0;
  let most = 0;
  const started: number[] = [];
  await concurrently({ count: 20, limit: 3 }, async (index) => {
    started.push(index);
    most = Math.max(most, ++running);
    await setTimeout(index % 4);
    running--;
  });
  expect(started).toEqual(Array.from({ length: 20 }, (_, index) => index));
  expect(most).toBe(3);
});

it('starts nothing after a failure and throws it when the rest has ended', async () => {
  const ended: number[] = [];
  const run = concurrently({ count: 10, limit: 2 }, async (index) => {
    if (index === 1) throw new Error('one');
    await setTimeout(20);
    ended.push(index);
  });
  await expect(run).rejects.toThrow('one');
  expect(ended).toEqual([0]);
});

it('does nothing when there is nothing to do', async () => {
  await concurrently({ count: 0, limit: 2 }, () => Promise.reject(new Error('never')));
});
