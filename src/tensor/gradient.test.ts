import { describe, expect, it } from 'vitest';
import { dimSizes, evaluateFloat64 } from '../../test/evaluate-float64.ts';
import { goldenModel, hashedNumbers, TrainingModel } from '../../test/training-model.ts';
import type { Tap } from '../model/llama.ts';
import { gradient } from './gradient.ts';
import { append, appendAll, type OpName } from './ops.ts';
import { planBuffers } from './plan.ts';
import { countElements, type Program, ProgramBuilder, type Value } from './program.ts';

const sizes = dimSizes({ rows: 2 });

/** A loss Σ f(x) over an input x [rows, 3]. */
function lossOf(record: (builder: ProgramBuilder, x: Value) => Value): Program {
  const builder = new ProgramBuilder('loss');
  const x = builder.input('x', 'f32', ['rows', 3]);
  builder.output('loss', append(builder, 'sum', [record(builder, x)]));
  return builder.build();
}

const opsOf = (program: Program): string[] => program.ops.map(({ op }) => op);

describe('gradient', () => {
  it('adds up what reaches a value by several ways', () => {
    const program = lossOf((builder, x) =>
      append(builder, 'add', [append(builder, 'mul', [x, x]), append(builder, 'sub', [x, x])]),
    );
    const x = Float64Array.of(1, -2, 3, 0.5, 0, 10);
    const found = evaluateFloat64(gradient(program, 'loss', ['x']), { x }, sizes);
    expect([...(found['gradient.x'] ?? [])]).toEqual([2, -4, 6, 1, 0, 20]);
    expect(found['loss']?.[0]).toBe(114.25);
  });

  it('gives the gradient of a value inside the program that is an output', () => {
    const program = lossOf((builder, x) => {
      const twice = append(builder, 'scale', [x], { factor: 2 });
      builder.output('twice', twice);
      return append(builder, 'square', [twice]);
    });
    const x = Float64Array.of(1, -2, 3, 0.5, 0, 10);
    const found = evaluateFloat64(gradient(program, 'loss', ['twice', 'x']), { x }, sizes);
    expect([...(found['gradient.twice'] ?? [])]).toEqual([4, -8, 12, 2, 0, 40]);
    expect([...(found['gradient.x'] ?? [])]).toEqual([8, -16, 24, 4, 0, 80]);
  });

  it('adds to states from run to run when it is told to accumulate', () => {
    const builder = new ProgramBuilder('loss');
    const x = builder.input('x', 'f32', ['rows', 2]);
    const w = builder.weight('w', [1, 2]);
    const once = append(builder, 'matmul', [x, w]);
    builder.output('loss', append(builder, 'sum', [append(builder, 'mul', [once, once])]));
    const program = gradient(builder.build(), 'loss', ['w'], { accumulate: true });
    expect([...program.outputs.keys()]).toEqual(['loss']);
    const given = { w: Float64Array.of(2, 1), 'gradient.w': new Float64Array(2) };
    // Σ (x · w)²: 2 (x · w) x, for x = (1, 3): 10 (1, 3); for x = (0, -1): -2 (0, -1).
    evaluateFloat64(program, { ...given, x: Float64Array.of(1, 3, 0, -1) }, sizes);
    expect([...given['gradient.w']]).toEqual([10, 32]);
    evaluateFloat64(program, { ...given, x: Float64Array.of(1, 3, 0, -1) }, sizes);
    expect([...given['gradient.w']]).toEqual([20, 64]);
  });

  it('records nothing for what is not asked for', () => {
    const training = new TrainingModel(goldenModel('packed, untied, grouped queries'));
    const program = training.lossProgram();
    const head = gradient(program, 'loss', ['output.weight']);
    const forwardOps = opsOf(gradient(program, 'loss', training.parameters)).indexOf('fill');
    expect(opsOf(head).slice(forwardOps)).toEqual([
      'fill',
      'broadcast',
      'mul',
      'linear_cross_entropy_gradient',
    ]);
    const last = gradient(program, 'loss', ['blk.1.ffn_down.weight']);
    const backward = last.ops.slice(forwardOps).map(({ op }) => op);
    expect(backward).not.toContain('self_attention_gradient');
    expect(backward.filter((op) => op === 'outer_sum')).toHaveLength(1);
    expect(backward.filter((op) => op === 'matmul_transposed')).toHaveLength(0);
  });

  it('never stores all logits, nor the activation of the feed-forward', () => {
    const training = new TrainingModel(goldenModel('packed, untied, grouped queries'));
    const program = gradient(training.lossProgram(), 'loss', training.parameters);
    const used = new Set(program.ops.flatMap(({ outputs }) => outputs));
    const shapes = program.values.filter(({ id }) => used.has(id)).map(({ shape }) => `${shape}`);
    expect(shapes).not.toContain(`outputs,${training.config.vocab}`);
    expect(opsOf(program)).not.toContain('silu');
  });

  it('takes the row norms of DoRA as constants', () => {
    const training = new TrainingModel(goldenModel('LoRA and DoRA over a q8_0 base'));
    const program = gradient(training.lossProgram(), 'loss', training.parameters);
    const norms = program.ops
      .filter(({ op }) => op === 'lora_row_norm')
      .flatMap((op) => op.outputs);
    const users = program.ops.filter(({ inputs }) => inputs.some((id) => norms.includes(id)));
    expect(new Set(users.map(({ op }) => op))).toEqual(new Set(['reciprocal']));
  });

  it('says which op stands in the way', () => {
    const program = lossOf((builder, x) => appendAll(builder, 'top_k', [x], { k: 2 })[0] as Value);
    expect(() => gradient(program, 'loss', ['x'])).toThrow(
      expect.objectContaining({ code: 'CORRAL_GRADIENT_UNDEFINED', data: { op: 'top_k' } }),
    );
  });

  it('refuses a loss of what cross-entropy keeps for its own gradient', () => {
    const program = lossOf((builder, x) => {
      const targets = builder.input('targets', 'i32', ['rows']);
      return appendAll(builder, 'cross_entropy', [x, targets])[1] as Value;
    });
    expect(() => gradient(program, 'loss', ['x'])).toThrow(
      expect.objectContaining({ code: 'CORRAL_GRADIENT_UNDEFINED' }),
    );
  });

  it('refuses a loss that is no single number, and a parameter it does not depend on', () => {
    const builder = new ProgramBuilder('loss');
    const x = builder.input('x', 'f32', ['rows', 3]);
    builder.output('many', append(builder, 'square', [x]));
    builder.output('loss', append(builder, 'sum', [x]));
    builder.output('other', builder.input('y', 'f32', ['rows']));
    expect(() => gradient(builder.build(), 'many', ['x'])).toThrow('many is no single f32');
    expect(() => gradient(builder.build(), 'loss', ['y'])).toThrow('loss depends on y');
  });
});

describe('gradient with recomputation', () => {
  const training = new TrainingModel(goldenModel('packed, untied, grouped queries'));
  const residuals: number[] = [];
  const note: Tap = (_, value) => {
    residuals.push(value.id);
    return value;
  };
  const taps = new Map([0, 1].map((layer) => [`blocks.${layer}.hook_resid_pre`, note] as const));
  const loss = training.lossProgram(taps);
  const given = {
    ...training.inputs,
    ...Object.fromEntries([...training.weights].map(([name, { values }]) => [name, values])),
  };
  const kept = gradient(loss, 'loss', training.parameters);
  const again = gradient(loss, 'loss', training.parameters, { recompute: residuals });

  it('gives the same numbers', () => {
    const expected = evaluateFloat64(kept, given, training.sizes);
    expect(evaluateFloat64(again, given, training.sizes)).toEqual(expected);
  });

  it('computes the first block again, and the last, whose values are still there, not', () => {
    const count = (program: Program, op: OpName): number =>
      opsOf(program).filter((each) => each === op).length;
    expect(count(kept, 'self_attention')).toBe(2);
    expect(count(again, 'self_attention')).toBe(3);
    expect(count(again, 'rope_table')).toBe(1);
  });

  it('needs less memory the more blocks there are', () => {
    const bytesOf = (layers: number, recompute: boolean): number => {
      const model = goldenModel('packed, untied, grouped queries');
      const deep = new TrainingModel({ ...model, config: { ...model.config, layers } });
      const ids: number[] = [];
      const names = Array.from({ length: layers }, (_, i) => `blocks.${i}.hook_resid_pre`);
      const collect: Tap = (_, value) => {
        ids.push(value.id);
        return value;
      };
      const program = deep.lossProgram(new Map(names.map((name) => [name, collect])));
      const step = gradient(program, 'loss', deep.parameters, {
        accumulate: true,
        recompute: recompute ? ids : [],
      });
      return planBuffers(step).slots.reduce(
        (sum, { lead, rowBytes }) => sum + countElements([lead], deep.sizes) * rowBytes,
        0,
      );
    };
    // Each further block costs its residual, [rows, dim], instead of everything it computes.
    const grown = (recompute: boolean): number => bytesOf(9, recompute) - bytesOf(5, recompute);
    const residualBytes = 4 * training.sizes.rows * training.config.dim * 4;
    expect(grown(true)).toBe(residualBytes);
    expect(grown(false)).toBeGreaterThan(10 * residualBytes);
  });
});

describe('gradient through taps', () => {
  const training = new TrainingModel(goldenModel('packed, untied, grouped queries'));
  const { dim } = training.config;
  // Takes out what lies along a direction, and adds a vector: what steering does.
  const steer: Tap = (builder, value) => {
    const along = append(builder, 'matmul', [value, builder.weight('direction', [1, dim])]);
    const part = append(builder, 'matmul', [along, builder.weight('back', [dim, 1])]);
    const rest = append(builder, 'sub', [value, part]);
    return append(builder, 'add', [rest, builder.weight('steering', [dim])]);
  };
  const look: Tap = (builder, value) => {
    builder.output('seen', value);
    return value;
  };
  const taps = new Map([
    ['blocks.0.hook_resid_mid', steer],
    ['blocks.1.attn.hook_z', look],
  ]);
  const program = training.lossProgram(taps);
  const given: Record<string, Float64Array | Int32Array> = {
    ...training.inputs,
    ...Object.fromEntries([...training.weights].map(([name, { values }]) => [name, values])),
    direction: hashedNumbers(dim, 31, 0.5),
    back: hashedNumbers(dim, 32, 0.5),
    steering: hashedNumbers(dim, 33, 0.5),
  };
  const names = ['steering', 'direction', 'blk.0.attn_q.weight', 'token_embd.weight'];

  it.each(names)('finds the slope along %s with an intervention in between', (name) => {
    const found = evaluateFloat64(gradient(program, 'loss', [name]), given, training.sizes);
    const values = given[name] as Float64Array;
    const along = hashedNumbers(values.length, 77, 1);
    const lossAt = (step: number): number => {
      const moved = values.map((value, i) => value + step * (along[i] as number));
      const result = evaluateFloat64(program, { ...given, [name]: moved }, training.sizes);
      return result['loss']?.[0] ?? Number.NaN;
    };
    const expected = (lossAt(1e-5) - lossAt(-1e-5)) / 2e-5;
    const slopes = found[`gradient.${name}`] ?? new Float64Array();
    const slope = slopes.reduce((sum, each, i) => sum + each * (along[i] as number), 0);
    expect(Math.abs(expected)).toBeGreaterThan(0.01);
    expect(slope).toBeCloseTo(expected, 7);
  });

  it('gives the gradient at a tap that was looked at', () => {
    const found = evaluateFloat64(gradient(program, 'loss', ['seen']), given, training.sizes);
    // Moved by an input instead.
    const nudge: Tap = (builder, value) =>
      append(builder, 'add', [value, builder.input('nudge', 'f32', value.shape)]);
    const nudged = training.lossProgram(new Map([...taps, ['blocks.1.attn.hook_z', nudge]]));
    const length = found['gradient.seen']?.length ?? 0;
    const along = hashedNumbers(length, 78, 1);
    const lossAt = (step: number): number => {
      const moved = { ...given, nudge: along.map((each) => each * step) };
      return evaluateFloat64(nudged, moved, training.sizes)['loss']?.[0] ?? Number.NaN;
    };
    const slope = along.reduce(
      (sum, each, i) => sum + each * (found['gradient.seen']?.[i] ?? 0),
      0,
    );
    expect(length).toBe(training.sizes.rows * 16);
    expect(slope).toBeCloseTo((lossAt(1e-5) - lossAt(-1e-5)) / 2e-5, 7);
  });
});
