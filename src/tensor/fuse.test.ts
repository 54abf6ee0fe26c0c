import { describe, expect, it } from 'vitest';
import { fuse, unfuse } from './fuse.ts';
import { append } from './ops.ts';
import { type Program, ProgramBuilder, prune, type Value } from './program.ts';

const names = (program: Program): string[] => program.ops.map((op) => op.op);

/** silu(gate) · up, then residual add and norm, as in a block; `look` records an output in between. */
function block(look?: (builder: ProgramBuilder, activated: Value, sum: Value) => void): Program {
  const builder = new ProgramBuilder('block');
  const [gate, up, x] = ['gate', 'up', 'x'].map((name) =>
    builder.input(name, 'f32', ['rows', 4]),
  ) as [Value, Value, Value];
  const activated = append(builder, 'silu', [gate]);
  const gated = append(builder, 'mul', [activated, up]);
  const sum = append(builder, 'add', [x, gated]);
  const normal = append(builder, 'rms_norm', [sum, builder.weight('norm', [4])], { eps: 1e-5 });
  look?.(builder, activated, sum);
  builder.output('sum', append(builder, 'add', [sum, normal]));
  return builder.build();
}

describe('fuse', () => {
  it('fuses the activation and the residual with its norm, keeping inputs in order', () => {
    const fused = fuse(block());
    expect(names(fused)).toEqual(['swiglu', 'add_rms_norm', 'add']);
    expect(fused.ops[0]?.inputs.map((id) => fused.values[id]?.name)).toEqual(['gate', 'up']);
    expect(fused.ops[1]?.attributes).toEqual({ eps: 1e-5 });
  });

  it('splits where an output asks to look', () => {
    const fused = fuse(block((builder, activated) => builder.output('activated', activated)));
    expect(names(fused)).toEqual(['silu', 'mul', 'add_rms_norm', 'add']);
  });

  it('keeps the residual sum of a fused norm readable as an output', () => {
    const program = block((builder, _, sum) => builder.output('residual', sum));
    const fused = fuse(program);
    expect(names(fused)).toContain('add_rms_norm');
    expect(
      fused.ops.some((op) => op.outputs.includes(fused.outputs.get('residual') as number)),
    ).toBe(true);
  });

  it('does not fuse when the sum is needed before the norm', () => {
    const builder = new ProgramBuilder('early');
    const x = builder.input('x', 'f32', ['rows', 4]);
    const sum = append(builder, 'add', [x, x]);
    const early = append(builder, 'silu', [sum]);
    const normal = append(builder, 'rms_norm', [sum, builder.weight('norm', [4])], { eps: 1e-5 });
    builder.output('both', append(builder, 'add', [early, normal]));
    expect(names(fuse(builder.build()))).not.toContain('add_rms_norm');
  });

  it('does not fuse what would give the fused op its own result as an input', () => {
    const builder = new ProgramBuilder('square');
    const x = builder.input('x', 'f32', ['rows', 4]);
    const activated = append(builder, 'silu', [x]);
    builder.output('y', append(builder, 'mul', [activated, activated]));
    expect(names(fuse(builder.build()))).toEqual(['silu', 'mul']);
  });

  it('is undone by unfuse', () => {
    expect(names(unfuse(fuse(block())))).toEqual(names(block()));
  });
});

describe('prune', () => {
  it('drops what the wanted outputs do not need, but never a write to the cache', () => {
    const builder = new ProgramBuilder('step');
    const x = builder.input('x', 'f32', ['rows', 4]);
    builder.record('cache_write', () => [], [
      x,
      builder.state('cache', [8, 4]),
      builder.input('slots', 'i32', ['rows']),
    ]);
    builder.output('a', append(builder, 'silu', [x]));
    builder.output('b', append(builder, 'scale', [x], { factor: 2 }));
    expect(names(prune(builder.build(), ['b']))).toEqual(['cache_write', 'scale']);
    expect(names(prune(builder.build(), []))).toEqual(['cache_write']);
  });
});
