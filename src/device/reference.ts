// The reference device: every op by its plain TypeScript kernel, in order, nothing fused. Slow, and
// kept for ever as the oracle of the others. Runs anywhere, without the native addon.
import { open } from 'node:fs/promises';
import { errors } from '../base/errors.ts';
import { invariant, present } from '../base/invariant.ts';
import { type DType, tensorBytes } from '../tensor/dtype.ts';
import { unfuse } from '../tensor/fuse.ts';
import type { HostTensor } from '../tensor/ops/op.ts';
import { type OpName, ops } from '../tensor/ops.ts';
import { type DimSizes, type Program, resolveShape, usedValues } from '../tensor/program.ts';
import {
  checkBuffers,
  checkIndices,
  checkInput,
  checkRange,
  checkShape,
  checkSizes,
  takesType,
} from './check.ts';
import type {
  CompileOptions,
  Device,
  DeviceBuffer,
  DeviceInfo,
  Executable,
  HostArray,
  MappableRegion,
  RunOptions,
} from './device.ts';

// One file read; larger requests fail on some systems.
const readChunkBytes = 2 ** 30;

// The event loop gets a turn when ops have computed this long.
const turnMs = 8;

interface HostBuffer extends DeviceBuffer {
  readonly tensor: HostTensor;
}

interface ReferenceExecutable extends Executable {
  readonly bound: ReadonlyMap<number, HostBuffer>;
  results: ReadonlyMap<string, HostTensor>;
}

function makeTensor(dtype: DType, shape: readonly number[]): HostTensor {
  const bytes = tensorBytes(dtype, shape);
  if (dtype === 'f32') return { dtype, shape, data: new Float32Array(bytes / 4) };
  if (dtype === 'i32') return { dtype, shape, data: new Int32Array(bytes / 4) };
  return { dtype, shape, data: new Uint8Array(bytes) };
}

function bytesOf(tensor: HostTensor): Uint8Array {
  const { buffer, byteOffset, byteLength } = tensor.data;
  return new Uint8Array(buffer, byteOffset, byteLength);
}

class ReferenceDevice implements Device {
  readonly info: DeviceInfo = {
    name: 'reference',
    isa: 'javascript',
    activations: ['exact'],
    threads: 1,
  };
  #buffers = new Set<DeviceBuffer>();
  #closed = false;
  #last: Promise<unknown> = Promise.resolve();

  supports(op: OpName, dtype: DType): boolean {
    return takesType(op, dtype);
  }

  async allocate(
    dtype: DType,
    shape: readonly number[],
    options: { readonly region?: MappableRegion } = {},
  ): Promise<DeviceBuffer> {
    this.#assertOpen();
    checkShape(dtype, shape);
    const buffer = reserve(dtype, shape);
    if (options.region !== undefined) await fill(buffer.tensor, options.region);
    this.#buffers.add(buffer);
    return buffer;
  }

  write(buffer: DeviceBuffer, offset: number, bytes: Uint8Array): Promise<void> {
    const source = new Uint8Array(bytes);
    return this.#inOrder(async () => {
      checkRange(buffer, offset, source.length);
      bytesOf(this.#own(buffer).tensor).set(source, offset);
    });
  }

  read(buffer: DeviceBuffer, offset: number, length: number): Promise<Uint8Array> {
    return this.#inOrder(async () => {
      checkRange(buffer, offset, length);
      return bytesOf(this.#own(buffer).tensor).slice(offset, offset + length);
    });
  }

  free(buffer: DeviceBuffer): void {
    this.#assertOpen();
    // What was asked for before still finds it; after close() there is nothing left to free.
    this.#inOrder(async () => this.#buffers.delete(buffer)).catch(() => {});
  }

  compile(
    program: Program,
    buffers: Readonly<Record<string, DeviceBuffer>>,
    options: CompileOptions = {},
  ): Executable {
    this.#assertOpen();
    if (options.activations === 'int8') {
      throw errors.DEVICE_UNSUPPORTED({ device: 'reference', what: 'int8 activations' });
    }
    const plain = unfuse(program);
    checkBuffers('reference', plain, buffers);
    const values = [...usedValues(plain, 'weight'), ...usedValues(plain, 'state')];
    const bound = new Map(
      values.map(({ id, name }) => [id, this.#own(present(buffers[name], name))] as const),
    );
    return { program: plain, bound, results: new Map() } as ReferenceExecutable;
  }

  async run(executable: Executable, options: RunOptions): Promise<Record<string, HostArray>> {
    this.#assertOpen();
    const compiled = executable as ReferenceExecutable;
    const { sizes, signal, fetch } = options;
    checkSizes(sizes);
    const inputs = usedValues(compiled.program, 'input').map((value) => {
      const data = options.inputs[value.name];
      checkInput(value, data, sizes);
      const dtype = present(value.dtype, 'dtype');
      const copy = present(data, value.name).slice();
      return [value.id, { dtype, shape: resolveShape(value.shape, sizes), data: copy }] as const;
    });
    return this.#inOrder(async () => {
      const weights = [...compiled.bound].map(
        ([id, buffer]) => [id, this.#own(buffer).tensor] as const,
      );
      const given = new Map<number, HostTensor>([...weights, ...inputs]);
      compiled.results = await execute(compiled.program, given, { sizes, signal }, () =>
        this.#assertOpen(),
      );
      return Object.fromEntries(
        fetch.map((name) => {
          const result = present(compiled.results.get(name), `output ${name}`);
          return [name, result.data.slice() as HostArray];
        }),
      );
    });
  }

  readOutput(
    executable: Executable,
    name: string,
    start: number,
    count: number,
  ): Promise<HostArray> {
    return this.#inOrder(async () => {
      const { results } = executable as ReferenceExecutable;
      const tensor = present(results.get(name), `output ${name}`);
      const width = tensor.data.length / present(tensor.shape[0], 'rows');
      return tensor.data.slice(start * width, (start + count) * width) as HostArray;
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#buffers.clear();
    await this.#last;
  }

  #assertOpen(): void {
    if (this.#closed) throw errors.DEVICE_CLOSED({ device: 'reference' });
  }

  #own(buffer: DeviceBuffer): HostBuffer {
    invariant(this.#buffers.has(buffer), 'the buffer is of another device or was freed');
    return buffer as HostBuffer;
  }

  async #inOrder<T>(work: () => Promise<T>): Promise<T> {
    this.#assertOpen();
    const before = this.#last;
    const result = before.then(() => {
      this.#assertOpen();
      return work();
    });
    this.#last = result.catch(() => {});
    return result;
  }
}

function reserve(dtype: DType, shape: readonly number[]): HostBuffer {
  try {
    const tensor = makeTensor(dtype, shape);
    return { dtype, shape, bytes: tensor.data.byteLength, tensor };
  } catch (cause) {
    const bytes = tensorBytes(dtype, shape);
    throw errors.OUT_OF_MEMORY({ bytes, what: `a tensor of ${dtype}` }, { cause });
  }
}

async function fill(tensor: HostTensor, region: MappableRegion): Promise<void> {
  const target = bytesOf(tensor);
  invariant(target.length === region.length, 'a region is as long as its tensor');
  const file = await open(region.path);
  try {
    for (let at = 0; at < target.length; ) {
      const length = Math.min(readChunkBytes, target.length - at);
      const { bytesRead } = await file.read(target, at, length, region.offset + at);
      if (bytesRead === 0) {
        throw errors.FORMAT_DAMAGED({
          path: region.path,
          offset: region.offset + at,
          expected: `${target.length - at} more bytes`,
          found: 'the end of the file',
        });
      }
      at += bytesRead;
    }
  } finally {
    await file.close();
  }
}

async function execute(
  program: Program,
  given: ReadonlyMap<number, HostTensor>,
  { sizes, signal }: { readonly sizes: DimSizes; readonly signal: AbortSignal | undefined },
  assertOpen: () => void,
): Promise<Map<string, HostTensor>> {
  const tensors = new Map(given);
  let turnStart = performance.now();
  for (const op of program.ops) {
    if (performance.now() - turnStart > turnMs) {
      await new Promise((resolve) => setImmediate(resolve));
      turnStart = performance.now();
    }
    assertOpen();
    if (signal?.aborted === true) throw errors.ABORTED({ what: program.name });
    const row = ops[op.op as OpName];
    invariant('reference' in row, `${op.op} has no reference kernel`);
    const read = op.inputs.map((id) =>
      present(tensors.get(id), program.values[id]?.name ?? 'value'),
    );
    checkIndices(op.op as OpName, read, op.attributes);
    const made = op.outputs.map((id) => {
      const value = present(program.values[id], 'value');
      return makeTensor(present(value.dtype, 'dtype'), resolveShape(value.shape, sizes));
    });
    row.reference({ inputs: read, outputs: made, attributes: op.attributes });
    for (const [index, id] of op.outputs.entries()) tensors.set(id, present(made[index], 'output'));
  }
  return new Map(
    [...program.outputs].map(([name, id]) => [name, present(tensors.get(id), `output ${name}`)]),
  );
}

/** Opens a reference device. */
export function createReferenceDevice(): Device {
  return new ReferenceDevice();
}
