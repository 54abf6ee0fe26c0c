// What every command shares: help, version, errors in words and in JSON, exit statuses, output that
// cannot be written.
import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { fakeModel, runCorral } from '../../test/command-line.ts';
import type { CorralError } from '../base/define-errors.ts';
import { errors } from '../base/errors.ts';
import { availableIsas, createCpuDevice } from '../device/cpu.ts';
import type { LoadOptions } from './library.ts';
import { formatBytes, formatCount, formatTable } from './present.ts';

const here = import.meta.filename;

describe('corral', () => {
  it('prints the version of the package', async () => {
    const manifest = JSON.parse(
      readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
    );
    for (const flag of ['--version', '-V']) {
      const outcome = await runCorral([flag]);
      expect(outcome).toEqual({ status: 0, stdout: `${manifest.version}\n`, stderr: '' });
    }
  });

  it('prints help without arguments, with --help and for each command', async () => {
    for (const args of [[], ['--help'], ['help']]) {
      const { status, stdout } = await runCorral(args);
      expect(status).toBe(0);
      for (const name of [
        'run',
        'chat',
        'inspect',
        'tokenize',
        'convert',
        'perplexity',
        'pull',
        'list',
        'rm',
      ]) {
        expect(stdout).toContain(`\n  ${name}`);
      }
    }
    expect((await runCorral(['help', 'run'])).stdout).toContain('--typical-p');
    expect((await runCorral(['pull', '--help'])).stdout).toContain('--accept-licence');
  });

  it('suggests the nearest command for an unknown one', async () => {
    const outcome = await runCorral(['tokenise', 'x']);
    expect(outcome.status).toBe(2);
    expect(outcome.stdout).toBe('');
    expect(outcome.stderr).toContain('There is no command "tokenise". Did you mean tokenize?');
    const help = await runCorral(['help', 'tokenise']);
    expect(help).toMatchObject({ status: 2, stdout: '', stderr: outcome.stderr });
  });

  it('suggests the nearest option, and says which command to ask for help', async () => {
    const { status, stderr } = await runCorral(['run', '--temprature', '1']);
    expect(status).toBe(2);
    expect(stderr).toMatch(/Unknown option '--temprature'.*--temperature/);
    expect(stderr).toContain('`corral run --help`');
  });

  it('names a missing argument', async () => {
    const { status, stderr } = await runCorral(['inspect']);
    expect(status).toBe(2);
    expect(stderr).toContain("Missing required argument 'model'");
  });

  for (const [flag, value, allowed] of [
    ['--temperature', '-1', 'a number from 0 to 100'],
    ['--temperature', 'hot', 'a number from 0 to 100'],
    ['--top-p', '1.5', 'a number from 0 to 1'],
    ['--top-k', '2.5', 'a whole number of at least 0'],
    ['--top-k', '0x10', 'a whole number of at least 0'],
    ['--top-k', '3000000000', 'a whole number from 0 to 2147483647'],
    ['--temperature', '+1e1', 'a number from 0 to 100'],
    ['--max-tokens', '-1', 'a whole number of at least 0'],
    ['--seed', 'NaN', 'a whole number from 0 to 9007199254740991'],
    ['--seed', '9007199254740992', 'a whole number from 0 to 9007199254740991'],
    ['--device', 'gpu', 'cpu, reference'],
    ['--cache', 'q4_0', 'f16, f32, q8_0'],
    ['--speculate', 'draft', 'off, lookup or draft:MODEL'],
    ['--threads', '0', 'a whole number from 1 to 256'],
  ] as const) {
    it(`refuses ${flag} ${JSON.stringify(value)} and names what is allowed`, async () => {
      const { status, stderr } = await runCorral(['run', here, 'x', `${flag}=${value}`]);
      expect(status).toBe(2);
      expect(stderr).toContain(`${flag} is ${value}; allowed: ${allowed}.`);
    });
  }

  it('shows blanks in a number that it refuses', async () => {
    for (const value of ['', ' 5 ']) {
      const { status, stderr } = await runCorral(['run', here, 'x', `--max-tokens=${value}`]);
      expect(status).toBe(2);
      expect(stderr).toContain(`--max-tokens is "${value}"; allowed: a whole number`);
    }
  });

  it.skipIf(availableIsas().length === 0)(
    'refuses as many threads as the cpu device does, in its words (needs the native addon)',
    async () => {
      let refused: CorralError | undefined;
      try {
        createCpuDevice({ threads: 257 });
      } catch (error) {
        refused = error as CorralError;
      }
      const { stderr } = await runCorral(['run', here, 'x', '--threads', '257']);
      expect(stderr).toBe(`corral: ${refused?.message}\nhint: ${refused?.hint}\n`);
    },
  );

  it('takes --device and --threads also where nothing computes', async () => {
    for (const command of ['inspect', 'tokenize', 'convert']) {
      const { stdout } = await runCorral([command, '--help']);
      expect(stdout).toMatch(/--device <name> +accepted, and of no effect/);
      expect(stdout).toMatch(/--threads <n> +accepted, and of no effect/);
    }
    const flags = ['--device', 'cpu', '--threads', '2'];
    const { stderr } = await runCorral(['inspect', '/nowhere/model.gguf', ...flags]);
    expect(stderr).toContain('There is no file or folder at /nowhere/model.gguf');
  });

  it('refuses --logprobs without --json, where nothing would show them', async () => {
    for (const command of ['run', 'chat']) {
      const { status, stderr } = await runCorral([command, here, '--logprobs', '2']);
      expect(status).toBe(2);
      expect(stderr).toContain('--logprobs is shown only with --json.');
    }
  });

  it('prints message and hint, without a stack, and with --json one object', async () => {
    const plain = await runCorral(['inspect', '/nowhere/model.gguf']);
    expect(plain).toEqual({
      status: 1,
      stdout: '',
      stderr:
        'corral: There is no file or folder at /nowhere/model.gguf.\nhint: Check the path; `corral list` shows the models in the local store.\n',
    });
    const json = await runCorral(['inspect', '/nowhere/model.gguf', '--json']);
    expect(json.stdout).toBe('');
    expect(JSON.parse(json.stderr)).toEqual({
      error: {
        code: 'CORRAL_FILE_NOT_FOUND',
        message: expect.stringContaining('/nowhere/model.gguf'),
        hint: expect.any(String),
        data: { path: '/nowhere/model.gguf' },
      },
    });
    const verbose = await runCorral(['inspect', '/nowhere/model.gguf', '--verbose']);
    expect(verbose.stderr).toMatch(/\n {4}at /);
  });

  it('says of a fault of ours that it is one, and shows the stack only when asked', async () => {
    const library = {
      load: async () => {
        throw new TypeError('x is undefined');
      },
    };
    const { status, stderr } = await runCorral(['run', here, 'hi'], { library });
    expect(status).toBe(1);
    expect(stderr).toMatch(/^corral: x is undefined\nhint: This is a fault of Corral/);
    expect(stderr).not.toContain('    at ');
  });

  it('ends with 130 when interrupted', async () => {
    const library = {
      load: async () => {
        throw errors.ABORTED({ what: 'Loading' });
      },
    };
    expect((await runCorral(['run', here, 'hi'], { library })).status).toBe(130);
  });

  it('stops quietly when the reader of its output has gone', async () => {
    const { library, calls } = fakeModel(() => Array.from({ length: 1000 }, () => 'word '), {
      pieceMs: 1,
    });
    const outcome = await runCorral(['run', here, 'hi'], { library, closeStdoutAfter: 3 });
    expect(outcome).toEqual({ status: 0, stdout: 'word word word ', stderr: '' });
    expect(calls.map((call) => call.what)).toEqual(['load', 'complete', 'close']);
  });

  for (const code of ['ENOSPC', 'EBADF']) {
    it(`fails when its output cannot be written (${code}), and says so`, async () => {
      const words = fakeModel(() => ['one', ' two']);
      for (const args of [
        ['run', here, 'hi'],
        ['run', here, 'hi', '--json'],
        ['chat', here],
        ['--help'],
        ['--version'],
      ]) {
        const outcome = await runCorral(args, {
          library: words.library,
          stdin: 'hello\n',
          closeStdoutAfter: 0,
          stdoutFailure: code,
        });
        expect(outcome.status, args.join(' ')).toBe(1);
        expect(outcome.stderr).toContain(`Standard output could not be written: write ${code}.`);
      }
      expect(words.calls.filter((call) => call.what === 'close')).toHaveLength(3);
    });
  }

  it.skipIf(!existsSync('/dev/full'))('fails on a full disk (needs /dev/full)', () => {
    const full = openSync('/dev/full', 'w');
    const main = new URL('./main.ts', import.meta.url).href;
    const source = `import { main } from '${main}'; process.exit(await main(['--help']));`;
    const { status, stderr } = spawnSync(
      process.execPath,
      ['--input-type=module', '--eval', source],
      { stdio: ['ignore', full, 'pipe'], encoding: 'utf8' },
    );
    closeSync(full);
    expect(stderr).toContain('Standard output could not be written: ENOSPC');
    expect(status).toBe(1);
  });

  it('waits for what was written without waiting, before it ends', async () => {
    const library = {
      load: async (_path: string, options: LoadOptions) => {
        for (let line = 0; line < 100; line++) options.logger?.warn(`warning ${line}`);
        throw errors.CONFIG_NEEDED({ path: 'x', missing: 'y' });
      },
    };
    const { stderr } = await runCorral(['run', here, 'hi'], { library });
    expect(stderr).toContain('warning 99\n');
  });

  it('keeps control characters of file names away from the terminal', async () => {
    const { stderr } = await runCorral(['inspect', '/x\u001b[2J.gguf'], { terminal: true });
    expect(stderr).not.toContain('\u001b[2J');
  });
});

describe('numbers for people', () => {
  it('have a unit and three digits', () => {
    expect([0, 999, 1000, 1234567, 3.83e9, 999.6e6].map(formatBytes)).toEqual([
      '0 B',
      '999 B',
      '1.00 kB',
      '1.23 MB',
      '3.83 GB',
      '1.00 GB',
    ]);
    expect([12, 260032, 6738415616].map(formatCount)).toEqual(['12', '260 k', '6.74 B']);
  });

  it('stand in columns', () => {
    expect(
      formatTable(
        [
          ['a', '1'],
          ['long', '22'],
        ],
        [1],
      ),
    ).toEqual(['a      1', 'long  22']);
  });
});
