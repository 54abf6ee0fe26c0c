import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCorral, whenListening } from '../../test/command-line.ts';
import { makeTinyModel } from '../../test/make-tiny-model.ts';
import { lazyLibrary } from './library.ts';

// A new network namespace has a loopback device that is down.
const offline = ['-rn', 'sh', '-c', 'ip link set lo up && exec "$@"', '--'];
const hasNamespaces = spawnSync('unshare', [...offline, 'true']).status === 0;

describe('corral serve', () => {
  let folder = '';
  let model = '';
  let env: Record<string, string> = {};
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'corral-serve-'));
    model = join(folder, 'tiny.gguf');
    env = { CORRAL_HOME: join(folder, 'home') };
    await makeTinyModel(model);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('will not listen where others could reach it, unless that is asked for by name', async () => {
    for (const host of ['0.0.0.0', '::', '192.168.1.5', 'example.org', '127.0.0.1.example.org']) {
      const { status, stderr } = await runCorral(['serve', model, '--host', host], { env });
      expect(status, host).toBe(1);
      expect(stderr).toContain(`${host} can be reached by others`);
    }
  });

  it('names models by their files, or as it is told, each once', async () => {
    const twice = await runCorral(['serve', model, '--alias', `tiny=${model}`], { env });
    expect(twice.stderr).toContain('tiny');
    expect(twice.status).toBe(2);
    const odd = await runCorral(['serve', '--alias', 'tiny'], { env });
    expect(odd.stderr).toContain('--alias is tiny; allowed: NAME=MODEL');
    const absent = await runCorral(['serve', join(folder, 'absent.gguf')], { env });
    expect(absent.stderr).toContain('There is no file or folder');
  });

  it('says where it listens, answers under each name, and ends by a signal', async () => {
    let interrupt = (): void => {};
    let models: unknown;
    const seen = Promise.withResolvers<void>();
    const ask = async (url: string): Promise<void> => {
      models = await (await fetch(`${url}/models`)).json();
      interrupt();
      seen.resolve();
    };
    const { status, stdout } = await runCorral(
      ['serve', model, '--alias', `other=${model}`, '--port', '0'],
      {
        env,
        library: { openCheckpoint: lazyLibrary.openCheckpoint },
        onStart: (callback) => {
          interrupt = callback;
        },
        onOutput: whenListening((url) => void ask(url)),
      },
    );
    await seen.promise;
    expect(status).toBe(0);
    expect(models).toMatchObject({ data: [{ id: 'tiny' }, { id: 'other' }] });
    expect(stdout).toMatch(/Serving tiny, other at http:\/\/127\.0\.0\.1:\d+\/v1\n/);
    expect(stdout).toContain('curl http://127.0.0.1:');
  });

  it.skipIf(!hasNamespaces)(
    'works where there is no network, and connects to nobody (needs user namespaces: unshare -rn)',
    () => {
      const child = resolve(import.meta.dirname, '..', '..', 'test', 'serve-child.ts');
      const { stdout, stderr } = spawnSync(
        'unshare',
        [...offline, process.execPath, child, model, join(folder, 'home')],
        { encoding: 'utf8', timeout: 50_000 },
      );
      expect(stdout, stderr).not.toBe('');
      const result = JSON.parse(stdout) as Record<string, unknown>;
      expect(result).toMatchObject({ status: 0, addresses: ['127.0.0.1'] });
      expect(JSON.parse(String(result['reply']))).toMatchObject({
        usage: { completion_tokens: 3 },
      });
    },
  );
});
