// The forward pass of training, without a cache, against a Llama in plain lines of float64 that sees one
// sequence at a time; and what adapters and taps are asked.
import { describe, expect, it } from 'vitest';
import { dimSizes, evaluateFloat64 } from '../../test/evaluate-float64.ts';
import { naiveLogits } from '../../test/naive-llama.ts';
import { tinyCheckpoint, tinyConfig } from '../../test/tiny-llama.ts';
import type { Checkpoint } from '../formats/checkpoint.ts';
import { append } from '../tensor/ops.ts';
import { type Program, ProgramBuilder, type Value } from '../tensor/program.ts';
import { type ForwardOptions, forward, logitsHead, tapNames } from './llama.ts';
import { ropeFrequencies } from './rope.ts';

type Config = Checkpoint['config'];

function record(config: Config, options: ForwardOptions = {}): Program {
  const builder = new ProgramBuilder('forward');
  const i32 = (name: string): Value => builder.input(name, 'i32', ['rows']);
  const rows = {
    tokens: i32('tokens'),
    positions: i32('positions'),
    sequence: i32('sequence'),
    frequencies: builder.input('frequencies', 'f32', ['sequences', config.headDim / 2]),
    starts: i32('starts'),
  };
  builder.output('logits', logitsHead(builder, config, forward(builder, config, rows, options)));
  return builder.build();
}

describe('forward without a cache', () => {
  it.each([
    ['grouped queries', {}],
    ['a sliding window and tied embeddings', { slidingWindow: 4, tiedEmbeddings: true }],
    ['one key head', { kvHeads: 1, layers: 1 }],
  ])('gives each packed sequence the logits it gets alone, with %s', async (_, changes) => {
    const checkpoint = tinyCheckpoint(tinyConfig(changes));
    const { config } = checkpoint;
    const sequences = [[5, 280, 7, 7, 100, 3, 9], [11], [5, 280, 12, 200]];
    const tokens = sequences.flat();
    const starts = sequences.flatMap((sequence, i) =>
      sequence.map(() => sequences.slice(0, i).flat().length),
    );
    const given: Record<string, Float64Array | Int32Array> = {
      tokens: Int32Array.from(tokens),
      positions: Int32Array.from(starts, (start, row) => row - start),
      sequence: new Int32Array(tokens.length),
      starts: Int32Array.from(starts),
      frequencies: Float64Array.from(ropeFrequencies(config, 128)),
    };
    for (const { name, bytes } of checkpoint.tensors.values()) {
      const read = (await checkpoint.read(name, 0, bytes)).slice();
      given[name] = Float64Array.from(new Float32Array(read.buffer));
    }
    const sizes = dimSizes({ rows: tokens.length });
    const { logits } = evaluateFloat64(record(config), given, sizes);
    const expected = await Promise.all(sequences.map((each) => naiveLogits(checkpoint, each)));
    // Frequencies and angles are f32.
    for (const [i, value] of expected.flat(2).entries()) {
      expect(Math.abs((logits?.[i] ?? Number.NaN) - value)).toBeLessThan(1e-5);
    }
  });

  it('asks `linear` for each matrix of the blocks, and records what it answers', () => {
    const config = tinyConfig();
    const asked: string[] = [];
    const program = record(config, {
      linear: (builder, x, name, n, k, plain) => {
        asked.push(`${name} [${n}, ${k}]`);
        if (name !== 'blk.1.attn_q.weight') return plain();
        return append(builder, 'add', [plain(), append(builder, 'scale', [x], { factor: 2 })]);
      },
    });
    const block = (layer: number): string[] => [
      `blk.${layer}.attn_q.weight [48, 48]`,
      `blk.${layer}.attn_k.weight [16, 48]`,
      `blk.${layer}.attn_v.weight [16, 48]`,
      `blk.${layer}.attn_output.weight [48, 48]`,
      `blk.${layer}.ffn_gate.weight [72, 48]`,
      `blk.${layer}.ffn_up.weight [72, 48]`,
      `blk.${layer}.ffn_down.weight [48, 72]`,
    ];
    expect(asked).toEqual([...block(0), ...block(1)]);
    const plain = record(config).ops.map(({ op }) => op);
    expect(program.ops.map(({ op }) => op).filter((op) => op === 'scale')).toHaveLength(1);
    expect(plain).not.toContain('scale');
  });

  it('passes every tap', () => {
    const config = tinyConfig();
    const passed: string[] = [];
    const taps = tapNames(config).map((name) => {
      const tap = (_: ProgramBuilder, value: Value): Value => {
        passed.push(name);
        return value;
      };
      return [name, tap] as const;
    });
    record(config, { taps: new Map(taps) });
    expect(passed).toEqual(tapNames(config));
  });
});
