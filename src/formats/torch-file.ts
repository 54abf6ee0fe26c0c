// Files of torch.save (zip archives since torch 1.6): names and tensors of a state dict, read as data.
// Every storage is checked against its entry, every tensor against its storage, so no file can claim
// more than it holds. Knows nothing of models.
import { errors } from '../base/errors.ts';
import type { DType } from '../tensor/dtype.ts';
import type { SourceFile } from './files.ts';
import {
  PickleCall,
  PickleDict,
  PickleGlobal,
  PicklePersistent,
  PickleTuple,
  type PickleValue,
  readPickle,
} from './pickle.ts';
import { fileView, stridedView, type TensorView } from './tensor-view.ts';
import { readZipDirectory, type ZipEntry } from './zip.ts';

// The pickle of a 70B shard takes 100 KB.
const MAX_PICKLE_BYTES = 32 * 2 ** 20;
const MAX_AXES = 8;

interface StorageType {
  readonly bytes: number;
  readonly dtype?: DType;
}

const storageTypes: Readonly<Record<string, StorageType>> = {
  'torch.FloatStorage': { bytes: 4, dtype: 'f32' },
  'torch.HalfStorage': { bytes: 2, dtype: 'f16' },
  'torch.BFloat16Storage': { bytes: 2, dtype: 'bf16' },
  'torch.IntStorage': { bytes: 4, dtype: 'i32' },
  'torch.DoubleStorage': { bytes: 8 },
  'torch.LongStorage': { bytes: 8 },
  'torch.ComplexFloatStorage': { bytes: 8 },
  'torch.ShortStorage': { bytes: 2 },
  'torch.CharStorage': { bytes: 1 },
  'torch.ByteStorage': { bytes: 1 },
  'torch.BoolStorage': { bytes: 1 },
};

const rebuildTensor = 'torch._utils._rebuild_tensor_v2';
const rebuildParameter = 'torch._utils._rebuild_parameter';
const knownGlobals = new Set([rebuildTensor, rebuildParameter, ...Object.keys(storageTypes)]);

/** A tensor of a torch file. Types Corral cannot compute with are listed but not readable. */
export interface TorchTensor {
  readonly view: TensorView | undefined;
  readonly type: string;
}

/**
 * The tensors of a state dict by name; a dict inside a top-level `model` or `state_dict` counts too.
 * Throws FORMAT_DAMAGED or FORMAT_UNSUPPORTED; never runs anything.
 */
export function readTorchFile(file: SourceFile): Map<string, TorchTensor> {
  checkNotLegacy(file);
  const entries = readZipDirectory(file);
  const pickle = [...entries.values()].find((entry) => /^[^/]+\/data\.pkl$/.test(entry.name));
  if (pickle === undefined) {
    throw errors.FORMAT_UNSUPPORTED({
      path: file.path,
      feature: 'a zip archive without data.pkl',
      allowed: 'archives of torch.save (1.6 or newer)',
    });
  }
  const archive: Archive = {
    file,
    entries,
    prefix: pickle.name.slice(0, -'data.pkl'.length),
    pickle,
  };
  checkByteOrder(archive);
  if (pickle.size > MAX_PICKLE_BYTES) {
    throw damaged(archive, `a pickle of at most ${MAX_PICKLE_BYTES} bytes`, `${pickle.size}`);
  }
  const root = readPickle(file, {
    start: pickle.offset,
    size: pickle.size,
    isAllowed: (name) => knownGlobals.has(name),
    allowed: 'state dicts of plain tensors, as torch.save(model.state_dict()) writes them',
  });
  const tensors = new Map<string, TorchTensor>();
  for (const [name, value] of stateDictOf(archive, root)) {
    if (!(value instanceof PickleCall)) continue; // step counters and the like
    tensors.set(String(name), readTensor(archive, value));
  }
  return tensors;
}

interface Archive {
  readonly file: SourceFile;
  readonly entries: ReadonlyMap<string, ZipEntry>;
  readonly prefix: string;
  readonly pickle: ZipEntry;
}

function checkNotLegacy(file: SourceFile): void {
  const start = file.readSync(0, Math.min(16, file.size));
  // Protocol 2, then torch's magic number as a long of ten bytes.
  const legacy = [0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9];
  if (legacy.every((byte, i) => start[i] === byte)) {
    throw errors.FORMAT_UNSUPPORTED({
      path: file.path,
      feature: 'the torch.save format from before torch 1.6',
      allowed: 'zip archives of torch.save: load and save the file once with a newer torch',
    });
  }
}

function checkByteOrder({ file, entries, prefix }: Archive): void {
  const entry = entries.get(`${prefix}byteorder`);
  if (entry === undefined || entry.size > 16) return;
  const order = new TextDecoder().decode(file.readSync(entry.offset, entry.size));
  if (order !== 'little') {
    throw errors.FORMAT_UNSUPPORTED({
      path: file.path,
      feature: `${JSON.stringify(order)} byte order`,
      allowed: 'little',
    });
  }
}

function stateDictOf(archive: Archive, root: PickleValue): Map<string | number, PickleValue> {
  if (root instanceof PickleDict) {
    for (const key of ['model', 'state_dict']) {
      const inner = root.entries.get(key);
      if (inner instanceof PickleDict) return inner.entries;
    }
    return root.entries;
  }
  throw damaged(archive, 'a dict of tensors', 'another value');
}

function readTensor(archive: Archive, call: PickleCall): TorchTensor {
  const inner = call.name === rebuildParameter ? call.args[0] : call;
  if (!(inner instanceof PickleCall) || inner.name !== rebuildTensor) {
    throw damaged(archive, 'a tensor', 'another value');
  }
  const [persistent, offset, size, stride] = inner.args;
  const storage = readStorage(archive, persistent);
  const shape = wholeNumbers(archive, size);
  const strides = wholeNumbers(archive, stride);
  if (shape.length !== strides.length || shape.length > MAX_AXES) {
    throw damaged(archive, `as many strides as axes, at most ${MAX_AXES}`, `${strides.length}`);
  }
  const start = wholeNumber(archive, offset);
  const count = shape.reduce((product, axis) => product * axis, 1);
  const last = shape.reduce((sum, axis, i) => sum + (axis - 1) * (strides[i] as number), start);
  // Repeated elements (stride 0) would let a small storage claim a large tensor.
  if (count > storage.elements || (count > 0 && last >= storage.elements)) {
    throw damaged(
      archive,
      `a tensor inside a storage of ${storage.elements} elements`,
      `shape [${shape.join(', ')}], strides [${strides.join(', ')}] from ${start}`,
    );
  }
  const { dtype, type } = storage;
  if (dtype === undefined) return { view: undefined, type };
  const place = { dtype, shape, offset: storage.offset + start * storage.bytes };
  const view = isContiguous(shape, strides)
    ? fileView(archive.file, place)
    : stridedView(archive.file, { ...place, strides });
  return { view, type };
}

interface Storage {
  readonly type: string;
  readonly dtype: DType | undefined;
  readonly bytes: number;
  readonly offset: number;
  readonly elements: number;
}

function readStorage(archive: Archive, persistent: PickleValue | undefined): Storage {
  const id = persistent instanceof PicklePersistent ? persistent.id : undefined;
  const [kind, global, key, , elements] = id instanceof PickleTuple ? id.items : [];
  const type = global instanceof PickleGlobal ? storageTypes[global.name] : undefined;
  if (kind !== 'storage' || type === undefined || typeof key !== 'string') {
    throw damaged(archive, 'a reference to a storage', 'another value');
  }
  const entry = archive.entries.get(`${archive.prefix}data/${key}`);
  if (entry === undefined) {
    throw damaged(archive, `an entry for storage ${JSON.stringify(key.slice(0, 40))}`, 'none');
  }
  const count = wholeNumber(archive, elements);
  if (count * type.bytes !== entry.size) {
    throw damaged(archive, `${count} elements in storage ${key}`, `${entry.size} bytes`);
  }
  return {
    type: (global as PickleGlobal).name,
    dtype: type.dtype,
    bytes: type.bytes,
    offset: entry.offset,
    elements: count,
  };
}

function wholeNumbers(archive: Archive, value: PickleValue | undefined): number[] {
  if (!(value instanceof PickleTuple)) throw damaged(archive, 'a tuple of sizes', 'another value');
  return value.items.map((item) => wholeNumber(archive, item));
}

function wholeNumber(archive: Archive, value: PickleValue | undefined): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw damaged(
    archive,
    'a whole number',
    String(typeof value === 'number' ? value : typeof value),
  );
}

function isContiguous(shape: readonly number[], strides: readonly number[]): boolean {
  let expected = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (shape[axis] !== 1 && strides[axis] !== expected) return false;
    expected *= shape[axis] as number;
  }
  return true;
}

function damaged({ file, pickle }: Archive, expected: string, found: string): Error {
  return errors.FORMAT_DAMAGED({ path: file.path, offset: pickle.offset, expected, found });
}
