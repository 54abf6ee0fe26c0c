// Weights on a device as a checkpoint, so that whatever reads or converts files can read what is being
// trained. Reads go to the device, in order with its runs.
import { present } from '../../base/invariant.ts';
import type { Device, DeviceBuffer } from '../../device/device.ts';
import type { Checkpoint, TensorInfo } from '../../formats/checkpoint.ts';
import { tensorShapes } from '../../formats/tensor-shapes.ts';

/** What a model is besides its weights. */
export type ModelFacts = Pick<
  Checkpoint,
  'name' | 'config' | 'chatTemplate' | 'generation' | 'licence' | 'files' | 'tokenizer'
>;

/** The checkpoint of weights on a device. Closing it frees nothing. */
export function deviceCheckpoint(
  device: Device,
  weights: Readonly<Record<string, DeviceBuffer>>,
  facts: ModelFacts,
): Checkpoint {
  const tensors = new Map<string, TensorInfo>();
  for (const name of tensorShapes(facts.config).keys()) {
    const { dtype, shape, bytes } = present(weights[name], name);
    tensors.set(name, { name, dtype, shape, bytes });
  }
  return {
    ...facts,
    format: 'safetensors',
    path: facts.name,
    tensors,
    read: (name, offset, length) => device.read(present(weights[name], name), offset, length),
    region: () => undefined,
    close: async () => {},
  };
}
