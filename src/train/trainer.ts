// Changes weights on a device: runs a loss program with its gradients, batch by batch, then one update.
// Knows programs and parameters; nothing of data, files, schedules or what the loss means.
import { errors } from '../base/errors.ts';
import { present } from '../base/invariant.ts';
import type { Device, DeviceBuffer, Executable, HostArray } from '../device/device.ts';
import { fitsBlocks } from '../tensor/dtype.ts';
import { gradient } from '../tensor/gradient.ts';
import type { DimSizes, Program } from '../tensor/program.ts';
import type { Pass } from './language-model.ts';
import {
  type AdamWSettings,
  clipFactor,
  recordClear,
  recordNorms,
  recordUpdate,
  stateNames,
  updateControl,
} from './optimizer.ts';
import type { Parameter } from './parameters.ts';

/** What a trainer is made of. */
export interface TrainerOptions {
  readonly device: Device;
  /** A program with an output `loss` [1]. */
  readonly program: Program;
  readonly parameters: readonly Parameter[];
  /** Every weight of the program, the parameters among them in f32; they stay their owner's. */
  readonly weights: Readonly<Record<string, DeviceBuffer>>;
  readonly optimizer: AdamWSettings;
  /** Decay of running means of the parameters; absent: none are kept. */
  readonly ema?: number | undefined;
  /** Values between which the backward pass computes activations again; absent: all are kept. */
  readonly recompute?: readonly number[];
}

/** How one step is made. */
export interface StepOptions {
  readonly learningRate: number;
  /** Gradients of a longer norm are scaled to this one; 0: never. */
  readonly clip: number;
  /** Outputs of the program to hand back for each pass. */
  readonly fetch: readonly string[];
  /** Looked at until the update begins; the step then rejects with ABORTED and changes nothing. */
  readonly signal?: AbortSignal | undefined;
}

/** What a step did. */
export interface StepOutcome {
  /** What was fetched, for each pass. */
  readonly outputs: readonly Readonly<Record<string, HostArray>>[];
  /** Norm of all gradients together, before clipping. */
  readonly gradientNorm: number;
}

const noSizes: DimSizes = { rows: 0, outputs: 0, sequences: 0, pages: 0, adjustments: 0 };

/** Weights in training. Close it to free what it allocated; the weights stay. */
export class Trainer {
  readonly parameters: readonly Parameter[];
  readonly #device: Device;
  readonly #optimizer: AdamWSettings;
  readonly #weights: Readonly<Record<string, DeviceBuffer>>;
  readonly #states: Readonly<Record<string, DeviceBuffer>>;
  readonly #ema: boolean;
  readonly #executables: {
    readonly pass: Executable;
    readonly norms: Executable;
    readonly update: Executable;
    readonly clear: Executable;
  };
  #updates = 0;

  private constructor(options: TrainerOptions, states: Readonly<Record<string, DeviceBuffer>>) {
    const { device, program, parameters, weights, optimizer, ema } = options;
    this.parameters = parameters;
    this.#device = device;
    this.#optimizer = optimizer;
    this.#weights = weights;
    this.#states = states;
    this.#ema = ema !== undefined;
    const buffers = { ...weights, ...states };
    const names = parameters.map(({ name }) => name);
    const withGradients = gradient(program, 'loss', names, {
      accumulate: true,
      recompute: options.recompute ?? [],
    });
    this.#executables = {
      pass: device.compile(withGradients, buffers),
      norms: device.compile(recordNorms(parameters), buffers),
      update: device.compile(recordUpdate(parameters, optimizer, ema), buffers),
      clear: device.compile(recordClear(parameters), buffers),
    };
  }

  /** Allocates gradients and optimizer states. Throws OUT_OF_MEMORY or DEVICE_UNSUPPORTED. */
  static async create(options: TrainerOptions): Promise<Trainer> {
    const { device, parameters, weights, optimizer, ema } = options;
    const states: Record<string, DeviceBuffer> = {};
    try {
      for (const { name, shape } of parameters) {
        const isPacked =
          optimizer.states === 'q8_0' &&
          shape.length > 1 &&
          fitsBlocks('q8_0', present(shape.at(-1), 'columns'));
        const type = isPacked ? 'q8_0' : 'f32';
        states[stateNames.gradient(name)] = await device.allocate('f32', shape);
        states[stateNames.mean(name)] = await device.allocate(type, shape);
        states[stateNames.square(name)] = await device.allocate(type, shape);
        if (ema === undefined) continue;
        const average = await device.allocate('f32', shape);
        states[stateNames.average(name)] = average;
        const weight = present(weights[name], name);
        await device.write(average, 0, await device.read(weight, 0, weight.bytes));
      }
      return new Trainer(options, states);
    } catch (error) {
      for (const buffer of Object.values(states)) device.free(buffer);
      throw error;
    }
  }

  /** Updates made so far; AdamW's time. */
  get updates(): number {
    return this.#updates;
  }

  /** What must be kept, beside the weights, to go on later: the optimizer's means, and those of the weights. */
  get states(): ReadonlyMap<string, DeviceBuffer> {
    const kept = this.parameters.flatMap(({ name }) => [
      stateNames.mean(name),
      stateNames.square(name),
      ...(this.#ema ? [stateNames.average(name)] : []),
    ]);
    return new Map(kept.map((name) => [name, present(this.#states[name], name)]));
  }

  /** The weights to evaluate and to keep: their running means where there are any. */
  get averaged(): Readonly<Record<string, DeviceBuffer>> {
    if (!this.#ema) return this.#weights;
    const averages = this.parameters.map(
      ({ name }) => [name, present(this.#states[stateNames.average(name)], name)] as const,
    );
    return { ...this.#weights, ...Object.fromEntries(averages) };
  }

  /** Goes on after so many updates, whose states and weights were written back before. */
  resume(updates: number): void {
    this.#updates = updates;
  }

  /**
   * Gradients of all passes together, then one update. Throws TRAINING_DIVERGED when a loss or the norm
   * is no number; then, as after ABORTED, weights and states are those before the step.
   */
  async step(passes: readonly Pass[], options: StepOptions): Promise<StepOutcome> {
    try {
      const outputs = await this.#accumulate(passes, options);
      const gradientNorm = await this.#norm();
      this.#refuseNonsense('the norm of the gradients', gradientNorm);
      const { learningRate, clip } = options;
      const factor = clipFactor(gradientNorm, clip);
      const updates = this.#updates;
      const control = updateControl(this.#optimizer, { learningRate, factor, updates });
      await this.#run(this.#executables.update, { control });
      this.#updates += 1;
      return { outputs, gradientNorm };
    } catch (error) {
      await this.#run(this.#executables.clear, {}).catch(() => {});
      throw error;
    }
  }

  /** Frees gradients and states. */
  close(): void {
    for (const buffer of Object.values(this.#states)) this.#device.free(buffer);
  }

  async #accumulate(
    passes: readonly Pass[],
    { fetch, signal }: StepOptions,
  ): Promise<Record<string, HostArray>[]> {
    const outputs: Record<string, HostArray>[] = [];
    for (const { inputs, sizes } of passes) {
      const fetched = await this.#device.run(this.#executables.pass, {
        inputs,
        sizes,
        fetch: ['loss', ...fetch],
        ...(signal === undefined ? {} : { signal }),
      });
      this.#refuseNonsense('the loss', present(fetched['loss']?.[0], 'loss'));
      outputs.push(fetched);
    }
    return outputs;
  }

  async #norm(): Promise<number> {
    const fetch = this.parameters.map(({ name }) => `squares.${name}`);
    const fetched = await this.#device.run(this.#executables.norms, {
      inputs: {},
      sizes: noSizes,
      fetch,
    });
    const squares = fetch.map((name) => present(fetched[name]?.[0], name));
    return Math.sqrt(squares.reduce((sum, square) => sum + square, 0));
  }

  #refuseNonsense(what: string, value: number): void {
    if (Number.isFinite(value)) return;
    throw errors.TRAINING_DIVERGED({ update: this.#updates + 1, what, found: String(value) });
  }

  async #run(executable: Executable, inputs: Record<string, HostArray>): Promise<void> {
    await this.#device.run(executable, { inputs, sizes: noSizes, fetch: [] });
  }
}
