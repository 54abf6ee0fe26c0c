import { describe, expect, it } from 'vitest';
import { PromptPace } from './prompt-pace.ts';

/** A machine: seconds of a step with so many rows of prompts beside eight answers. */
type Machine = (promptRows: number) => number;

// Steps with prompts waiting all the time, and what each lasted.
function run(machine: Machine, steps: number): { seconds: number; promptRows: number }[] {
  const pace = new PromptPace(256);
  return Array.from({ length: steps }, () => {
    const { promptRows } = pace.budget();
    const seconds = machine(promptRows);
    const rows = promptRows + 8;
    pace.note({ rows, promptRows, decodeRows: 8, draftRows: 0, sequences: 9, seconds });
    return { seconds, promptRows };
  });
}

describe('the pace of prompts beside answers', () => {
  it.each([
    ['costly rows', 0.1, 0.01],
    ['cheap rows', 0.1, 0.001],
    ['slow steps', 2, 0.08],
  ])('keeps steps under three times those without prompts, and near it: %s', (_, base, row) => {
    const steps = run((rows) => base + rows * row, 200);
    for (const { seconds } of steps) expect(seconds).toBeLessThanOrEqual(3 * base);
    const mixed = steps.slice(20).filter(({ promptRows }) => promptRows > 0);
    expect(mixed.length).toBeGreaterThan(150);
    for (const { seconds } of mixed) expect(seconds).toBeGreaterThan(2 * base);
  });

  it('follows a machine that becomes slower for prompts within a step', () => {
    let row = 0.001;
    const steps = run((rows) => {
      row *= 1.02;
      return 0.1 + rows * row;
    }, 150);
    for (const { seconds } of steps) expect(seconds).toBeLessThan(0.3);
  });

  it('takes a few rows at least, so that prompts get on', () => {
    const steps = run((rows) => 0.01 + rows * 0.1, 50);
    expect(new Set(steps.slice(2).map(({ promptRows }) => promptRows))).toEqual(new Set([4, 0]));
  });

  it('looks at a step without prompts first, and now and then', () => {
    const steps = run((rows) => 0.1 + rows * 0.01, 100);
    expect(steps[0]?.promptRows).toBe(0);
    expect(steps.filter(({ promptRows }) => promptRows === 0)).toHaveLength(4);
  });
});
