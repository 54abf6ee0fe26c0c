// What a model costs per token in the two things a machine has an end of: multiply-adds for rows that are
// computed together, bytes for a row that is computed alone.
import type { Activations } from '../device/device.ts';
import { takesInt8 } from '../device/measure-limits.ts';
import { type CacheType, cacheBytesPerToken } from '../engine/index.ts';
import { type Checkpoint, tensorNames } from '../formats/checkpoint.ts';

/** Multiply-adds of matrices, by what makes them. Attention is not counted. */
interface MultiplyAdds {
  readonly int8: number;
  readonly f32: number;
}

/** What this machine can do at most, per second. */
export interface Limits {
  /** Bytes. */
  readonly readBandwidth: number;
  /** int8 multiply-adds. */
  readonly int8Peak: number;
  /** f32 operations, two for each multiply-add. */
  readonly f32Peak: number;
}

/** Costs of one model. */
export class ModelCost {
  readonly #perRow: MultiplyAdds;
  readonly #perOutput: MultiplyAdds;
  readonly #stepBytes: number;
  readonly #tokenBytes: number;

  constructor(
    { config, tensors }: Pick<Checkpoint, 'config' | 'tensors'>,
    { activations, cache }: { readonly activations: Activations; readonly cache: CacheType },
  ) {
    const output = config.tiedEmbeddings ? tensorNames.embedding : tensorNames.output;
    const sums = { row: { int8: 0, f32: 0 }, output: { int8: 0, f32: 0 } };
    let bytes = 0;
    for (const { name, dtype, shape, bytes: size } of tensors.values()) {
      // Of the embedding a token reads one row.
      if (name === tensorNames.embedding && name !== output) continue;
      bytes += size;
      const [rows = 0, columns = 0] = shape;
      const kind = activations === 'int8' && takesInt8(dtype) ? 'int8' : 'f32';
      sums[name === output ? 'output' : 'row'][kind] += rows * columns;
    }
    this.#perRow = sums.row;
    this.#perOutput = sums.output;
    this.#stepBytes = bytes;
    this.#tokenBytes = cacheBytesPerToken(config, cache);
  }

  /** Seconds that the multiply-adds of a prompt take at least; logits are computed for its last row alone. */
  leastPrefillSeconds(rows: number, { int8Peak, f32Peak }: Limits): number {
    const count = (kind: keyof MultiplyAdds): number =>
      rows * this.#perRow[kind] + this.#perOutput[kind];
    return count('int8') / int8Peak + (2 * count('f32')) / f32Peak;
  }

  /** Seconds that reading weights, keys and values takes at least in a step with so many tokens cached. */
  leastStepSeconds(cachedTokens: number, { readBandwidth }: Limits): number {
    return (this.#stepBytes + cachedTokens * this.#tokenBytes) / readBandwidth;
  }
}
