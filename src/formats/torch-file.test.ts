import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type TorchFileOptions,
  type TorchTensorToSave,
  writeTorchFile,
} from '../../test/write-torch.ts';
import { dequantize } from '../tensor/codecs/codec.ts';
import type { WeightDType } from '../tensor/dtype.ts';
import { openFile } from './files.ts';
import { viewBytes } from './tensor-view.ts';
import { readTorchFile, type TorchTensor } from './torch-file.ts';

const golden = resolve(import.meta.dirname, '..', '..', 'test', 'golden', 'torch');
let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'corral-torch-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function withFile<T>(
  path: string,
  work: (tensors: Map<string, TorchTensor>) => Promise<T>,
): Promise<T> {
  const file = await openFile(path);
  try {
    return await work(readTorchFile(file));
  } finally {
    await file.close();
  }
}

async function readBytes(bytes: Uint8Array): Promise<void> {
  const path = join(folder, 'case.pth');
  await writeFile(path, bytes);
  await withFile(path, async () => {});
}

const small = (changes: Partial<TorchTensorToSave> = {}): Record<string, TorchTensorToSave> => ({
  weight: { values: new Float32Array(12), shape: [3, 4], ...changes },
});

describe('a file that torch wrote', () => {
  const expected = JSON.parse(readFileSync(join(golden, 'values.json'), 'utf8')) as Record<
    string,
    { shape: number[]; values: number[] }
  >;

  it('gives the values torch had, whatever their type, strides and storage', () =>
    withFile(join(golden, 'model.pth'), async (tensors) => {
      expect([...tensors.keys()].sort()).toEqual(Object.keys(expected).sort());
      for (const [name, { view, type }] of tensors) {
        if (view === undefined) {
          expect([name, type]).toEqual(['counts', 'torch.LongStorage']);
          continue;
        }
        expect(view.shape, name).toEqual(expected[name]?.shape);
        const bytes = await view.read(0, viewBytes(view));
        const count = view.shape.reduce((a, b) => a * b, 1);
        const values = dequantize(view.dtype as WeightDType, bytes, count);
        expect([...values], name).toEqual(expected[name]?.values);
      }
    }));

  it('gives stretches that begin and end inside elements of a strided tensor', () =>
    withFile(join(golden, 'model.pth'), async (tensors) => {
      const view = tensors.get('permuted')?.view;
      if (view === undefined) throw new Error('no such tensor');
      const whole = await view.read(0, viewBytes(view));
      for (const [offset, length] of [
        [1, 2],
        [3, 10],
        [0, 96],
        [95, 1],
        [40, 0],
      ] as const) {
        expect(await view.read(offset, length)).toEqual(whole.subarray(offset, offset + length));
      }
    }));

  it('of the time before torch 1.6 is refused with the way out', async () => {
    await expect(withFile(join(golden, 'legacy.pth'), async () => {})).rejects.toMatchObject({
      code: 'CORRAL_FORMAT_UNSUPPORTED',
      message: expect.stringContaining('newer torch'),
    });
  });
});

describe('a pickle', () => {
  it.each([
    ['os', 'system'],
    ['builtins', 'eval'],
    ['torch', 'load'],
    ['collections', 'deque'],
  ] as const)('that names %s.%s is refused by that name and never run', async (module, name) => {
    await expect(
      readBytes(writeTorchFile(small(), { intruder: [module, name] })),
    ).rejects.toMatchObject({
      code: 'CORRAL_FORMAT_UNSUPPORTED',
      message: expect.stringContaining(`${module}.${name}`),
    });
  });

  it('wraps parameters and reads all the same', () =>
    expect(readBytes(writeTorchFile(small({ isParameter: true })))).resolves.toBeUndefined());

  it.each<[string, Partial<TorchTensorToSave>]>([
    ['more elements than its storage', { shape: [4, 4] }],
    ['a start too far in its storage', { storageOffset: 1 }],
    ['strides that leave its storage', { strides: [8, 1] }],
    ['repeated elements', { shape: [1000, 1000], strides: [0, 0] }],
    ['an absurd shape', { shape: [2 ** 30, 2 ** 30], strides: [0, 0] }],
    ['fewer strides than axes', { strides: [1] }],
    ['a negative size', { shape: [-3, 4] }],
  ])('with a tensor that claims %s is damaged', async (_, change) => {
    await expect(readBytes(writeTorchFile(small(change)))).rejects.toMatchObject({
      code: 'CORRAL_FORMAT_DAMAGED',
    });
  });

  it.each<[string, number[]]>([
    ['ends before its stop', [0x80, 2, 0x4e]],
    ['takes from an empty stack', [0x80, 2, 0x30, 0x2e]],
    ['recalls what it never stored', [0x80, 2, 0x68, 5, 0x2e]],
    ['appends to a number', [0x80, 2, 0x4b, 1, 0x4b, 1, 0x61, 0x2e]],
    ['closes a tuple that was not opened', [0x80, 2, 0x74, 0x2e]],
    ['uses an opcode of protocol 0', [0x49, 0x31, 0x0a, 0x2e]],
    ['is no dict', [0x80, 2, 0x4e, 0x2e]],
    ['claims a string of 4 GB', [0x80, 2, 0x58, 0xff, 0xff, 0xff, 0xff, 0x2e]],
    ['never ends', [0x80, 2, ...new Array<number>(300_000).fill(0x4e)]],
  ])('that %s is damaged, with the byte', async (_, opcodes) => {
    const bytes = replacePickle(Uint8Array.from(opcodes));
    await expect(readBytes(bytes)).rejects.toMatchObject({
      code: 'CORRAL_FORMAT_DAMAGED',
      message: expect.stringMatching(/at byte \d+/),
    });
  });
});

describe('a zip archive', () => {
  const written = (options?: TorchFileOptions): Buffer =>
    Buffer.from(writeTorchFile(small(), options));

  it.each([
    ['cut off', (bytes: Buffer) => bytes.subarray(0, bytes.length - 30)],
    ['without a first byte', (bytes: Buffer) => bytes.subarray(1)],
    ['with bytes after its end', (bytes: Buffer) => Buffer.concat([bytes, Buffer.alloc(3)])],
    [
      'with 65535 entries claimed',
      (bytes: Buffer) => {
        bytes.writeUInt16LE(0xfffe, bytes.length - 14);
        bytes.writeUInt16LE(0xfffe, bytes.length - 12);
        return bytes;
      },
    ],
  ])('%s is damaged', async (_, damage) => {
    await expect(readBytes(damage(written()))).rejects.toMatchObject({
      code: 'CORRAL_FORMAT_DAMAGED',
    });
  });

  it('with compressed entries is refused by name', async () => {
    const bytes = written();
    const directory = bytes.readUInt32LE(bytes.length - 6);
    bytes.writeUInt16LE(8, directory + 10);
    await expect(readBytes(bytes)).rejects.toMatchObject({
      code: 'CORRAL_FORMAT_UNSUPPORTED',
      message: expect.stringContaining('compression method 8'),
    });
  });

  it('with zip64 sizes that lie about an entry is damaged', async () => {
    const bytes = written({ zip64: true });
    const extra = bytes.lastIndexOf(Buffer.from([1, 0, 24, 0]));
    bytes.writeBigUInt64LE(1n << 40n, extra + 4);
    await expect(readBytes(bytes)).rejects.toMatchObject({ code: 'CORRAL_FORMAT_DAMAGED' });
  });
});

/** A minimal archive around a pickle of our own. */
function replacePickle(pickle: Uint8Array): Uint8Array {
  const name = Buffer.from('a/data.pkl');
  const header = (signature: number, extra: number): Buffer => {
    const bytes = Buffer.alloc(extra);
    bytes.writeUInt32LE(signature);
    return bytes;
  };
  const local = header(0x04034b50, 30);
  local.writeUInt16LE(name.length, 26);
  const central = header(0x02014b50, 46);
  central.writeUInt32LE(pickle.length, 20);
  central.writeUInt32LE(pickle.length, 24);
  central.writeUInt16LE(name.length, 28);
  const end = header(0x06054b50, 22);
  end.writeUInt16LE(1, 8);
  end.writeUInt16LE(1, 10);
  end.writeUInt32LE(46 + name.length, 12);
  end.writeUInt32LE(30 + name.length + pickle.length, 16);
  return Buffer.concat([local, name, pickle, central, name, end]);
}
