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

  it('does not take steps of many answers for those of few', () => {
    const pace = new PromptPace(256);
    // What any row costs is the same: 10 ms, beside 50 ms for the weights.
    const step = (decodeRows: number, wanted: number): { seconds: number; promptRows: number } => {
      const promptRows = Math.min(wanted, pace.budget().promptRows);
      const seconds = 0.05 + 0.01 * (decodeRows + promptRows);
      pace.note({
        rows: decodeRows + promptRows,
        promptRows,
        decodeRows,
        draftRows: 0,
        sequences: 9,
        seconds,
      });
      return { seconds, promptRows };
    };
    for (let i = 0; i < 50; i++) step(32, 4);
    for (let i = 0; i < 3; i++) step(1 + i, 32);
    const few = Array.from({ length: 60 }, () => step(8, 256));
    // 0.13 s without prompts.
    for (const { seconds } of few) expect(seconds).toBeLessThanOrEqual(3 * 0.13);
    expect(few.filter(({ promptRows }) => promptRows > 10).length).toBeGreaterThan(50);
  });

  it('lets short prompts that seemed to cost nothing license no long one', () => {
    const pace = new PromptPace(256);
    for (let i = 0; i < 50; i++) {
      const promptRows = Math.min(5 * (i % 2), pace.budget().promptRows);
      pace.note({
        rows: 8 + promptRows,
        promptRows,
        decodeRows: 8,
        draftRows: 0,
        sequences: 9,
        seconds: 0.1,
      });
    }
    expect(pace.budget().promptRows).toBe(16);
  });
});
