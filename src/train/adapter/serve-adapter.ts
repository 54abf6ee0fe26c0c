// An adapter beside a model that answers: its tensors on the device, and the hook that records it. The
// base is not touched, so other adapters can stand beside it elsewhere.
import { present } from '../../base/invariant.ts';
import type { Device, DeviceBuffer } from '../../device/device.ts';
import type { LlamaConfig } from '../../formats/llama-config.ts';
import type { RecordLinear } from '../../model/llama.ts';
import { adapterNames, adapterTensors } from './adapter.ts';
import { readAdapter } from './read-adapter.ts';
import { adapterHook, recordFactors } from './record-adapter.ts';

/** An adapter that an engine can be opened with. */
export interface ServedAdapter {
  /** The base's weights and the adapter's. */
  readonly weights: Readonly<Record<string, DeviceBuffer>>;
  readonly linear: RecordLinear;
}

/**
 * Loads an adapter beside a base's weights. What DoRA divides by is computed once, since nothing
 * changes any more. Throws ADAPTER_INVALID, FILE_NOT_FOUND or OUT_OF_MEMORY.
 */
export async function serveAdapter(
  path: string,
  options: {
    readonly config: LlamaConfig;
    readonly device: Device;
    readonly weights: Readonly<Record<string, DeviceBuffer>>;
  },
): Promise<ServedAdapter> {
  const { config, device, weights } = options;
  const { adapter, tensors } = await readAdapter(path, config);
  const all: Record<string, DeviceBuffer> = { ...weights };
  const add = async (
    name: string,
    shape: readonly number[],
    values: Float32Array,
  ): Promise<void> => {
    const buffer = await device.allocate('f32', shape);
    all[name] = buffer;
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    await device.write(buffer, 0, bytes);
  };
  for (const [name, shape] of adapterTensors(adapter)) {
    await add(name, shape, present(tensors.get(name), name));
  }
  if (adapter.hasMagnitudes) {
    const program = recordFactors(adapter);
    const factors = await device.run(device.compile(program, all), {
      inputs: {},
      sizes: { rows: 0, outputs: 0, sequences: 0, pages: 0, adjustments: 0 },
      fetch: [...program.outputs.keys()],
    });
    for (const { name, n } of adapter.matrices.values()) {
      const factor = adapterNames.factor(name);
      await add(factor, [n], present(factors[factor], factor) as Float32Array);
    }
  }
  return { weights: all, linear: adapterHook(adapter, { factors: 'fixed' }) };
}
