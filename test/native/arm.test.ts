// ARM's kernels on another machine: compiled by Debian's cross compiler, run by qemu-user on the
// conformance suite's cases. Node is not emulated: the cases travel in a file, and so do the results.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { addonStatus } from '../../src/base/addon.ts';
import {
  CaseRandom,
  type ConformanceCase,
  type ConformanceResult,
  findDisagreement,
  poison,
  runConformanceCase,
} from '../../src/device/conformance.ts';
import { conformanceCases, int8Cases } from '../../src/device/conformance-cases.ts';
import { errorBounds, int8DTypes } from '../../src/device/conformance-maker.ts';
import { availableIsas, createCpuDevice } from '../../src/device/cpu.ts';
import type { Activations } from '../../src/device/device.ts';
import { createReferenceDevice } from '../../src/device/reference.ts';
import { append, opNames } from '../../src/tensor/ops.ts';
import { ProgramBuilder } from '../../src/tensor/program.ts';
import { decodeResults, encodeCase } from './case-file.ts';

const run = promisify(execFile);
const root = join(import.meta.dirname, '..', '..');
const seed = 20261125;
const compiler = '/usr/bin/aarch64-linux-gnu-g++';
const emulator = ['/usr/bin/qemu-aarch64-static', '/usr/bin/qemu-aarch64'].find(existsSync);
const status = addonStatus();
const isAsked = process.env['CORRAL_EMULATE'] === '1';
const canRun = existsSync(compiler) && emulator !== undefined && status.available;

const flags = ['-std=c++17', '-O1', '-ffp-contract=off', '-fno-exceptions', '-fno-rtti', '-w'];
const sources = {
  kernels: ['native/kernels/kernels.cc'],
  runtime: [...globSync('native/runtime/*.cc', { cwd: root }), 'test/native/run-cases.cc'],
};

// Compiled once for the same sources: it takes half a minute of CPU time.
async function buildProgram(): Promise<string> {
  const hash = createHash('sha256').update(flags.join(' '));
  const files = globSync(['native/**/*.{h,cc}', 'test/native/*.cc'], { cwd: root }).sort();
  for (const file of files) hash.update(file).update(readFileSync(join(root, file)));
  const folder = join(root, 'build', 'arm');
  const program = join(folder, hash.digest('hex').slice(0, 16));
  if (existsSync(program)) return program;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const compile = (options: readonly string[]) =>
    run(compiler, [...flags, ...options], { cwd: root });
  const object = join(folder, 'kernels.o');
  const table = '-DCORRAL_KERNELS=corral_kernels_neon';
  const others = join(folder, 'runtime.o');
  await Promise.all([
    compile(['-march=armv8.2-a+dotprod', table, '-c', ...sources.kernels, '-o', object]),
    compile(['-r', '-nostdlib', ...sources.runtime, '-o', others]),
  ]);
  await compile(['-static', object, others, '-o', `${program}.new`]);
  renameSync(`${program}.new`, program);
  return program;
}

async function runOnArm(
  cases: readonly ConformanceCase[],
): Promise<(ConformanceResult | string)[]> {
  if (!status.available || emulator === undefined) return [];
  const program = await buildProgram();
  const folder = mkdtempSync(join(tmpdir(), 'corral-arm-'));
  try {
    const [from, to] = [join(folder, 'cases'), join(folder, 'results')];
    const encoded = cases.map((each) => encodeCase(status.addon, each));
    writeFileSync(from, Buffer.concat(encoded.map(({ bytes }) => bytes)));
    // By what the emulated CPU says it has, not by its being asked for.
    const { stdout } = await run(emulator, [program, 'neon', from, to]);
    expect(stdout).toBe('neon\n');
    return decodeResults(
      readFileSync(to),
      encoded.map(({ shape }) => shape),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}

// A product of `rows` rows, and then each of them alone.
function batchCases(dtype: (typeof int8DTypes)[number] | 'f16' | 'f32', activations: Activations) {
  const [rows, n, k] = [13, 19, 768];
  const random = new CaseRandom(seed, `batch ${dtype}`);
  const builder = new ProgramBuilder('batch');
  const x = builder.input('x', 'f32', ['rows', k]);
  builder.output('y', append(builder, 'matmul', [x, builder.weight('w', [n, k])]));
  const program = builder.build();
  const w = random.tensor(dtype, [n, k]);
  const data = random.floats(rows * k);
  return [
    [0, rows] as const,
    ...Array.from({ length: rows }, (_, row) => [row, row + 1] as const),
  ].map(
    ([first, end]): ConformanceCase => ({
      name: `rows ${first} to ${end} of ${dtype}, ${activations}`,
      op: 'matmul',
      program,
      tensors: { w },
      states: [],
      inputs: { x: data.slice(first * k, end * k) },
      sizes: { rows: end - first, outputs: 1, sequences: 1, pages: 1, adjustments: 1 },
      activations,
      bound: 0,
    }),
  );
}

describe.skipIf(!canRun)(
  'the kernels of ARM (skipped without the addon, g++-aarch64-linux-gnu and qemu-user-static)',
  { timeout: 900_000 },
  () => {
    // Minutes under emulation, so it is asked for.
    it.skipIf(!isAsked)('compute every op as the reference does (CORRAL_EMULATE=1)', async () => {
      const plain = [...opNames.flatMap((op) => conformanceCases(op, seed)), ...int8Cases(seed)];
      const cases = plain.flatMap((each) => [each, poison(each, new CaseRandom(seed, each.name))]);
      const found = await runOnArm(cases);
      const reference = createReferenceDevice();
      const problems: string[] = [];
      for (const [i, each] of cases.entries()) {
        const result = found[i] as ConformanceResult | string;
        const problem =
          typeof result === 'string'
            ? result
            : findDisagreement(each, await runConformanceCase(reference, each), result);
        if (problem !== undefined) problems.push(`${each.name}: ${problem}`);
      }
      expect(problems).toEqual([]);
    });

    it('round activations as portable kernels do', async () => {
      expect(availableIsas()).toContain('portable');
      const portable = createCpuDevice({ isa: 'portable', threads: 1 });
      const cases = int8Cases(seed);
      const found = await runOnArm(cases);
      for (const [i, each] of cases.entries()) {
        const expected = await runConformanceCase(portable, each);
        const same = { ...each, bound: errorBounds.product };
        expect(findDisagreement(same, expected, found[i] as ConformanceResult)).toBe(undefined);
      }
      await portable.close();
    });

    it('give a row the same bits alone and in a batch', async () => {
      const kinds = [
        ...int8DTypes.map((dtype) => [dtype, 'int8'] as const),
        ...(['f32', 'f16', 'q4_0'] as const).map((dtype) => [dtype, 'exact'] as const),
      ];
      const batches = kinds.map(([dtype, activations]) => batchCases(dtype, activations));
      const found = await runOnArm(batches.flat());
      for (const cases of batches) {
        const [together, ...alone] = found.splice(0, cases.length).map((result) => {
          const y = (result as ConformanceResult).outputs['y'] ?? new Float32Array();
          return Buffer.from(y.buffer, y.byteOffset, y.byteLength);
        });
        expect(together, cases[0]?.name).toEqual(Buffer.concat(alone));
      }
    });
  },
);
