// How runs end early and devices go away: abort, close in mid-run, threads and processes that end,
// handles that are forgotten. Nothing here may crash, hang or keep memory.
import { spawnSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Worker } from 'node:worker_threads';
import { afterEach, describe, expect, it } from 'vitest';
import { append } from '../tensor/ops.ts';
import { type DimSizes, ProgramBuilder, type Value } from '../tensor/program.ts';
import { availableIsas, createCpuDevice } from './cpu.ts';
import type { Device, Executable, HostArray } from './device.ts';

const sizes: DimSizes = { rows: 512, outputs: 1, sequences: 1, pages: 1, adjustments: 1 };
const width = 512;

// Many seconds of work, so that whatever stops it stops it in the middle.
const longLength = 3000;

async function compileLong(device: Device, length: number): Promise<Executable> {
  const builder = new ProgramBuilder('long');
  let value: Value = builder.input('x', 'f32', ['rows', width]);
  const weight = builder.weight('w', [width, width]);
  for (let i = 0; i < length; i++) value = append(builder, 'matmul', [value, weight]);
  builder.output('y', value);
  const buffer = await device.allocate('f32', [width, width]);
  return device.compile(builder.build(), { w: buffer });
}

function start(
  device: Device,
  executable: Executable,
  signal?: AbortSignal,
): Promise<Record<string, HostArray>> {
  const inputs = { x: new Float32Array(sizes.rows * width) };
  return device.run(executable, {
    inputs,
    sizes,
    fetch: ['y'],
    ...(signal === undefined ? {} : { signal }),
  });
}

const devicePath = pathToFileURL(new URL('cpu.ts', import.meta.url).pathname).href;

// The same long run, for another thread or process.
const longRun = `
  const { createCpuDevice } = await import(${JSON.stringify(devicePath)});
  const { ProgramBuilder } = await import(new URL('../tensor/program.ts', ${JSON.stringify(devicePath)}).href);
  const { append } = await import(new URL('../tensor/ops.ts', ${JSON.stringify(devicePath)}).href);
  const device = createCpuDevice({ threads: 2 });
  const builder = new ProgramBuilder('long');
  let value = builder.input('x', 'f32', ['rows', ${width}]);
  const weight = builder.weight('w', [${width}, ${width}]);
  for (let i = 0; i < ${longLength}; i++) value = append(builder, 'matmul', [value, weight]);
  builder.output('y', value);
  const buffer = await device.allocate('f32', [${width}, ${width}]);
  const executable = device.compile(builder.build(), { w: buffer });
  const run = device.run(executable, {
    inputs: { x: new Float32Array(512 * ${width}) },
    sizes: { rows: 512, outputs: 1, sequences: 1, pages: 1, adjustments: 1 },
    fetch: ['y'],
  });
`;

describe.skipIf(availableIsas().length === 0)('a cpu device (skipped without the addon)', () => {
  const opened: Device[] = [];
  const open = (): Device => {
    const device = createCpuDevice({ threads: 2 });
    opened.push(device);
    return device;
  };
  afterEach(async () => {
    for (const device of opened.splice(0)) await device.close();
  });

  it('stops a run when its signal says so, and computes the next one', async () => {
    const device = open();
    const long = await compileLong(device, longLength);
    const short = await compileLong(device, 2);
    const controller = new AbortController();
    const run = start(device, long, controller.signal);
    const after = start(device, short);
    await sleep(20);
    controller.abort();
    await expect(run).rejects.toMatchObject({ code: 'CORRAL_ABORTED' });
    expect((await after)['y']?.length).toBe(sizes.rows * width);
    await expect(device.readOutput(long, 'y', 0, 1)).rejects.toThrow('neverRun');
    await expect(start(device, short, AbortSignal.abort())).rejects.toMatchObject({
      code: 'CORRAL_ABORTED',
    });
  });

  it('leaves the event loop free while it computes', async () => {
    const device = open();
    const controller = new AbortController();
    const run = start(device, await compileLong(device, longLength), controller.signal);
    let turns = 0;
    while (turns < 20) {
      await sleep(1);
      turns++;
    }
    controller.abort();
    await expect(run).rejects.toMatchObject({ code: 'CORRAL_ABORTED' });
  });

  it('ends its runs when it is closed, and refuses everything after', async () => {
    const device = open();
    const executable = await compileLong(device, longLength);
    const buffer = await device.allocate('f32', [4]);
    const runs = [start(device, executable), start(device, executable)];
    const write = device.write(buffer, 0, new Uint8Array(4));
    await sleep(10);
    const closed = Promise.all([device.close(), device.close()]);
    for (const pending of [...runs, write]) {
      await expect(pending).rejects.toMatchObject({ code: 'CORRAL_DEVICE_CLOSED' });
    }
    await closed;
    await device.close();
    const refused = { code: 'CORRAL_DEVICE_CLOSED' };
    await expect(start(device, executable)).rejects.toMatchObject(refused);
    await expect(device.allocate('f32', [4])).rejects.toMatchObject(refused);
    await expect(device.write(buffer, 0, new Uint8Array(4))).rejects.toMatchObject(refused);
    await expect(device.read(buffer, 0, 4)).rejects.toMatchObject(refused);
    await expect(device.readOutput(executable, 'y', 0, 1)).rejects.toMatchObject(refused);
    expect(() => device.free(buffer)).toThrow(expect.objectContaining(refused));
    expect(() => device.compile(executable.program, {})).toThrow(expect.objectContaining(refused));
  });

  it('refuses a run whose weight was freed', async () => {
    const device = open();
    const builder = new ProgramBuilder('freed');
    const x = builder.input('x', 'f32', ['rows', width]);
    builder.output('y', append(builder, 'matmul', [x, builder.weight('w', [width, width])]));
    const buffer = await device.allocate('f32', [width, width]);
    const executable = device.compile(builder.build(), { w: buffer });
    const before = start(device, executable);
    device.free(buffer);
    expect((await before)['y']?.length).toBe(sizes.rows * width);
    await expect(start(device, executable)).rejects.toThrow('bufferFreed');
    await expect(device.read(buffer, 0, 4)).rejects.toThrow('bufferFreed');
    device.free(buffer);
  });

  it('takes no buffer or executable of another device', async () => {
    const [one, other] = [open(), open()];
    const buffer = await other.allocate('f32', [4]);
    await expect(one.read(buffer, 0, 4)).rejects.toThrow('another device');
    const executable = await compileLong(other, 1);
    await expect(start(one, executable)).rejects.toThrow('another device');
  });

  it('gives back the memory of buffers and devices that were forgotten', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const block = new Uint8Array(64 * 2 ** 20).fill(1);
    const before = process.memoryUsage().rss;
    const forget = async (device: Device): Promise<void> => {
      const buffer = await device.allocate('f32', [block.length / 4]);
      await device.write(buffer, 0, block);
    };
    const kept = open();
    for (let i = 0; i < 16; i++) await forget(i % 2 === 0 ? kept : createCpuDevice({ threads: 2 }));
    let grown = Number.POSITIVE_INFINITY;
    for (let turn = 0; turn < 200 && grown > 200 * 2 ** 20; turn++) {
      collect();
      await sleep(5);
      grown = process.memoryUsage().rss - before;
    }
    expect(grown).toBeLessThanOrEqual(200 * 2 ** 20);
  });

  it('ends with a worker thread that is terminated in mid-run', async () => {
    const code = `(async () => { ${longRun} require('node:worker_threads').parentPort.postMessage('runs'); await run; })()`;
    for (let i = 0; i < 3; i++) {
      const worker = new Worker(code, { eval: true });
      await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));
      await worker.terminate();
    }
    const device = open();
    expect((await start(device, await compileLong(device, 1)))['y']?.length).toBe(
      sizes.rows * width,
    );
  });

  it.each([
    ['exits in mid-run', 'setTimeout(() => process.exit(7), 20);', 7],
    ['throws in mid-run', "setTimeout(() => { throw new Error('on purpose'); }, 20);", 1],
    [
      'kills itself in mid-run',
      "setTimeout(() => process.kill(process.pid, 'SIGTERM'), 20);",
      null,
    ],
  ])('ends with a process that %s', (_, ending, status) => {
    const code = `(async () => { ${longRun} ${ending} await run; })()`;
    const child = spawnSync(process.execPath, ['-e', code], { encoding: 'utf8', timeout: 30_000 });
    expect(child.status).toBe(status);
    expect(child.signal).toBe(status === null ? 'SIGTERM' : null);
  });

  it('does not keep a process alive while it has nothing to do', () => {
    const code = `(async () => {
      const { createCpuDevice } = await import(${JSON.stringify(devicePath)});
      const device = createCpuDevice({ threads: 2 });
      await device.allocate('f32', [4]);
      console.log('open');
    })()`;
    const child = spawnSync(process.execPath, ['-e', code], { encoding: 'utf8', timeout: 30_000 });
    expect(child).toMatchObject({ status: 0, stdout: 'open\n' });
  });
});
