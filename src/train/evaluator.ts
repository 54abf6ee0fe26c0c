// The loss of weights on held-out batches, all of them, without changing anything.
import { present } from '../base/invariant.ts';
import type { Device, DeviceBuffer, Executable } from '../device/device.ts';
import { type Program, prune } from '../tensor/program.ts';
import type { Batch } from './batch.ts';
import type { BatchEncoder } from './language-model.ts';

/** A mean over targets. */
export interface HeldOutLoss {
  /** Mean negative log-likelihood in nats. */
  readonly loss: number;
  readonly targets: number;
}

/** Measures one set of weights; they may change between calls. */
export class Evaluator {
  readonly #device: Device;
  readonly #encoder: BatchEncoder;
  readonly #executable: Executable;

  /** `program` has an output `nll` [outputs]. */
  constructor(
    device: Device,
    encoder: BatchEncoder,
    program: Program,
    weights: Readonly<Record<string, DeviceBuffer>>,
  ) {
    this.#device = device;
    this.#encoder = encoder;
    this.#executable = device.compile(prune(program, ['nll']), weights);
  }

  /** Throws ABORTED. The loss of no targets is NaN. */
  async measure(batches: Iterable<Batch>, signal?: AbortSignal): Promise<HeldOutLoss> {
    let sum = 0;
    let targets = 0;
    for (const batch of batches) {
      if (batch.targets.length === 0) continue;
      const { inputs, sizes } = this.#encoder.encode(batch, { lossWeight: 0 });
      const { lossWeights: _, ...needed } = inputs;
      const fetched = await this.#device.run(this.#executable, {
        inputs: needed,
        sizes,
        fetch: ['nll'],
        ...(signal === undefined ? {} : { signal }),
      });
      sum += sumOf(present(fetched['nll'], 'nll'));
      targets += batch.targets.length;
    }
    return { loss: sum / targets, targets };
  }
}

/** The sum of values in float64, in order. */
export function sumOf(values: Float32Array | Int32Array): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum;
}
