// Adapters beside a product that is there already, a different one for each row.
import { at, dimAt, f32, floats, integers, type Op, sameDim, size, valueAt } from './op.ts';

/**
 * lora_add(y [rows, n], x [rows, k], down [slots · rank, k], up [slots · rank, n], scales [slots + 1],
 * adapter i32 [rows]) → [rows, n]: y + scale · (x · downᵀ) · up with the matrices and the scale of the row's
 * slot (LoRA, arXiv 2106.09685, up being B transposed). Slots count from 1; a row of slot 0, or of a slot
 * whose scale is 0, is y bit for bit.
 */
export const loraAdd: Op = {
  indices: [{ input: 5, into: 4, axis: 0 }],
  shape: (inputs) => {
    const [y, x] = [valueAt(inputs, 0), valueAt(inputs, 1)];
    const [down, up, scales] = [valueAt(inputs, 2), valueAt(inputs, 3), valueAt(inputs, 4)];
    sameDim(dimAt(y, 0), dimAt(x, 0), 'lora_add');
    sameDim(dimAt(x, 1), dimAt(down, 1), 'lora_add');
    sameDim(dimAt(y, 1), dimAt(up, 1), 'lora_add');
    sameDim(dimAt(down, 0), dimAt(up, 0), 'lora_add');
    sameDim(Number(dimAt(down, 0)) % (Number(dimAt(scales, 0)) - 1), 0, 'lora_add slots');
    return f32(y.shape);
  },
  reference: ({ inputs, outputs }) => {
    const [y, x] = [floats(at(inputs, 0)), floats(at(inputs, 1))];
    const [down, up] = [floats(at(inputs, 2)), floats(at(inputs, 3))];
    const scales = floats(at(inputs, 4));
    const adapters = integers(at(inputs, 5));
    const out = floats(at(outputs, 0));
    const [n, k] = [size(at(inputs, 0), 1), size(at(inputs, 1), 1)];
    const rank = size(at(inputs, 2), 0) / (size(at(inputs, 4), 0) - 1);
    const sums = new Float64Array(n);
    for (const [row, slot] of adapters.entries()) {
      sums.set(y.subarray(row * n, (row + 1) * n));
      const scale = slot === 0 ? 0 : (scales[slot] as number);
      for (let step = (slot - 1) * rank; scale !== 0 && step < slot * rank; step++) {
        let inner = 0;
        for (let i = 0; i < k; i++) {
          inner += (x[row * k + i] as number) * (down[step * k + i] as number);
        }
        for (let i = 0; i < n; i++) {
          sums[i] = (sums[i] as number) + scale * inner * (up[step * n + i] as number);
        }
      }
      out.set(sums, row * n);
    }
  },
};
