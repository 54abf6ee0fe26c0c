// The AVX-512 kernels of int8 products on a CPU without AVX-512: compiled against SIMDe's emulation and
// compared with the portable ones. Compiling takes half a minute of CPU time, so it is asked for.
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const run = promisify(execFile);
const here = import.meta.dirname;
const hasEmulation = existsSync('/usr/include/simde/x86/avx512.h');
const isAsked = process.env['CORRAL_EMULATE'] === '1';

it.skipIf(!(hasEmulation && isAsked))(
  'multiplies with AVX-512 as portable kernels do (skipped without libsimde-dev and CORRAL_EMULATE=1)',
  { timeout: 900_000 },
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'corral-int8-'));
    try {
      const flags = ['-std=c++17', '-O0', '-ffp-contract=off', '-w'];
      const compile = async (source: string, name: string, ...defines: string[]) => {
        const object = join(folder, `${name}.o`);
        await run('g++', [...flags, ...defines, '-c', join(here, source), '-o', object]);
        return object;
      };
      const objects = [
        await compile('int8-check.cc', 'check'),
        await compile('int8-variant.cc', 'portable', '-DVARIANT=int8_portable'),
        await compile(
          'int8-variant.cc',
          'emulated',
          '-DVARIANT=int8_emulated',
          '-DCORRAL_EMULATED',
        ),
      ];
      const program = join(folder, 'check');
      await run('g++', [...objects, '-o', program]);
      await expect(run(program)).resolves.toEqual({ stdout: '', stderr: '' });
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
);
