// Packed weights from one device to the next: the same bits whether packed or mapped, for every type, and
// whatever has happened to the file between.
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { random } from '../base/random.ts';
import { PackedStore } from '../store/packed-store.ts';
import { quantize } from '../tensor/codecs/codec.ts';
import { rowBytes, type WeightDType } from '../tensor/dtype.ts';
import { append } from '../tensor/ops.ts';
import { ProgramBuilder } from '../tensor/program.ts';
import { availableIsas, createCpuDevice } from './cpu.ts';
import type { Device, DeviceBuffer } from './device.ts';

const sizes = { rows: 2, outputs: 1, sequences: 1, pages: 1, adjustments: 1 };
const columns = 512;
const types = ['q4_0', 'q4_1', 'q5_0', 'q5_1', 'q8_0', 'q4_k', 'q5_k', 'q6_k'] as const;

let home: string;
let source: string;
let told: string[];

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'corral-keeper-'));
  source = join(home, 'weights.bin');
  told = [];
});

afterEach(() => rmSync(home, { recursive: true, force: true }));

function numbers(count: number, seed: number): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => 2 * random(seed, 0, i) - 1);
}

// A few rows of each type, quantised once: searching for scales takes its time.
const rowsOf = types.map((type, i) => {
  const rows = Array.from({ length: 7 }, (_, row) => numbers(columns, 10 * i + row));
  return rows.map((row) => quantize(type, row));
});

/** Writes a matrix of each type behind the other; returns where each begins. */
function writeSource(rows: number, path = source, seed = 0): readonly number[] {
  const row = (i: number) => (5 * i + seed) % 7;
  const parts = rowsOf.map((made) =>
    Buffer.concat(Array.from({ length: rows }, (_, i) => made[row(i)] as Uint8Array)),
  );
  writeFileSync(path, Buffer.concat(parts));
  let at = 0;
  return parts.map((part) => {
    at += part.length;
    return at - part.length;
  });
}

function open(
  options: {
    readonly keeps?: boolean;
    readonly smallestBytes?: number;
    readonly signal?: AbortSignal;
  } = {},
): Device {
  const { keeps = true, ...cache } = options;
  const store = new PackedStore({ store: home, spareBytes: 0 });
  const packCache = { store, smallestBytes: 0, ...cache };
  const logger = { warn: (line: string) => void told.push(line), debug: () => {} };
  return createCpuDevice({ threads: 2, logger, ...(keeps ? { packCache } : {}) });
}

/** A product with each matrix of the file, on a device that is then closed. */
async function compute(
  device: Device,
  rows: number,
  {
    path = source,
    outputs = 1,
    before = async () => {},
  }: {
    readonly path?: string;
    readonly outputs?: number;
    readonly before?: (matrices: readonly DeviceBuffer[]) => Promise<void>;
  } = {},
): Promise<Record<string, unknown>> {
  try {
    const builder = new ProgramBuilder('products');
    const x = builder.input('x', 'f32', ['rows', columns]);
    const buffers: Record<string, DeviceBuffer> = {};
    let offset = 0;
    for (const type of types) {
      const length = rows * rowBytes(type, columns);
      const region = { path, offset, length };
      buffers[type] = await device.allocate(type, [rows, columns], { region });
      builder.output(type, append(builder, 'matmul', [x, builder.weight(type, [rows, columns])]));
      offset += length;
    }
    await before(Object.values(buffers));
    const executable = device.compile(builder.build(), buffers, { activations: 'int8' });
    return await device.run(executable, {
      inputs: { x: numbers(2 * columns, 99) },
      sizes: { ...sizes, outputs },
      fetch: types,
    });
  } finally {
    await device.close();
  }
}

function kept(): string[] {
  const folder = join(home, 'packed');
  return existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : [];
}

function onlyKept(): string {
  expect(kept()).toHaveLength(1);
  return kept()[0] as string;
}

describe.skipIf(availableIsas().length === 0)(
  'packed weights on disk (skipped without the addon)',
  () => {
    it.each([48, 37])('give the bits of freshly packed ones, with %i rows', async (rows) => {
      writeSource(rows);
      const expected = await compute(open({ keeps: false }), rows);
      expect(await compute(open(), rows)).toEqual(expected);
      const { ino } = statSync(onlyKept());
      expect(await compute(open(), rows)).toEqual(expected);
      expect(statSync(onlyKept()).ino).toBe(ino);
      expect(told).toEqual([]);
    });

    it('are what the second device computes with, not the matrices', async () => {
      const other = join(home, 'other.bin');
      writeSource(32);
      writeSource(32, other, 1);
      const expected = await compute(open(), 32);
      // The panels of the one file under the name of the other.
      const store = new PackedStore({ store: home, spareBytes: 0 });
      const ours = await store.find(source, 1);
      const bytes = readFileSync(ours.path);
      await store.keep(await store.find(other, 1), ours.tensors, {
        pieceBytes: 2 ** 20,
        read: async (index, offset, length) => {
          const start = (ours.tensors[index]?.offset ?? 0) + offset;
          return bytes.subarray(start, start + length);
        },
      });
      expect(await compute(open(), 32, { path: other })).toEqual(expected);
    });

    it('take no more than 12 % beyond what the matrices take in the file', async () => {
      const rows = 64;
      const offsets = writeSource(rows);
      await compute(open(), rows);
      const { tensors } = await new PackedStore({ store: home }).find(source, 1);
      expect(tensors.map(({ dtype, at }) => [dtype, at])).toEqual(
        types.map((type, i) => [type, offsets[i]]),
      );
      for (const { dtype, bytes } of tensors) {
        const inFile = rows * rowBytes(dtype as WeightDType, columns);
        expect({ dtype, isWithin: bytes <= 1.12 * inFile }).toEqual({ dtype, isWithin: true });
      }
    });

    it.each<[what: string, place: (size: number) => number]>([
      ['first panels', () => 4096],
      ['last byte', (size) => size - 1],
    ])('are packed anew where a bit of their %s has flipped, in one line', async (_, place) => {
      writeSource(48);
      const expected = await compute(open(), 48);
      const path = onlyKept();
      const sound = readFileSync(path);
      const damaged = Buffer.from(sound);
      const at = place(sound.length);
      damaged[at] = (damaged[at] ?? 0) ^ 16;
      writeFileSync(path, damaged);
      expect(await compute(open(), 48)).toEqual(expected);
      expect(told).toEqual([expect.stringMatching(/^what was kept of weights\.bin .*checksums/)]);
      expect(readFileSync(onlyKept()).equals(sound)).toBe(true);
      expect(await compute(open(), 48)).toEqual(expected);
      expect(told).toHaveLength(1);
    });

    it('are packed anew where two blocks have changed places', async () => {
      writeSource(272);
      const expected = await compute(open(), 272);
      const path = onlyKept();
      const bytes = readFileSync(path);
      // q4_0: sixteen rows take 288 bytes for each 32 columns; the first panel of each piece of eight.
      const [from, to] = [4096, 4096 + 8 * 16 * 288];
      const first = Buffer.from(bytes.subarray(from, from + 288));
      bytes.copyWithin(from, to, to + 288);
      first.copy(bytes, to);
      writeFileSync(path, bytes);
      expect(await compute(open(), 272)).toEqual(expected);
      expect(told).toHaveLength(1);
    });

    it('are those of the new file where a model was replaced under its name', async () => {
      writeSource(32);
      await compute(open(), 32);
      writeSource(32, source, 2);
      const expected = await compute(open({ keeps: false }), 32);
      expect(await compute(open(), 32)).toEqual(expected);
      expect(await compute(open(), 32)).toEqual(expected);
      expect(told).toEqual([]);
      onlyKept();
    });

    it('are not kept of weights that were written to, and not used for them', async () => {
      writeSource(32);
      const zeros = (device: Device) => ({
        before: async (matrices: readonly DeviceBuffer[]): Promise<void> => {
          for (const each of matrices) await device.write(each, 0, new Uint8Array(each.bytes));
        },
      });
      const first = open();
      const written = await compute(first, 32, zeros(first));
      expect(kept()).toEqual([]);
      const nothing = new Float32Array(2 * 32);
      expect(written).toEqual(Object.fromEntries(types.map((type) => [type, nothing])));
      await compute(open(), 32);
      const second = open();
      expect(await compute(second, 32, zeros(second))).toEqual(written);
      expect(told).toEqual([]);
    });

    it('wait for a result, and are not worth a file when they are few', async () => {
      writeSource(32);
      await compute(open(), 32, { outputs: 0 });
      await compute(open({ smallestBytes: 2 ** 20 }), 32);
      expect(kept()).toEqual([]);
    });

    it('are not written once the signal has come, and the device closes all the same', async () => {
      writeSource(32);
      await compute(open({ signal: AbortSignal.abort() }), 32);
      expect(kept()).toEqual([]);
    });

    it('cost one line where they cannot be kept, and no result', async () => {
      writeSource(32);
      const expected = await compute(open({ keeps: false }), 32);
      writeFileSync(join(home, 'packed'), 'in the way');
      expect(await compute(open(), 32)).toEqual(expected);
      expect(told).toHaveLength(1);
    });
  },
);
