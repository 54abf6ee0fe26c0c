// Puts a checkpoint's tensors on a device under the names the program uses: mapped where they lie in
// one file as they are, otherwise read piece by piece. Shapes are checked before a byte is read.
import { errors } from '../base/errors.ts';
import { present } from '../base/invariant.ts';
import type { OnProgress } from '../base/progress.ts';
import type { Device, DeviceBuffer } from '../device/device.ts';
import { type Checkpoint, type TensorInfo, tensorNames } from '../formats/checkpoint.ts';
import { checkTensors, tensorShapes } from '../formats/tensor-shapes.ts';
import { dequantize } from '../tensor/codecs/codec.ts';
import { dtypeNames, fitsBlocks, rowBytes, type WeightDType } from '../tensor/dtype.ts';

// Bytes copied at a time: large enough for the disk, small enough for the event loop.
const copyChunkBytes = 4 * 2 ** 20;

/** How weights are loaded. */
export interface LoadWeightsOptions {
  readonly onProgress?: OnProgress;
  readonly signal?: AbortSignal;
}

/** Checks and loads all weights. Throws TENSOR_MISSING, TENSOR_SHAPE, DTYPE_UNSUPPORTED or ABORTED. */
export async function loadWeights(
  checkpoint: Checkpoint,
  device: Device,
  options: LoadWeightsOptions = {},
): Promise<Record<string, DeviceBuffer>> {
  const { config, tensors, path } = checkpoint;
  checkTensors(config, tensors, path);
  const wanted = [...tensorShapes(config).keys()].map((name) => present(tensors.get(name), name));
  for (const tensor of wanted) checkDType(device, tensor);
  const buffers: Record<string, DeviceBuffer> = {};
  for (const [done, tensor] of wanted.entries()) {
    if (options.signal?.aborted === true) throw errors.ABORTED({ what: 'Loading' });
    buffers[tensor.name] =
      tensor.shape.length === 1
        ? await loadVector(checkpoint, device, tensor)
        : await loadMatrix(checkpoint, device, tensor);
    options.onProgress?.({
      task: 'Loading',
      done: done + 1,
      total: wanted.length,
      unit: 'tensors',
    });
  }
  return buffers;
}

function checkDType(device: Device, { name, dtype, shape }: TensorInfo): void {
  const op = name === tensorNames.embedding ? 'embed' : 'matmul';
  const computable = shape.length === 1 ? dtype !== 'i32' : device.supports(op, dtype);
  if (computable && fitsBlocks(dtype, present(shape.at(-1), 'columns'))) return;
  throw errors.DTYPE_UNSUPPORTED({
    dtype,
    where: `Tensor ${name}`,
    allowed: dtypeNames.filter((each) => device.supports(op, each)).join(', '),
  });
}

// Norms are small and computed in f32 whatever the file holds.
async function loadVector(
  checkpoint: Checkpoint,
  device: Device,
  { name, dtype, shape, bytes }: TensorInfo,
): Promise<DeviceBuffer> {
  const packed = await checkpoint.read(name, 0, bytes);
  const values = dequantize(dtype as WeightDType, packed, present(shape[0], 'length'));
  const buffer = await device.allocate('f32', shape);
  await device.write(
    buffer,
    0,
    new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
  );
  return buffer;
}

async function loadMatrix(
  checkpoint: Checkpoint,
  device: Device,
  { name, dtype, shape, bytes }: TensorInfo,
): Promise<DeviceBuffer> {
  const region = checkpoint.region(name);
  if (region !== undefined) return device.allocate(dtype, shape, { region });
  const buffer = await device.allocate(dtype, shape);
  const row = rowBytes(dtype, present(shape.at(-1), 'columns'));
  const step = Math.max(1, Math.floor(copyChunkBytes / row)) * row;
  for (let offset = 0; offset < bytes; offset += step) {
    const length = Math.min(step, bytes - offset);
    await device.write(buffer, offset, await checkpoint.read(name, offset, length));
  }
  return buffer;
}
