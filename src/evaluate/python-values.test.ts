// Expected texts come from Python itself: golden/make-golden.py.
import { expect, it } from 'vitest';
import { pythonFloat, pythonJson, pythonString } from './python-values.ts';
import golden from './results/golden/golden.json' with { type: 'json' };

it.each(golden.floats as [number, string][])(
  'writes the float %d as Python does',
  (value, text) => {
    expect(pythonFloat(value)).toBe(text);
  },
);

it('writes a float that is no number as Python does', () => {
  expect([Number.NaN, Infinity, -Infinity, -0].map(pythonFloat)).toEqual([
    'nan',
    'inf',
    '-inf',
    '-0.0',
  ]);
});

it.each(golden.targets as [string | number | string[], string][])(
  'writes the target %j as Python’s str',
  (value, text) => {
    expect(pythonString(value)).toBe(text);
  },
);

it.each(golden.documents as [unknown, string][])(
  'dumps document %# as json.dumps does',
  (value, text) => {
    expect(pythonJson(value)).toBe(text);
  },
);
