// Which examples stand before an item, beyond what the parity with the harness shows.
import { expect, it } from 'vitest';
import { fewShotSeed, firstSampler, randomSampler } from './few-shot.ts';

const docs = (ids: readonly number[]) => ids.map((id) => ({ id }));
const pool = docs([0, 1, 2, 3, 4, 5]);

it('never shows an item itself, and always as many as asked for', () => {
  const sampler = randomSampler(pool, fewShotSeed);
  for (const item of [...pool, ...pool]) {
    const chosen = sampler.sample(4, { ...item });
    expect(chosen).toHaveLength(4);
    expect(chosen).not.toContainEqual(item);
  }
});

it('draws again from the others when the item is in the pool more than once', () => {
  // of seven copies and two others, three draws cannot hold two others and one copy each time
  const sampler = randomSampler(docs([7, 7, 7, 7, 7, 7, 7, 1, 2]), fewShotSeed);
  for (let i = 0; i < 20; i++) {
    expect(
      sampler
        .sample(2, { id: 7 })
        .map(({ id }) => id)
        .sort(),
    ).toEqual([1, 2]);
  }
});

it('takes the first ones in order, without the item', () => {
  const sampler = firstSampler(pool);
  expect(sampler.sample(2, undefined)).toEqual(docs([0, 1]));
  expect(sampler.sample(2, { id: 1 })).toEqual(docs([0, 2]));
});

it('refuses more than there are', () => {
  expect(() => randomSampler(pool, 1).sample(7, undefined)).toThrow(RangeError);
  expect(() => randomSampler(pool, 1).sample(6, { id: 3 })).toThrow(RangeError);
  expect(() => firstSampler(pool).sample(6, { id: 3 })).toThrow(RangeError);
});
