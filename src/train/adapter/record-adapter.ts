// An adapter as ops beside the matrices of a program. The base stays as it is, of whatever type.
import type { RecordLinear } from '../../model/llama.ts';
import { append } from '../../tensor/ops.ts';
import { type Program, ProgramBuilder, type Value } from '../../tensor/program.ts';
import { dropoutSeed } from '../language-model.ts';
import { type AdaptedMatrix, type Adapter, adapterNames } from './adapter.ts';

/** How an adapter is recorded. */
export interface RecordAdapterOptions {
  /** Share of each adapter's inputs to leave out, by the input `dropoutSeed`. Default 0: none. */
  readonly dropout?: number;
  /**
   * `live`: lengths of rows are computed in every run, for weights that change. `fixed`: the factors
   * are a weight of the program, computed once (`recordFactors`). Matters to DoRA alone. Default `live`.
   */
  readonly factors?: 'live' | 'fixed';
}

/**
 * The hook that records an adapter: y = x·Wᵀ + scale · drop(x)·Aᵀ·Bᵀ, for DoRA times
 * magnitude / ‖W + scale · B·A‖ for each column of y, where the length counts as constant (its section 4.3).
 */
export function adapterHook(adapter: Adapter, options: RecordAdapterOptions = {}): RecordLinear {
  const { dropout = 0, factors = 'live' } = options;
  const sites = new Map([...adapter.matrices.keys()].map((name, site) => [name, site] as const));
  return (builder, x, weightName, _n, _k, plain) => {
    const matrix = adapter.matrices.get(weightName);
    const y = plain();
    if (matrix === undefined) return y;
    const { name, n, k, rank, scale } = matrix;
    const dropped =
      dropout === 0
        ? x
        : append(builder, 'dropout', [x, builder.input(dropoutSeed, 'i32', [2])], {
            rate: dropout,
            site: sites.get(name) as number,
          });
    const inner = append(builder, 'matmul', [
      dropped,
      builder.weight(adapterNames.a(name), [rank, k]),
    ]); // [rows, rank]
    const outer = append(builder, 'matmul', [
      inner,
      builder.weight(adapterNames.b(name), [n, rank]),
    ]); // [rows, n]
    const sum = append(builder, 'add', [y, append(builder, 'scale', [outer], { factor: scale })]);
    if (!adapter.hasMagnitudes) return sum;
    const factor =
      factors === 'live'
        ? recordFactor(builder, matrix)
        : builder.weight(adapterNames.factor(name), [n]);
    return append(builder, 'mul', [sum, factor]);
  };
}

/** Outputs, by the names of factors, of every matrix: magnitude / ‖W + scale · B·A‖ for each row. */
export function recordFactors(adapter: Adapter): Program {
  const builder = new ProgramBuilder('adapter factors');
  for (const matrix of adapter.matrices.values()) {
    builder.output(adapterNames.factor(matrix.name), recordFactor(builder, matrix));
  }
  return builder.build();
}

/** Outputs, by the names of magnitudes: ‖W + scale · B·A‖ for each row, what DoRA begins with. */
export function recordLengths(adapter: Adapter): Program {
  const builder = new ProgramBuilder('row lengths');
  for (const matrix of adapter.matrices.values()) {
    builder.output(adapterNames.magnitude(matrix.name), recordLength(builder, matrix));
  }
  return builder.build();
}

function recordLength(builder: ProgramBuilder, { name, n, k, rank, scale }: AdaptedMatrix): Value {
  return append(
    builder,
    'lora_row_norm',
    [
      builder.weight(name, [n, k]),
      builder.weight(adapterNames.b(name), [n, rank]),
      builder.weight(adapterNames.a(name), [rank, k]),
    ],
    { scale },
  ); // [n]
}

function recordFactor(builder: ProgramBuilder, matrix: AdaptedMatrix): Value {
  const magnitude = builder.weight(adapterNames.magnitude(matrix.name), [matrix.n]);
  const inverse = append(builder, 'reciprocal', [recordLength(builder, matrix)]);
  return append(builder, 'mul', [magnitude, inverse]); // [n]
}
