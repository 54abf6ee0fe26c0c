import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Stages } from './stages.ts';

let folder = '';
let calls: boolean[] = [];
const at = (name: string): string => join(folder, name);

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'corral-stages-'));
  calls = [];
  writeFileSync(at('in'), 'a');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function run(values: unknown, fail = false): Promise<void> {
  await new Stages(at('stages.json'), () => {}).run({
    name: 'one',
    inputs: { values, files: [at('in')] },
    outputs: [at('out')],
    work: async ({ begun }) => {
      calls.push(begun);
      if (fail) throw new Error('cut off');
      writeFileSync(at('out'), 'made');
    },
  });
}

describe('Stages', () => {
  it('skips a stage whose inputs and outputs are as recorded', async () => {
    await run(1);
    await run(1);
    expect(calls).toEqual([false]);
  });

  it('does a stage again when a value, an input file or an output file changed', async () => {
    await run(1);
    await run(2);
    writeFileSync(at('in'), 'b');
    await run(2);
    writeFileSync(at('out'), 'spoiled');
    await run(2);
    rmSync(at('out'));
    await run(2);
    expect(calls).toEqual([false, false, false, false, false]);
  });

  it('tells a stage that was cut off to go on, and one with other inputs to begin anew', async () => {
    await expect(run(1, true)).rejects.toThrow('cut off');
    await run(1);
    await expect(run(2, true)).rejects.toThrow('cut off');
    await run(3);
    expect(calls).toEqual([false, true, false, false]);
  });
});
