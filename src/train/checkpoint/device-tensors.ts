// Buffers on a device to files and back, a piece at a time, bytes as they are.
import { errors } from '../../base/errors.ts';
import { present } from '../../base/invariant.ts';
import type { Device, DeviceBuffer } from '../../device/device.ts';
import { type FileSink, openFile } from '../../formats/files.ts';
import { readSafetensors } from '../../formats/safetensors.ts';
import { writeSafetensors } from '../../formats/safetensors-write.ts';

// Large enough for the disk, small enough for the event loop.
const pieceBytes = 4 * 2 ** 20;

/** Writes buffers into one safetensors file: f32 as such, packed types as their bytes. */
export async function writeBuffers(
  path: string,
  device: Device,
  buffers: ReadonlyMap<string, DeviceBuffer>,
): Promise<void> {
  await writeSafetensors(
    path,
    Array.from(buffers, ([name, buffer]) => ({
      name,
      ...(buffer.dtype === 'f32'
        ? { dtype: 'f32' as const, shape: buffer.shape }
        : { dtype: 'u8' as const, shape: [buffer.bytes] }),
      write: (sink: FileSink) => copyOut(device, buffer, sink),
    })),
  );
}

async function copyOut(device: Device, buffer: DeviceBuffer, sink: FileSink): Promise<void> {
  for (let at = 0; at < buffer.bytes; at += pieceBytes) {
    await sink.write(await device.read(buffer, at, Math.min(pieceBytes, buffer.bytes - at)));
  }
}

/** Fills every buffer from a file that writeBuffers wrote. Throws TENSOR_MISSING or TENSOR_SHAPE. */
export async function readBuffers(
  path: string,
  device: Device,
  buffers: ReadonlyMap<string, DeviceBuffer>,
): Promise<void> {
  const file = await openFile(path);
  try {
    const { tensors } = readSafetensors(file);
    for (const [name, buffer] of buffers) {
      const tensor = tensors.get(name);
      if (tensor === undefined) throw errors.TENSOR_MISSING({ name, path });
      const shape = buffer.dtype === 'f32' ? buffer.shape : [buffer.bytes];
      const type = buffer.dtype === 'f32' ? 'F32' : 'U8';
      if (tensor.type !== type || `${tensor.shape}` !== `${shape}`) {
        const expected = `${type} [${shape.join(', ')}]`;
        const found = `${tensor.type} [${tensor.shape.join(', ')}]`;
        throw errors.TENSOR_SHAPE({ name, expected, found });
      }
      await device.write(buffer, 0, await tensor.readBytes());
    }
  } finally {
    await file.close();
  }
}

/** Writes values into the f32 buffer of that name. */
export async function writeValues(
  device: Device,
  buffers: Readonly<Record<string, DeviceBuffer>>,
  name: string,
  values: Float32Array,
): Promise<void> {
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  await device.write(present(buffers[name], name), 0, bytes);
}
