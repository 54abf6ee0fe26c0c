// Writes what torch.save would: a zip of stored entries around a protocol-2 pickle. Written from the
// formats' documents, not from the reader, and small: for tests that need shards and odd strides.

/** A tensor to save; `values` hold the storage, `strides` default to contiguous. */
export interface TorchTensorToSave {
  readonly values: Float32Array;
  readonly shape: readonly number[];
  readonly strides?: readonly number[];
  readonly storageOffset?: number;
  readonly isParameter?: boolean;
}

/** How the file is written. */
export interface TorchFileOptions {
  /** Zip64 records and sizes after the data, as some writers do. */
  readonly zip64?: boolean;
  /** A pickled global that is called before the dict is filled. */
  readonly intruder?: readonly [module: string, name: string];
}

/** The bytes of a state dict. */
export function writeTorchFile(
  tensors: Readonly<Record<string, TorchTensorToSave>>,
  options: TorchFileOptions = {},
): Uint8Array {
  const entries: [string, Uint8Array][] = [
    ['archive/data.pkl', writePickle(tensors, options)],
    ['archive/byteorder', Buffer.from('little')],
  ];
  for (const [index, { values }] of Object.values(tensors).entries()) {
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    entries.push([`archive/data/${index}`, bytes]);
  }
  entries.push(['archive/version', Buffer.from('3\n')]);
  return writeZip(entries, options.zip64 ?? false);
}

function writePickle(
  tensors: Readonly<Record<string, TorchTensorToSave>>,
  { intruder }: TorchFileOptions,
): Uint8Array {
  const parts: Uint8Array[] = [];
  const raw = (...bytes: number[]): void => void parts.push(Uint8Array.from(bytes));
  const text = (value: string): void => void parts.push(Buffer.from(value));
  const global = (module: string, name: string): void => text(`c${module}\n${name}\n`);
  const string = (value: string): void => {
    const bytes = Buffer.from(value);
    raw(0x58, ...u32(bytes.length));
    parts.push(bytes);
  };
  const whole = (value: number): void => raw(0x4a, ...u32(value));
  const tuple = (values: readonly number[]): void => {
    raw(0x28);
    for (const value of values) whole(value);
    raw(0x74);
  };
  raw(0x80, 2);
  global('collections', 'OrderedDict');
  text(')Rq\x00');
  if (intruder !== undefined) {
    global(...intruder);
    text('(');
    string('touch /tmp/corral-was-here');
    text('tR0');
  }
  text('(');
  for (const [index, [name, tensor]] of Object.entries(tensors).entries()) {
    const { values, shape, storageOffset = 0, isParameter = false } = tensor;
    string(name);
    if (isParameter) {
      global('torch._utils', '_rebuild_parameter');
      text('(');
    }
    global('torch._utils', '_rebuild_tensor_v2');
    text('((');
    string('storage');
    global('torch', 'FloatStorage');
    string(`${index}`);
    string('cpu');
    whole(values.length);
    text('tQ');
    whole(storageOffset);
    tuple(shape);
    tuple(tensor.strides ?? contiguousStrides(shape));
    raw(0x89);
    global('collections', 'OrderedDict');
    text(')RtR');
    if (isParameter) {
      raw(0x88);
      global('collections', 'OrderedDict');
      text(')RtR');
    }
  }
  text('u.');
  return Buffer.concat(parts);
}

function contiguousStrides(shape: readonly number[]): number[] {
  return shape.map((_, axis) => shape.slice(axis + 1).reduce((a, b) => a * b, 1));
}

function writeZip(entries: readonly (readonly [string, Uint8Array])[], zip64: boolean): Uint8Array {
  const parts: Uint8Array[] = [];
  const central: Uint8Array[] = [];
  let offset = 0;
  const put = (list: Uint8Array[], ...bytes: Uint8Array[]): void => {
    for (const part of bytes) {
      list.push(part);
      if (list === parts) offset += part.length;
    }
  };
  for (const [name, data] of entries) {
    const nameBytes = Buffer.from(name);
    const start = offset;
    // Sizes after the data (flag 3) leave zeros in the local header.
    const flags = zip64 ? 8 : 0;
    const sizes = zip64 ? [0, 0] : [data.length, data.length];
    const padding = 7; // torch pads so that data are aligned; readers must use this length
    put(parts, bytesOf([0x04034b50, 4], [20, 2], [flags, 2], [0, 2], [0, 4], [0, 4]));
    put(
      parts,
      bytesOf([sizes[0] ?? 0, 4], [sizes[1] ?? 0, 4], [nameBytes.length, 2], [padding, 2]),
    );
    put(parts, nameBytes, Buffer.from('FB\x03\x00ZZZ'), data);
    if (zip64) put(parts, bytesOf([0x08074b50, 4], [0, 4], [data.length, 8], [data.length, 8]));
    const [size, at] = zip64 ? [0xffffffff, 0xffffffff] : [data.length, start];
    const extra = zip64
      ? bytesOf([1, 2], [24, 2], [data.length, 8], [data.length, 8], [start, 8])
      : new Uint8Array(0);
    put(central, bytesOf([0x02014b50, 4], [20, 2], [20, 2], [flags, 2], [0, 2], [0, 4], [0, 4]));
    put(central, bytesOf([size, 4], [size, 4], [nameBytes.length, 2], [extra.length, 2], [0, 2]));
    put(central, bytesOf([0, 2], [0, 2], [0, 4], [at, 4]), nameBytes, extra);
  }
  const directory = Buffer.concat(central);
  const directoryAt = offset;
  const count = entries.length;
  const end: Uint8Array[] = [];
  if (zip64) {
    end.push(bytesOf([0x06064b50, 4], [44, 8], [45, 2], [45, 2], [0, 4], [0, 4], [count, 8]));
    end.push(bytesOf([count, 8], [directory.length, 8], [directoryAt, 8]));
    end.push(bytesOf([0x07064b50, 4], [0, 4], [directoryAt + directory.length, 8], [1, 4]));
    end.push(bytesOf([0x06054b50, 4], [0, 2], [0, 2], [0xffff, 2], [0xffff, 2]));
    end.push(bytesOf([0xffffffff, 4], [0xffffffff, 4], [0, 2]));
  } else {
    end.push(bytesOf([0x06054b50, 4], [0, 2], [0, 2], [count, 2], [count, 2]));
    end.push(bytesOf([directory.length, 4], [directoryAt, 4], [0, 2]));
  }
  return Buffer.concat([...parts, directory, ...end]);
}

function u32(value: number): number[] {
  return [...bytesOf([value, 4])];
}

function bytesOf(...fields: readonly (readonly [value: number, width: number])[]): Uint8Array {
  return Uint8Array.from(
    fields.flatMap(([value, width]) =>
      Array.from({ length: width }, (_, i) => Math.floor(value / 256 ** i) % 256),
    ),
  );
}
