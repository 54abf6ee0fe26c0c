// A few hundred damaged files of each kind; `node scripts/fuzz.ts 20000` runs many more.
import { expect, it } from 'vitest';
import { fuzzFormats } from './fuzz.ts';

// Thousands of files: longer than other tests on a busy machine.
const timeoutMs = 300_000;

it(
  'opens damaged files of every format or says what is wrong with them, never worse',
  async () => {
    const report = await fuzzFormats(2400, 1);
    expect(report.failures).toEqual([]);
    // Both ends of the scale are met: some survive, most are refused, for more than one reason.
    expect(report.opened).toBeGreaterThan(100);
    expect(Object.keys(report.codes).length).toBeGreaterThan(4);
  },
  timeoutMs,
);
