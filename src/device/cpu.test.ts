// What the cpu device promises beyond arithmetic: order, weights written in place, mapped files,
// indices that cannot leave their tensors, and errors that say so.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DType } from '../tensor/dtype.ts';
import { append, appendAll, type OpName } from '../tensor/ops.ts';
import {
  type Attributes,
  type Dim,
  type DimSizes,
  type Program,
  ProgramBuilder,
} from '../tensor/program.ts';
import { availableIsas, createCpuDevice } from './cpu.ts';
import type { Device, DeviceBuffer, HostArray } from './device.ts';

const sizes: DimSizes = { rows: 1, outputs: 1, sequences: 1, pages: 1, adjustments: 1 };

function bytesOf(array: Float32Array): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

function product(k: number, n: number): Program {
  const builder = new ProgramBuilder('product');
  const x = builder.input('x', 'f32', ['rows', k]);
  builder.output('y', append(builder, 'matmul', [x, builder.weight('w', [n, k])]));
  return builder.build();
}

describe.skipIf(availableIsas().length === 0)('the cpu device (skipped without the addon)', () => {
  let device: Device;
  let folder: string;
  beforeAll(() => {
    device = createCpuDevice({ threads: 2 });
    folder = mkdtempSync(join(tmpdir(), 'corral-cpu-'));
  });
  afterAll(async () => {
    await device.close();
    rmSync(folder, { recursive: true });
  });

  async function filled(
    values: readonly number[],
    shape: readonly number[],
  ): Promise<DeviceBuffer> {
    const buffer = await device.allocate('f32', shape);
    await device.write(buffer, 0, bytesOf(Float32Array.from(values)));
    return buffer;
  }

  it('multiplies by what was written last, also when the write was not awaited', async () => {
    const weight = await filled([1, 2, 3, 4], [2, 2]);
    const executable = device.compile(product(2, 2), { w: weight });
    const run = (x: readonly number[]): Promise<Record<string, HostArray>> =>
      device.run(executable, { inputs: { x: Float32Array.from(x) }, sizes, fetch: ['y'] });
    const first = run([1, 10]);
    const written = device.write(weight, 8, bytesOf(Float32Array.of(5, 6)));
    const second = run([1, 10]);
    expect((await first)['y']).toEqual(Float32Array.of(21, 43));
    await written;
    expect((await second)['y']).toEqual(Float32Array.of(21, 65));
  });

  it('lets the caller change inputs as soon as run has returned its promise', async () => {
    const weight = await filled([1, 1], [1, 2]);
    const executable = device.compile(product(2, 1), { w: weight });
    const x = Float32Array.of(3, 4);
    const result = device.run(executable, { inputs: { x }, sizes, fetch: ['y'] });
    x.fill(0);
    expect((await result)['y']).toEqual(Float32Array.of(7));
  });

  it('gives the event loop turns between runs so short that they end within their calls', async () => {
    const weight = await filled([1, 1], [1, 2]);
    const executable = device.compile(product(2, 1), { w: weight });
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    const end = performance.now() + 100;
    while (performance.now() < end) {
      const x = Float32Array.of(3, 4);
      const { y } = await device.run(executable, { inputs: { x }, sizes, fetch: ['y'] });
      expect(y).toEqual(Float32Array.of(7));
    }
    clearInterval(timer);
    expect(turns).toBeGreaterThan(5);
  });

  it('runs what is short beside what is not, in the order of the calls', async () => {
    const short = device.compile(product(2, 1), { w: await filled([1, 1], [1, 2]) });
    const state = await filled([0, 0], [1, 2]);
    const reader = device.compile(product(2, 1), { w: state });
    const run = (which: typeof short, x: readonly number[]): Promise<Record<string, HostArray>> =>
      device.run(which, { inputs: { x: Float32Array.from(x) }, sizes, fetch: ['y'] });
    await run(short, [1, 1]);
    await run(reader, [1, 1]);
    for (let i = 1; i <= 20; i++) {
      const written = device.write(state, 0, bytesOf(Float32Array.of(i, 2 * i)));
      const [seen, other] = await Promise.all([run(reader, [1, 1]), run(short, [i, i])]);
      expect(seen['y']).toEqual(Float32Array.of(3 * i));
      expect(other['y']).toEqual(Float32Array.of(2 * i));
      await written;
    }
  });

  it('keeps outputs readable row by row until the next run', async () => {
    const weight = await filled([2, 0, 0, 3], [2, 2]);
    const executable = device.compile(product(2, 2), { w: weight });
    const x = Float32Array.of(1, 2, 3, 4, 5, 6);
    await device.run(executable, { inputs: { x }, sizes: { ...sizes, rows: 3 }, fetch: [] });
    expect(await device.readOutput(executable, 'y', 1, 2)).toEqual(Float32Array.of(6, 12, 10, 18));
    await expect(device.readOutput(executable, 'y', 2, 2)).rejects.toThrow('outOfBounds');
  });

  it('runs with no rows at all', async () => {
    const weight = await filled([1, 2], [1, 2]);
    const executable = device.compile(product(2, 1), { w: weight });
    const inputs = { x: new Float32Array(0) };
    const run = await device.run(executable, {
      inputs,
      sizes: { ...sizes, rows: 0 },
      fetch: ['y'],
    });
    expect(run['y']).toEqual(new Float32Array(0));
  });

  it('refuses a width of zero, and adds vectors of no elements', async () => {
    const add = (shape: readonly Dim[]): Program => {
      const value = { kind: 'input', dtype: 'f32', shape } as const;
      return {
        name: 'add',
        values: [
          { ...value, id: 0, name: 'x' },
          { ...value, id: 1, name: 'y' },
          { ...value, id: 2, name: 'add', kind: 'computed' },
        ],
        ops: [{ op: 'add', inputs: [0, 1], outputs: [2], attributes: {} }],
        outputs: new Map([['sum', 2]]),
      };
    };
    expect(() => device.compile(add(['rows', 0]), {})).toThrow('compile');
    const inputs = { x: new Float32Array(0), y: new Float32Array(0) };
    const none = { ...sizes, rows: 0 };
    const executable = device.compile(add(['rows']), {});
    const run = await device.run(executable, { inputs, sizes: none, fetch: ['sum'] });
    expect(run['sum']).toEqual(new Float32Array(0));
  });

  it('maps a region at any offset, and writes to it without touching the file', async () => {
    const path = join(folder, 'odd.bin');
    const content = Buffer.alloc(9001);
    for (const [i, value] of [1, 2, 3, 4].entries()) content.writeFloatLE(value, 8985 + 4 * i);
    writeFileSync(path, content);
    const region = { path, offset: 8985, length: 16 };
    const weight = await device.allocate('f32', [2, 2], { region });
    const executable = device.compile(product(2, 2), { w: weight });
    const inputs = { x: Float32Array.of(1, 10) };
    const before = await device.run(executable, { inputs, sizes, fetch: ['y'] });
    expect(before['y']).toEqual(Float32Array.of(21, 43));
    await device.write(weight, 0, bytesOf(Float32Array.of(7)));
    const after = await device.run(executable, { inputs, sizes, fetch: ['y'] });
    expect(after['y']).toEqual(Float32Array.of(27, 43));
    expect(readFileSync(path).equals(content)).toBe(true);
    device.free(weight);
  });

  it('refuses regions that the file does not have', async () => {
    const path = join(folder, 'short.bin');
    writeFileSync(path, Buffer.alloc(100));
    const map = (offset: number, file = path): Promise<DeviceBuffer> =>
      device.allocate('f32', [4, 4], { region: { path: file, offset, length: 64 } });
    await expect(map(37)).rejects.toMatchObject({ code: 'CORRAL_FORMAT_DAMAGED' });
    await expect(map(2 ** 52)).rejects.toMatchObject({ code: 'CORRAL_FORMAT_DAMAGED' });
    await expect(map(0, join(folder, 'absent'))).rejects.toMatchObject({
      code: 'CORRAL_FILE_UNREADABLE',
      data: { reason: 'mapping it failed with ENOENT' },
    });
    await expect(map(0, folder)).rejects.toMatchObject({
      code: 'CORRAL_FILE_UNREADABLE',
      data: { reason: 'mapping it failed with EINVAL' },
    });
    expect((await map(36)).bytes).toBe(64);
  });

  it('says OUT_OF_MEMORY for what no machine has, in buffers and in a run', async () => {
    await expect(device.allocate('f32', [2 ** 24, 2 ** 24])).rejects.toMatchObject({
      code: 'CORRAL_OUT_OF_MEMORY',
      data: { bytes: 2 ** 50 },
    });
    const builder = new ProgramBuilder('wide');
    const logits = builder.input('x', 'f32', ['rows', 1]);
    builder.output('top', appendAll(builder, 'top_k', [logits], { k: 2 ** 30 })[0] ?? logits);
    const executable = device.compile(builder.build(), {});
    const rows = 2 ** 20;
    const inputs = { x: new Float32Array(rows) };
    await expect(
      device.run(executable, { inputs, sizes: { ...sizes, rows }, fetch: [] }),
    ).rejects.toMatchObject({ code: 'CORRAL_OUT_OF_MEMORY' });
  });

  it('says OUT_OF_MEMORY for a result whose bytes are no 64-bit number', async () => {
    const program: Program = {
      name: 'huge',
      values: [
        { id: 0, kind: 'input', name: 'x', dtype: 'f32', shape: ['rows', 1] },
        { id: 1, kind: 'computed', name: 'silu', dtype: 'f32', shape: ['pages', 2 ** 30, 4] },
      ],
      ops: [{ op: 'silu', inputs: [0], outputs: [1], attributes: {} }],
      outputs: new Map(),
    };
    const executable = device.compile(program, {});
    const inputs = { x: new Float32Array(1) };
    // 2^64 bytes: as a 64-bit product none at all.
    const run = device.run(executable, { inputs, sizes: { ...sizes, pages: 2 ** 30 }, fetch: [] });
    await expect(run).rejects.toMatchObject({
      code: 'CORRAL_OUT_OF_MEMORY',
      data: { bytes: 2 ** 64 },
    });
  });

  it('takes no memory for a large cache until it is used', async () => {
    const before = process.memoryUsage().rss;
    const cache = await device.allocate('f16', [2 ** 20, 2048]);
    expect(process.memoryUsage().rss - before).toBeLessThan(200 * 2 ** 20);
    expect(await device.read(cache, cache.bytes - 2, 2)).toEqual(new Uint8Array(2));
    device.free(cache);
  });

  interface IndexCase {
    readonly op: OpName;
    readonly inputs: Readonly<Record<string, readonly [dims: readonly Dim[], data: HostArray]>>;
    readonly states?: Readonly<Record<string, readonly number[]>>;
    readonly order: readonly string[];
    readonly attributes?: Attributes;
    readonly found: number;
    readonly allowed: string;
  }

  const rowIds = (...ids: number[]): readonly [readonly Dim[], Int32Array] => [
    ['rows'],
    Int32Array.from(ids),
  ];
  const attentionCase = (
    fields: { position?: number; sequence?: number; pages?: number[]; window?: number },
    found: number,
    allowed: string,
  ): IndexCase => {
    const { position = 0, sequence = 0, pages = [0, 1], window = 0 } = fields;
    return {
      op: 'attention',
      inputs: {
        q: [['rows', 2], new Float32Array(2)],
        positions: rowIds(position),
        sequence: rowIds(sequence),
        table: [['sequences', 'pages'], Int32Array.from(pages)],
      },
      states: { keys: [8, 2], values: [8, 2] },
      order: ['q', 'keys', 'values', 'positions', 'sequence', 'table'],
      attributes: { heads: 1, kvHeads: 1, headDim: 2, pageSize: 4, scale: 1, window },
      found,
      allowed,
    };
  };
  const adjustment = (row: number, id: number, found: number, allowed: string): IndexCase => ({
    op: 'adjust_logits',
    inputs: {
      logits: [['outputs', 5], new Float32Array(5)],
      where: [['adjustments', 2], Int32Array.of(row, id)],
      how: [['adjustments', 2], Float32Array.of(1, 1)],
    },
    order: ['logits', 'where', 'how'],
    found,
    allowed,
  });
  const x = [['rows', 3], new Float32Array(3)] as const;

  const indexCases: readonly IndexCase[] = [
    {
      op: 'embed',
      inputs: { ids: rowIds(7) },
      states: { t: [7, 3] },
      order: ['t', 'ids'],
      found: 7,
      allowed: '0 to 6',
    },
    {
      op: 'embed',
      inputs: { ids: rowIds(-1) },
      states: { t: [7, 3] },
      order: ['t', 'ids'],
      found: -1,
      allowed: '0 to 6',
    },
    {
      op: 'take_rows',
      inputs: { x, ids: rowIds(1) },
      order: ['x', 'ids'],
      found: 1,
      allowed: '0 to 0',
    },
    { op: 'pick', inputs: { x, ids: rowIds(3) }, order: ['x', 'ids'], found: 3, allowed: '0 to 2' },
    {
      op: 'cache_write',
      inputs: { x, slots: rowIds(9) },
      states: { c: [9, 3] },
      order: ['x', 'c', 'slots'],
      found: 9,
      allowed: '0 to 8',
    },
    {
      op: 'rope_table',
      inputs: { p: rowIds(5), s: rowIds(1), f: [['sequences', 2], new Float32Array(2)] },
      order: ['p', 's', 'f'],
      attributes: { scale: 1 },
      found: 1,
      allowed: '0 to 0',
    },
    attentionCase({ position: 8 }, 8, '0 to 7'),
    attentionCase({ position: -1 }, -1, '0 to 7'),
    attentionCase({ sequence: 1 }, 1, '0 to 0'),
    attentionCase({ position: 4, pages: [0, 2] }, 2, '0 to 1'),
    attentionCase({ position: 7, pages: [-1, 1] }, -1, '0 to 1'),
    attentionCase({ position: 7, pages: [-1, 2], window: 4 }, 2, '0 to 1'),
    adjustment(1, 0, 1, '0 to 0'),
    adjustment(0, 5, 5, '0 to 4'),
    adjustment(0, -7, -7, '0 to 4'),
  ];

  it.each(indexCases)('refuses index $found for $op', async (row) => {
    const { op, inputs, states = {}, order, attributes = {}, found, allowed } = row;
    const builder = new ProgramBuilder('indices');
    const values = new Map(
      Object.entries(inputs).map(([name, [dims, data]]) => {
        const dtype: DType = data instanceof Int32Array ? 'i32' : 'f32';
        return [name, builder.input(name, dtype, dims)];
      }),
    );
    const buffers: Record<string, DeviceBuffer> = {};
    for (const [name, shape] of Object.entries(states)) {
      values.set(name, builder.state(name, shape));
      buffers[name] = await device.allocate('f32', shape);
    }
    const operands = order.flatMap((name) => values.get(name) ?? []);
    for (const [i, made] of appendAll(builder, op, operands, attributes).entries()) {
      builder.output(`out${i}`, made);
    }
    const executable = device.compile(builder.build(), buffers);
    const data = Object.fromEntries(
      Object.entries(inputs).map(([name, [, array]]) => [name, array]),
    );
    const run = device.run(executable, {
      inputs: data,
      sizes: { ...sizes, pages: op === 'attention' ? 2 : 1 },
      fetch: [],
    });
    await expect(run).rejects.toMatchObject({
      code: 'CORRAL_INPUT_INVALID',
      data: { op, found, allowed },
    });
  });

  it('refuses what it has no kernel for, by name', async () => {
    const builder = new ProgramBuilder('norm');
    const input = builder.input('x', 'f32', ['rows', 32]);
    const norm = append(builder, 'rms_norm', [input, builder.weight('w', [32])], { eps: 1e-5 });
    builder.output('y', norm);
    const half = await device.allocate('f16', [32]);
    expect(() => device.compile(builder.build(), { w: half })).toThrow('rms_norm with f16');
    expect(device.supports('matmul', 'q4_k')).toBe(true);
    expect(device.supports('attention', 'q4_k')).toBe(false);
  });

  it('refuses a thread count or instruction set that makes no sense', () => {
    for (const threads of [0, -1, 1.5, Number.NaN, 1000]) {
      expect(() => createCpuDevice({ threads })).toThrow(
        expect.objectContaining({ code: 'CORRAL_OPTION_INVALID' }),
      );
    }
    expect(() => createCpuDevice({ isa: 'mmx' })).toThrow(
      expect.objectContaining({ code: 'CORRAL_ISA_UNSUPPORTED' }),
    );
  });
});
