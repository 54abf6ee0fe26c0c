// A training step on the cpu device gives the same bits on any number of threads, and with activations
// computed again instead of kept.
import { expect, it } from 'vitest';
import { availableIsas, createCpuDevice } from '../src/device/cpu.ts';
import type { DeviceBuffer, HostArray } from '../src/device/device.ts';
import type { Tap } from '../src/model/llama.ts';
import { quantize } from '../src/tensor/codecs/codec.ts';
import { gradient } from '../src/tensor/gradient.ts';
import { goldenModel, TrainingModel } from './training-model.ts';

// Long enough that attention and products are cut into pieces.
function longModel(): TrainingModel {
  const model = goldenModel('packed, untied, grouped queries');
  const outputs = Array.from({ length: 190 }, (_, i) => i);
  const sizes = { dim: 96, heads: 4, kvHeads: 2, headDim: 32, feedForward: 200, vocab: 300 };
  const batch = { lengths: [150, 1, 49], outputs, lossWeights: outputs.map(() => 1 / 190) };
  return new TrainingModel({
    ...model,
    config: { ...model.config, ...sizes, layers: 3, ...batch },
  });
}

async function gradients(
  training: TrainingModel,
  options: { readonly threads: number; readonly recompute: boolean },
): Promise<Record<string, HostArray>> {
  const device = createCpuDevice({ threads: options.threads });
  const buffers: Record<string, DeviceBuffer> = {};
  for (const [name, { shape, values }] of training.weights) {
    const buffer = await device.allocate('f32', shape);
    // Small, so that the softmax is soft.
    const scale = shape.length === 1 ? 1 : 0.25;
    await device.write(
      buffer,
      0,
      quantize(
        'f32',
        Float32Array.from(values, (x) => x * scale),
      ),
    );
    buffers[name] = buffer;
  }
  const residuals: number[] = [];
  const note: Tap = (_, value) => {
    residuals.push(value.id);
    return value;
  };
  const taps = [0, 1, 2].map((layer) => [`blocks.${layer}.hook_resid_pre`, note] as const);
  const program = gradient(training.lossProgram(new Map(taps)), 'loss', training.parameters, {
    recompute: options.recompute ? residuals : [],
  });
  const executable = device.compile(program, buffers);
  const inputs = Object.fromEntries(
    Object.entries(training.inputs).map(([name, data]): [string, HostArray] => [
      name,
      data instanceof Int32Array ? data : Float32Array.from(data),
    ]),
  );
  const fetch = [...program.outputs.keys()];
  const result = await device.run(executable, { inputs, sizes: training.sizes, fetch });
  await device.close();
  return result;
}

it.skipIf(availableIsas().length === 0)(
  'gives the same bits on 1, 2 and 3 threads, kept or computed again (skipped without the addon)',
  async () => {
    const training = longModel();
    const expected = await gradients(training, { threads: 1, recompute: false });
    expect(expected['loss']?.[0]).toBeGreaterThan(1);
    for (const threads of [1, 2, 3]) {
      const found = await gradients(training, { threads, recompute: true });
      expect(Object.keys(found)).toEqual(Object.keys(expected));
      for (const [name, values] of Object.entries(expected)) {
        const isSame = Buffer.compare(bytesOf(values), bytesOf(found[name])) === 0;
        expect(isSame, `${name} on ${threads} threads`).toBe(true);
      }
    }
  },
);

function bytesOf(array: HostArray | undefined): Uint8Array {
  if (array === undefined) return new Uint8Array();
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}
