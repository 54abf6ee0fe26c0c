// Are two checkpoints the same model? For tests of formats.
import { expect } from 'vitest';
import type { Checkpoint } from '../src/formats/checkpoint.ts';

/** Expects the same tensors bit for bit, whichever order and file they are in. */
export async function expectSameTensors(found: Checkpoint, wanted: Checkpoint): Promise<void> {
  expect([...found.tensors.keys()].sort()).toEqual([...wanted.tensors.keys()].sort());
  for (const { name, dtype, shape, bytes } of wanted.tensors.values()) {
    expect(found.tensors.get(name), name).toEqual({ name, dtype, shape, bytes });
    const [a, b] = [await found.read(name, 0, bytes), await wanted.read(name, 0, bytes)];
    expect(Buffer.compare(a, b), `${name} has the same bytes`).toBe(0);
  }
}
