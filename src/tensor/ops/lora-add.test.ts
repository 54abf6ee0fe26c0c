import { expect, it } from 'vitest';
import { loraAdd } from './lora-add.ts';
import type { HostTensor } from './op.ts';

function f32(shape: number[], data: number[]): HostTensor {
  return { dtype: 'f32', shape, data: Float32Array.from(data) };
}

it('adds scale · (x · downᵀ) · up of the slot of each row, and nothing for slot 0 or a scale of 0', () => {
  const rows = 4;
  const y = f32([rows, 2], [1, 2, 1, 2, 1, 2, 1, 2]);
  const x = f32([rows, 3], [1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3]);
  // Two slots of rank 2, and a third that has no scale.
  const down = f32([6, 3], [1, 0, 0, 0, 1, 0, 1, 1, 1, 0, 0, 1, 9, 9, 9, 9, 9, 9]);
  const up = f32([6, 2], [1, 0, 0, 1, 2, 1, 0, 3, 9, 9, 9, 9]);
  const scales = f32([4], [7, 10, 0.5, 0]);
  const adapter: HostTensor = { dtype: 'i32', shape: [rows], data: Int32Array.of(0, 1, 2, 3) };
  const out = f32([rows, 2], [0, 0, 0, 0, 0, 0, 0, 0]);
  if (!('reference' in loraAdd)) throw new Error('lora_add computes by itself');
  loraAdd.reference({ inputs: [y, x, down, up, scales, adapter], outputs: [out], attributes: {} });
  // Slot 1: x·downᵀ = (1, 2), ·up = (1, 2), ·10. Slot 2: (6, 3), ·up = (12, 15), ·½.
  expect([...out.data]).toEqual([1, 2, 11, 22, 7, 9.5, 1, 2]);
});
