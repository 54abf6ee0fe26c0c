import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { append } from './ops.ts';
import { planBuffers } from './plan.ts';
import { ProgramBuilder, type Value } from './program.ts';

/** A random chain of element-wise ops over values of several widths. */
function randomProgram(choices: readonly number[]): ReturnType<ProgramBuilder['build']> {
  const builder = new ProgramBuilder('random');
  const values: Value[] = [builder.input('x', 'f32', ['rows', 8])];
  for (const choice of choices) {
    const left = values[choice % values.length] as Value;
    const same = values.filter((value) => `${value.shape}` === `${left.shape}`);
    const right = same[(choice >> 3) % same.length] as Value;
    if (choice % 5 === 0) {
      const wide = builder.weight(`w${values.length}`, [
        4 + (choice % 3) * 8,
        Number(left.shape[1]),
      ]);
      values.push(append(builder, 'matmul', [left, wide]));
    } else {
      values.push(append(builder, 'add', [left, right]));
    }
    if (choice % 7 === 0) builder.output(`o${values.length}`, values.at(-1) as Value);
  }
  builder.output('last', values.at(-1) as Value);
  return builder.build();
}

describe('planBuffers', () => {
  it('never lets two values that live at the same time share a slot, and gives each its room', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(1000), { minLength: 1, maxLength: 30 }), (choices) => {
        const program = randomProgram(choices);
        const { slots, slotOf } = planBuffers(program);
        const kept = new Set(program.outputs.values());
        const born = new Map<number, number>();
        const dies = new Map<number, number>();
        for (const [index, op] of program.ops.entries()) {
          for (const id of op.outputs) born.set(id, index);
          for (const id of [...op.inputs, ...op.outputs]) dies.set(id, index);
        }
        for (const id of kept) dies.set(id, Number.POSITIVE_INFINITY);
        const computed = program.values.filter((value) => value.kind === 'computed');
        for (const a of computed) {
          const slot = slots[slotOf.get(a.id) as number];
          expect(slot?.rowBytes).toBeGreaterThanOrEqual(Number(a.shape[1]) * 4);
          for (const b of computed) {
            if (a.id >= b.id || slotOf.get(a.id) !== slotOf.get(b.id)) continue;
            // b is made strictly after a was read for the last time.
            expect(born.get(b.id)).toBeGreaterThan(dies.get(a.id) as number);
          }
        }
      }),
    );
  });

  it('refuses a symbolic dimension that is not the first', () => {
    const builder = new ProgramBuilder('columns');
    const x = builder.input('x', 'f32', ['sequences', 'pages']);
    builder.output('y', append(builder, 'silu', [x]));
    expect(() => planBuffers(builder.build())).toThrow('pages is no first axis');
  });

  it('needs no more slots for a long chain than for a short one', () => {
    const slotsOf = (length: number): number => {
      const builder = new ProgramBuilder('chain');
      let x = builder.input('x', 'f32', ['rows', 8]);
      for (let i = 0; i < length; i++) x = append(builder, 'silu', [x]);
      builder.output('x', x);
      return planBuffers(builder.build()).slots.length;
    };
    expect(slotsOf(50)).toBe(slotsOf(5));
  });

  it('keeps what lives long out of slots wider than it', () => {
    const builder = new ProgramBuilder('residual');
    const x = builder.input('x', 'f32', ['rows', 8]);
    let wide = append(builder, 'matmul', [x, builder.weight('up', [24, 8])]);
    wide = append(builder, 'silu', [append(builder, 'silu', [wide])]);
    const residual = append(builder, 'matmul', [wide, builder.weight('down', [8, 24])]);
    const other = append(builder, 'matmul', [wide, builder.weight('more', [8, 24])]);
    let y = other;
    for (let i = 0; i < 30; i++) y = append(builder, 'silu', [y]);
    builder.output('y', append(builder, 'add', [y, residual]));
    const { slots, slotOf } = planBuffers(builder.build());
    const widthOf = (value: Value): number | undefined =>
      slots[slotOf.get(value.id) ?? -1]?.rowBytes;
    expect(widthOf(residual)).toBe(8 * 4);
    expect(widthOf(other)).toBe(24 * 4);
  });
});
