// Losses, gradients and ten AdamW steps of whole small Llamas against PyTorch: packed sequences, grouped
// queries, tied embeddings, windows, targets without weight, LoRA and DoRA over a quantised base.
import { afterAll, describe, expect, it } from 'vitest';
import { availableIsas, createCpuDevice } from '../src/device/cpu.ts';
import type { Device, DeviceBuffer, HostArray } from '../src/device/device.ts';
import { createReferenceDevice } from '../src/device/reference.ts';
import { quantize } from '../src/tensor/codecs/codec.ts';
import type { WeightDType } from '../src/tensor/dtype.ts';
import { gradient, gradientName } from '../src/tensor/gradient.ts';
import { evaluateFloat64, type Float64Arguments } from './evaluate-float64.ts';
import {
  adamwControl,
  type GoldenModel,
  golden,
  hashedNumbers,
  TrainingModel,
} from './training-model.ts';

const models = Object.entries(golden.models).map(([name, model]) => ({ name, model }));
const { length: steps } = models[0]?.model.norms ?? [];

/** The largest difference, as a share of the largest expected value. */
function relativeError(found: ArrayLike<number>, expected: readonly number[]): number {
  const most = Math.max(...expected.map(Math.abs));
  const differences = expected.map((value, i) => Math.abs((found[i] ?? Number.NaN) - value));
  return Math.max(...differences) / most;
}

function dtypeOf(model: GoldenModel, name: string): WeightDType {
  return model.config.quantized &&
    /(embd|attn_[qkvo]\w*|ffn_(gate|up|down)|^output)\.weight$/.test(name)
    ? 'q8_0'
    : 'f32';
}

function expectFinal(
  model: GoldenModel,
  name: string,
  found: ArrayLike<number>,
  tolerance: number,
): void {
  const values = Float64Array.from(found);
  const direction = hashedNumbers(values.length, 900, 1);
  const size = Math.hypot(...values);
  const along = values.reduce((sum, value, i) => sum + value * (direction[i] ?? 0), 0);
  const [expectedSize, expectedAlong] = model.final[name] ?? [0, 0];
  expect(Math.abs(size - expectedSize) / expectedSize, `size of ${name}`).toBeLessThan(tolerance);
  const error = Math.abs(along - expectedAlong) / expectedSize;
  expect(error, `direction of ${name}`).toBeLessThan(tolerance);
}

describe.each(models)('a Llama in float64, $name', ({ model }) => {
  const training = new TrainingModel(model);
  const packed: Record<string, Float64Arguments[string]> = {};
  const reset = (): void => {
    for (const [name, { values }] of [...training.weights, ...training.adapters]) {
      const dtype = dtypeOf(model, name);
      packed[name] =
        dtype === 'f32'
          ? values.slice()
          : { dtype, data: quantize(dtype, Float32Array.from(values)) };
    }
  };

  it("has PyTorch's loss and gradients to nine digits", () => {
    reset();
    const program = gradient(training.lossProgram(), 'loss', training.parameters);
    const found = evaluateFloat64(program, { ...packed, ...training.inputs }, training.sizes);
    expect(relativeError(found['loss'] ?? [], model.losses.slice(0, 1))).toBeLessThan(1e-9);
    expect(Object.keys(model.gradients)).toEqual(training.parameters);
    for (const [name, expected] of Object.entries(model.gradients)) {
      const slopes = found[gradientName(name)] ?? [];
      expect(slopes).toHaveLength(expected.length);
      expect(relativeError(slopes, expected), name).toBeLessThan(1e-9);
    }
  });

  it("takes PyTorch's ten steps of AdamW to nine digits", () => {
    reset();
    const states: Record<string, Float64Array> = {};
    for (const name of training.parameters) {
      const { length } = training.tensor(name).values;
      for (const prefix of ['m.', 'v.', 'gradient.'])
        states[prefix + name] = new Float64Array(length);
    }
    const options = { accumulate: true };
    const step = gradient(training.lossProgram(), 'loss', training.parameters, options);
    const [norm, update] = [training.normProgram(), training.updateProgram()];
    const run = (program: typeof step, more: Float64Arguments = {}): Record<string, Float64Array> =>
      evaluateFloat64(
        program,
        { ...packed, ...states, ...training.inputs, ...more },
        training.sizes,
      );
    for (let t = 1; t <= (steps ?? 0); t++) {
      const loss = run(step)['loss'] ?? [];
      expect(relativeError(loss, model.losses.slice(t - 1, t)), `step ${t}`).toBeLessThan(1e-9);
      const size = Math.sqrt(run(norm)['squares']?.[0] ?? 0);
      expect(relativeError([size], model.norms.slice(t - 1, t)), `norm ${t}`).toBeLessThan(1e-9);
      run(update, { control: Float64Array.from(adamwControl(t, size)) });
    }
    expect(relativeError(run(step)['loss'] ?? [], model.losses.slice(-1))).toBeLessThan(1e-9);
    for (const name of training.parameters) {
      expectFinal(model, name, packed[name] as Float64Array, 1e-9);
    }
  });
});

const hasCpu = availableIsas().length > 0;
const devices: Device[] = [
  createReferenceDevice(),
  ...(hasCpu ? [createCpuDevice({ threads: 2 })] : []),
];

describe.each(devices)('a Llama in f32 on the $info.name device', (device) => {
  afterAll(() => device.close());

  async function fill(
    dtype: WeightDType,
    shape: readonly number[],
    values: Float64Array,
  ): Promise<DeviceBuffer> {
    const buffer = await device.allocate(dtype, shape);
    await device.write(buffer, 0, quantize(dtype, Float32Array.from(values)));
    return buffer;
  }

  it.each(models)("takes PyTorch's ten steps, $name", async ({ model }) => {
    const training = new TrainingModel(model);
    const buffers: Record<string, DeviceBuffer> = {};
    for (const [name, { shape, values }] of [...training.weights, ...training.adapters]) {
      buffers[name] = await fill(dtypeOf(model, name), shape, values);
    }
    for (const name of training.parameters) {
      for (const prefix of ['m.', 'v.', 'gradient.']) {
        buffers[prefix + name] = await device.allocate('f32', training.shapeOf(name));
      }
    }
    const read = async (name: string): Promise<Float32Array> => {
      const buffer = buffers[name] as DeviceBuffer;
      return new Float32Array((await device.read(buffer, 0, buffer.bytes)).buffer);
    };
    const inputs = Object.fromEntries(
      Object.entries(training.inputs).map(([name, data]): [string, HostArray] => [
        name,
        data instanceof Int32Array ? data : Float32Array.from(data),
      ]),
    );
    const options = { accumulate: true };
    const loss = gradient(training.lossProgram(), 'loss', training.parameters, options);
    const step = device.compile(loss, buffers);
    const norm = device.compile(training.normProgram(), buffers);
    const update = device.compile(training.updateProgram(), buffers);
    const { sizes } = training;
    const lossNow = async (): Promise<HostArray> =>
      (await device.run(step, { inputs, sizes, fetch: ['loss'] }))['loss'] ?? new Float32Array();

    for (let t = 1; t <= (steps ?? 0); t++) {
      expect(
        relativeError(await lossNow(), model.losses.slice(t - 1, t)),
        `step ${t}`,
      ).toBeLessThan(1e-5);
      if (t === 1) {
        for (const [name, expected] of Object.entries(model.gradients)) {
          const found = await read(gradientName(name));
          expect(relativeError(found, expected), name).toBeLessThan(1e-5);
        }
      }
      const { squares } = await device.run(norm, { inputs: {}, sizes, fetch: ['squares'] });
      const control = Float32Array.from(adamwControl(t, Math.sqrt(squares?.[0] ?? 0)));
      await device.run(update, { inputs: { control }, sizes, fetch: [] });
    }
    expect(relativeError(await lossNow(), model.losses.slice(-1))).toBeLessThan(1e-5);
    for (const name of training.parameters) expectFinal(model, name, await read(name), 1e-5);
  });
});
