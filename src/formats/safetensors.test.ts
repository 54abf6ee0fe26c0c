import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeSafetensorsFile } from '../../test/write-safetensors.ts';
import { openFile } from './files.ts';
import { readSafetensors, type SafetensorsFile } from './safetensors.ts';
import { writeSafetensors, writeShards } from './safetensors-write.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'corral-safetensors-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function read(bytes: Uint8Array): Promise<SafetensorsFile> {
  const path = join(folder, 'case.safetensors');
  await writeFile(path, bytes);
  const file = await openFile(path);
  try {
    return readSafetensors(file);
  } finally {
    await file.close();
  }
}

const tensors = {
  a: { dtype: 'F32', shape: [2, 2], bytes: new Uint8Array(16).fill(1) },
  b: { dtype: 'BF16', shape: [3], bytes: new Uint8Array(6).fill(2) },
};
const entry = (dtype: string, shape: string, from: number, to: number): string =>
  `{"dtype":"${dtype}","shape":${shape},"data_offsets":[${from},${to}]}`;
const a = entry('F32', '[2,2]', 0, 16);
const b = entry('BF16', '[3]', 16, 22);

describe('a safetensors file', () => {
  it('gives each tensor where it lies', async () => {
    const { tensors: found } = await read(writeSafetensorsFile(tensors));
    expect([...found.keys()]).toEqual(['a', 'b']);
    const { type, view } = found.get('b') ?? {};
    expect([type, view?.dtype, view?.shape, view?.region?.length]).toEqual([
      'BF16',
      'bf16',
      [3],
      6,
    ]);
  });

  it('may be padded with spaces, carry metadata, scalars, empty tensors and other types', async () => {
    const header = `{"__metadata__":{"a:b":"\\"c:"},"s":${entry('F16', '[]', 0, 2)},"e":${entry('F32', '[0,9]', 2, 2)},"i":${entry('I64', '[1]', 2, 10)}}   `;
    const data = { x: { dtype: 'U8', shape: [10], bytes: new Uint8Array(10) } };
    const file = await read(writeSafetensorsFile(data, header));
    expect(file.metadata).toEqual({ 'a:b': '"c:' });
    expect(file.tensors.get('s')?.view?.shape).toEqual([]);
    expect(file.tensors.get('i')).toMatchObject({ type: 'I64', view: undefined, shape: [1] });
  });

  it.each<[string, string]>([
    ['a hole between tensors', `{"a":${a},"b":${entry('U8', '[4]', 18, 22)}}`],
    ['overlapping tensors', `{"a":${a},"b":${entry('U8', '[10]', 12, 22)}}`],
    ['bytes that no tensor has', `{"a":${a}}`],
    ['offsets beyond the file', `{"a":${a},"b":${entry('BF16', '[4]', 16, 24)}}`],
    ['offsets that run backwards', `{"a":${a},"b":${entry('BF16', '[3]', 22, 16)}}`],
    ['a shape that contradicts its offsets', `{"a":${a},"b":${entry('BF16', '[2]', 16, 22)}}`],
    [
      'a shape whose product overflows',
      `{"a":${entry('F32', '[4294967296,4294967296]', 0, 16)},"b":${b}}`,
    ],
    ['a negative size', `{"a":${entry('F32', '[-2,-2]', 0, 16)},"b":${b}}`],
    ['a fractional size', `{"a":${entry('F32', '[0.5,8]', 0, 16)},"b":${b}}`],
    ['a name twice', `{"a":${a},"a":${a},"b":${b}}`],
    ['a field twice', `{"a":${a.replace('}', ',"dtype":"F32"}')},"b":${b}}`],
    ['an unknown field', `{"a":${a.replace('}', ',"extra":1}')},"b":${b}}`],
    ['an entry that is no object', `{"a":7,"b":${b}}`],
    ['a list as header', '[1,2,3]'],
    ['no JSON', '{"a":'],
    ['deep nesting', `{"a":${'['.repeat(100_000)}`],
    ['metadata of numbers', `{"__metadata__":{"x":1},"a":${a},"b":${b}}`],
  ])('with %s is damaged', async (_, header) => {
    await expect(read(writeSafetensorsFile(tensors, header))).rejects.toMatchObject({
      code: 'CORRAL_FORMAT_DAMAGED',
    });
  });

  it('with a type nobody knows is refused by that name', async () => {
    const header = `{"a":${entry('F4_E2M1', '[32]', 0, 16)},"b":${b}}`;
    await expect(read(writeSafetensorsFile(tensors, header))).rejects.toMatchObject({
      code: 'CORRAL_DTYPE_UNSUPPORTED',
      message: expect.stringContaining('F4_E2M1'),
    });
  });

  it.each([0n, 1n << 40n, (1n << 64n) - 1n])(
    'with a header length of %i is damaged',
    async (length) => {
      const bytes = writeSafetensorsFile(tensors);
      bytes.writeBigUInt64LE(length);
      await expect(read(bytes)).rejects.toMatchObject({ code: 'CORRAL_FORMAT_DAMAGED' });
    },
  );
});

describe('writeSafetensors', () => {
  const tensor = (name: string, size: number) => ({
    name,
    dtype: 'f16' as const,
    shape: [size],
    write: (sink: { write(bytes: Uint8Array): Promise<void> }) =>
      sink.write(new Uint8Array(2 * size).fill(size)),
  });

  it('writes what the reader reads, with data at a multiple of 8', async () => {
    const path = join(folder, 'written.safetensors');
    await writeSafetensors(path, [tensor('x', 3), tensor('y', 5)]);
    const file = await openFile(path);
    const { tensors: found, metadata } = readSafetensors(file);
    expect(metadata).toEqual({ format: 'pt' });
    expect((found.get('x')?.view?.region?.offset ?? 1) % 8).toBe(0);
    expect(await found.get('y')?.view?.read(0, 10)).toEqual(new Uint8Array(10).fill(5));
    await file.close();
  });

  it('leaves nothing behind when a tensor fails', async () => {
    const path = join(folder, 'failed.safetensors');
    const failing = { ...tensor('x', 3), write: () => Promise.reject(new Error('no disk')) };
    await expect(writeSafetensors(path, [failing])).rejects.toThrow('no disk');
    await expect(openFile(path)).rejects.toMatchObject({ code: 'CORRAL_FILE_NOT_FOUND' });
  });

  it('cuts a model into shards no larger than asked, named as Hugging Face names them', async () => {
    const total = await writeShards(folder, [tensor('x', 30), tensor('y', 5), tensor('z', 9)], 60);
    expect(total).toBe(88);
    const index = JSON.parse(await readFile(join(folder, 'model.safetensors.index.json'), 'utf8'));
    expect(index).toEqual({
      metadata: { total_size: 88 },
      weight_map: {
        x: 'model-00001-of-00002.safetensors',
        y: 'model-00002-of-00002.safetensors',
        z: 'model-00002-of-00002.safetensors',
      },
    });
  });
});
