// What every device promises whatever it computes with: copies at the call, order, and the refusal
// of buffers it cannot use. The same tests run on each device.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { append } from '../tensor/ops.ts';
import { type Program, ProgramBuilder } from '../tensor/program.ts';
import { availableIsas, createCpuDevice } from './cpu.ts';
import type { Device } from './device.ts';
import { createReferenceDevice } from './reference.ts';

const sizes = { rows: 1, outputs: 1, sequences: 1, pages: 1, adjustments: 1 };

function product(): Program {
  const builder = new ProgramBuilder('product');
  const x = builder.input('x', 'f32', ['rows', 2]);
  builder.output('y', append(builder, 'matmul', [x, builder.weight('w', [1, 2])]));
  return builder.build();
}

function bytesOf(...values: readonly number[]): Uint8Array {
  return new Uint8Array(Float32Array.from(values).buffer);
}

const devices: readonly (readonly [name: string, open: () => Device])[] = [
  ['reference', createReferenceDevice],
  ['cpu', () => createCpuDevice({ threads: 1 })],
];

describe.each(devices)('the %s device', (name, open) => {
  // Only the cpu device needs the native addon.
  describe.skipIf(name === 'cpu' && availableIsas().length === 0)('(as every device)', () => {
    let device: Device;
    beforeAll(() => {
      device = open();
    });
    afterAll(() => device.close());

    it('copies inputs and written bytes at the call', async () => {
      const weight = await device.allocate('f32', [1, 2]);
      const executable = device.compile(product(), { w: weight });
      // A Buffer's own slice() shares its memory; a transferred one has none left.
      const shared = Buffer.from(bytesOf(1, 2));
      const first = device.write(weight, 0, shared);
      shared.fill(0);
      const detached = bytesOf(3);
      const second = device.write(weight, 4, detached);
      structuredClone(detached.buffer, { transfer: [detached.buffer as ArrayBuffer] });
      const x = Float32Array.of(10, 100);
      const run = device.run(executable, { inputs: { x }, sizes, fetch: ['y'] });
      x.fill(0);
      await Promise.all([first, second]);
      expect((await run)['y']).toEqual(Float32Array.of(310));
    });

    it('finishes what was asked before a buffer was freed, and refuses what comes after', async () => {
      const weight = await device.allocate('f32', [1, 2]);
      await device.write(weight, 0, bytesOf(1, 2));
      const executable = device.compile(product(), { w: weight });
      const run = () =>
        device.run(executable, { inputs: { x: Float32Array.of(1, 1) }, sizes, fetch: ['y'] });
      const before = run();
      device.free(weight);
      const after = run();
      expect((await before)['y']).toEqual(Float32Array.of(3));
      await expect(after).rejects.toThrow('Corral bug');
      await expect(device.read(weight, 0, 4)).rejects.toThrow('Corral bug');
    });

    it('refuses buffers that are missing, of another shape or of a type without a kernel', async () => {
      const wide = await device.allocate('f32', [1, 3]);
      expect(() => device.compile(product(), {})).toThrow('a buffer for w is missing');
      expect(() => device.compile(product(), { w: wide })).toThrow('w has shape 1,3, not 1,2');
      const builder = new ProgramBuilder('norm');
      const x = builder.input('x', 'f32', ['rows', 32]);
      const norm = append(builder, 'rms_norm', [x, builder.weight('w', [32])], { eps: 1e-5 });
      builder.output('y', norm);
      const half = await device.allocate('f16', [32]);
      expect(() => device.compile(builder.build(), { w: half })).toThrow(
        expect.objectContaining({ code: 'CORRAL_DEVICE_UNSUPPORTED', data: expect.anything() }),
      );
      await expect(device.allocate('q8_0', [4, 33])).rejects.toThrow('no q8_0 blocks');
      await expect(device.allocate('f32', [0])).rejects.toThrow('shape 0');
    });

    it('refuses rows that attend what comes after them, or an earlier sequence again', async () => {
      const builder = new ProgramBuilder('attention');
      const q = builder.input('q', 'f32', ['rows', 2]);
      const starts = builder.input('starts', 'i32', ['rows']);
      const attributes = { heads: 1, kvHeads: 1, headDim: 2, scale: 1, window: 0 };
      builder.output('out', append(builder, 'self_attention', [q, q, q, starts], attributes));
      const executable = device.compile(builder.build(), {});
      const run = (...rows: number[]) =>
        device.run(executable, {
          inputs: { q: new Float32Array(2 * rows.length), starts: Int32Array.from(rows) },
          sizes: { ...sizes, rows: rows.length },
          fetch: [],
        });
      await run(0, 0, 2);
      const refused = (found: number, allowed: string) => ({
        code: 'CORRAL_INPUT_INVALID',
        data: { op: 'self_attention', found, allowed },
      });
      await expect(run(0, 2, 2)).rejects.toMatchObject(refused(2, '0 to 1'));
      await expect(run(0, 1, 0)).rejects.toMatchObject(refused(0, '1 to 2'));
      await expect(run(-1)).rejects.toMatchObject(refused(-1, '0 to 0'));
    });

    it('refuses sizes and inputs that do not fit, before it computes anything', async () => {
      const weight = await device.allocate('f32', [1, 2]);
      const executable = device.compile(product(), { w: weight });
      const run = (x: Float32Array | Int32Array, rows = 1) =>
        device.run(executable, { inputs: { x }, sizes: { ...sizes, rows }, fetch: [] });
      await expect(run(new Float32Array(3))).rejects.toThrow('3 values for 2');
      await expect(run(new Int32Array(2))).rejects.toThrow('input x is f32');
      await expect(run(new Float32Array(2), -1)).rejects.toThrow('rows is -1');
    });

    it('refuses targets outside of the vocabulary and sequences that start ahead or decrease', async () => {
      const builder = new ProgramBuilder('training');
      const matrix = builder.input('x', 'f32', ['rows', 4]);
      const starts = builder.input('starts', 'i32', ['rows']);
      const targets = builder.input('targets', 'i32', ['rows']);
      const attributes = { heads: 1, kvHeads: 1, headDim: 4, scale: 1, window: 0 };
      const operands = [matrix, matrix, matrix, starts];
      builder.output('y', append(builder, 'self_attention', operands, attributes));
      builder.output('nll', append(builder, 'cross_entropy', [matrix, targets]));
      const executable = device.compile(builder.build(), {});
      const run = (from: readonly number[], ids: readonly number[]) => {
        const x = new Float32Array(12);
        const inputs = { x, starts: Int32Array.from(from), targets: Int32Array.from(ids) };
        return device.run(executable, { inputs, sizes: { ...sizes, rows: 3 }, fetch: ['nll'] });
      };
      const uniform = Math.fround(Math.log(4));
      expect((await run([0, 0, 2], [0, 3, 1]))['nll']).toEqual(
        Float32Array.of(uniform, uniform, uniform),
      );
      const refused = (found: number, allowed: string): object =>
        expect.objectContaining({
          code: 'CORRAL_INPUT_INVALID',
          data: expect.objectContaining({ found, allowed }),
        });
      await expect(run([0, 0, 0], [0, 4, 1])).rejects.toThrow(refused(4, '0 to 3') as Error);
      await expect(run([0, 2, 2], [0, 0, 0])).rejects.toThrow(refused(2, '0 to 1') as Error);
      await expect(run([0, 1, 0], [0, 0, 0])).rejects.toThrow(refused(0, '1 to 2') as Error);
    });
  });
});
