// PythonRandom against CPython's own numbers (golden/make-python-random.py).
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { PythonRandom } from './python-random.ts';

interface Golden {
  readonly seed: number;
  readonly bits: readonly number[];
  readonly random: readonly number[];
  readonly below: readonly [number, number][];
  readonly samples: readonly [number, number, number[]][];
  readonly choices: readonly [number, number, number[]][];
  readonly shuffle: readonly number[];
  readonly late: number;
}

const file = join(import.meta.dirname, '..', 'golden', 'python-random.json');
const golden = JSON.parse(readFileSync(file, 'utf8')) as readonly Golden[];

const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

it.each(golden)('draws what CPython draws from seed $seed, the state carried on', (expected) => {
  const random = new PythonRandom(expected.seed);
  expect(expected.bits.map(() => random.next32())).toEqual(expected.bits);
  expect(expected.random.map(() => random.random())).toEqual(expected.random);
  expect(expected.below.map(([n]) => [n, random.below(n)])).toEqual(expected.below);
  const samples = expected.samples.map(([n, k]) => [n, k, random.sample(upTo(n), k)]);
  expect(samples).toEqual(expected.samples);
  const choices = expected.choices.map(([n, k]) => [n, k, random.choices(upTo(n), k)]);
  expect(choices).toEqual(expected.choices);
  expect(random.shuffle(upTo(20))).toEqual(expected.shuffle);
  for (let i = 0; i < 2000; i++) random.next32();
  expect(random.next32()).toBe(expected.late);
});

it('refuses a sample larger than the population', () => {
  expect(() => new PythonRandom(1).sample([1, 2], 3)).toThrow(RangeError);
});

it('sums draws with replacement as it draws them, across refills of the state', () => {
  const [summing, drawing] = [new PythonRandom(7), new PythonRandom(7)];
  for (const n of [1, 311, 312, 313, 2000]) {
    const values = Float64Array.from({ length: n }, (_, i) => i / 8);
    const drawn = drawing.choices(Array.from(values), n);
    expect(summing.sumOfChoices(values)).toBe(drawn.reduce((sum, value) => sum + value, 0));
    expect(summing.next32()).toBe(drawing.next32());
  }
});
