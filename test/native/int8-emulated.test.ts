// The int8 products of instruction sets that this CPU may not have: compiled with their intrinsics
// emulated and compared with the portable ones. Compiling takes half a minute of CPU time, so it is asked for.
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { availableIsas } from '../../src/device/cpu.ts';

const run = promisify(execFile);
const here = import.meta.dirname;
const isAsked = process.env['CORRAL_EMULATE'] === '1';

const emulations = [
  {
    name: 'AVX-512',
    needs: 'libsimde-dev',
    isThere: existsSync('/usr/include/simde/x86/avx512.h'),
    options: ['-O0', '-DCORRAL_EMULATED'],
  },
  {
    name: 'AVX-VNNI',
    needs: 'a CPU with AVX2',
    isThere: availableIsas().includes('avx2'),
    options: ['-O1', '-mavx2', '-mfma', '-mf16c', '-DEMULATED_AVXVNNI'],
  },
] as const;

it.for(emulations)(
  'multiplies with $name as portable kernels do (skipped without CORRAL_EMULATE=1 and $needs)',
  { timeout: 900_000 },
  async ({ isThere, options }, { skip }) => {
    skip(!(isThere && isAsked));
    const folder = mkdtempSync(join(tmpdir(), 'corral-int8-'));
    try {
      const flags = ['-std=c++17', '-ffp-contract=off', '-w'];
      const compile = async (source: string, name: string, ...more: string[]) => {
        const object = join(folder, `${name}.o`);
        await run('g++', [...flags, ...more, '-c', join(here, source), '-o', object]);
        return object;
      };
      const objects = [
        await compile('int8-check.cc', 'check'),
        await compile('int8-variant.cc', 'portable', '-DVARIANT=int8_portable'),
        await compile('int8-variant.cc', 'emulated', '-DVARIANT=int8_emulated', ...options),
      ];
      const program = join(folder, 'check');
      await run('g++', [...objects, '-o', program]);
      await expect(run(program)).resolves.toEqual({ stdout: '', stderr: '' });
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
);
