// Runs a program by the reference kernels with float64 tensors throughout: nothing is rounded between
// ops, so that central differences of 1e-5 are good to nine digits and other implementations' float64
// can be compared to twelve.
import { present } from '../src/base/invariant.ts';
import { unfuse } from '../src/tensor/fuse.ts';
import type { HostTensor } from '../src/tensor/ops/op.ts';
import { type OpName, ops } from '../src/tensor/ops.ts';
import { type DimSizes, type Program, resolveShape } from '../src/tensor/program.ts';

/** Contents of inputs, weights and states by name: floats, whole numbers, or packed tensors. */
export type Float64Arguments = Readonly<
  Record<string, Float64Array | Int32Array | Pick<HostTensor, 'dtype' | 'data'>>
>;

/** Sizes of which all are 1 but for those given. */
export function dimSizes(sizes: Partial<DimSizes>): DimSizes {
  return { rows: 1, outputs: 1, sequences: 1, pages: 1, adjustments: 1, ...sizes };
}

/** The outputs by name. States are changed in place. */
export function evaluateFloat64(
  program: Program,
  given: Float64Arguments,
  sizes: DimSizes,
): Record<string, Float64Array> {
  const plain = unfuse(program);
  const tensors = new Map<number, HostTensor>();
  const used = new Set(plain.ops.flatMap((op) => op.inputs));
  for (const { id, kind, name, shape } of plain.values) {
    if (kind === 'computed' || !used.has(id)) continue;
    const found = present(given[name], name);
    const tensor: Pick<HostTensor, 'dtype' | 'data'> =
      found instanceof Float64Array
        ? { dtype: 'f32', data: found }
        : found instanceof Int32Array
          ? { dtype: 'i32', data: found }
          : found;
    tensors.set(id, { ...tensor, shape: resolveShape(shape, sizes) });
  }
  for (const op of plain.ops) {
    const row = ops[op.op as OpName];
    if (!('reference' in row)) throw new Error(`${op.op} is fused`);
    const outputs = op.outputs.map((id) => {
      const { dtype, shape } = present(plain.values[id], 'value');
      const resolved = resolveShape(shape, sizes);
      const count = resolved.reduce((product, size) => product * size, 1);
      const data = dtype === 'i32' ? new Int32Array(count) : new Float64Array(count);
      const tensor: HostTensor = { dtype: present(dtype, 'dtype'), shape: resolved, data };
      tensors.set(id, tensor);
      return tensor;
    });
    const inputs = op.inputs.map((id) => present(tensors.get(id), `value ${id}`));
    row.reference({ inputs, outputs, attributes: op.attributes });
  }
  return Object.fromEntries(
    [...plain.outputs].map(([name, id]) => {
      const { data } = present(tensors.get(id), name);
      return [name, Float64Array.from(data)] as const;
    }),
  );
}
