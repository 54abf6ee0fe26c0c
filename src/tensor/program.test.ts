// What may be recorded: sizes that a device can count and kernels can divide by.
import { describe, expect, it } from 'vitest';
import { append } from './ops.ts';
import { type Dim, ProgramBuilder } from './program.ts';

describe('ProgramBuilder', () => {
  it.each([0, -1, 1.5, Number.NaN, 2 ** 31, 'columns' as Dim])(
    'refuses a dimension of %s wherever one is named',
    (dim) => {
      const builder = new ProgramBuilder('sizes');
      expect(() => builder.input('x', 'f32', ['rows', dim])).toThrow(`a dimension is ${dim}`);
      expect(() => builder.weight('w', [4, dim as number])).toThrow(`a dimension is ${dim}`);
      expect(() => builder.state('s', [dim as number, 4])).toThrow(`a dimension is ${dim}`);
      const rule = () => [{ dtype: 'f32', shape: ['rows', dim] }] as const;
      expect(() => builder.record('silu', rule, [])).toThrow(`a dimension is ${dim}`);
    },
  );

  it('refuses element-wise operands whose rows are counted by different dimensions', () => {
    const builder = new ProgramBuilder('operands');
    const x = builder.input('x', 'f32', ['rows', 1]);
    const other = builder.input('other', 'f32', ['outputs', 1]);
    const flat = builder.input('flat', 'f32', ['rows']);
    const weight = builder.weight('w', [1]);
    for (const op of ['add', 'sub', 'mul', 'swiglu'] as const) {
      expect(() => append(builder, op, [x, other])).toThrow('element-wise op');
      expect(() => append(builder, op, [x, flat])).toThrow('element-wise op');
      expect(append(builder, op, [x, weight]).shape).toEqual(['rows', 1]);
    }
    expect(() => append(builder, 'add_rms_norm', [x, other, weight], { eps: 1 })).toThrow(
      'element-wise op',
    );
  });
});
