import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Outcome, runCorral } from '../../test/command-line.ts';
import { makeTinyModel } from '../../test/make-tiny-model.ts';
import { Ledger, serverDatabasePath } from '../api/index.ts';
import { anonymous } from '../api/request-context.ts';
import { lazyLibrary } from './library.ts';

describe('corral key', () => {
  let folder = '';
  let env: Record<string, string> = {};
  const corral = (...args: string[]): Promise<Outcome> => runCorral(args, { env });
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'corral-key-'));
    env = { CORRAL_HOME: folder };
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('shows a key once, lists it without its secret, and takes it back', async () => {
    expect((await corral('key', 'list')).stderr).toContain('There are no keys.');
    const limits = ['--models', 'llama, law', '--requests-per-minute', '60'];
    const made = await corral('key', 'create', '--name', 'ward 3', ...limits);
    const secret = made.stdout.trim();
    expect(secret).toMatch(/^sk-corral-[0-9a-f]{12}-[\w-]{43}$/);
    expect(made.stderr).toContain('shown this once');
    const listed = await corral('key', 'list');
    expect(listed.stdout).toMatch(/ward 3 +llama,law +60 +any/);
    const asJson = await corral('key', 'list', '--json');
    expect(JSON.parse(asJson.stdout)).toMatchObject([
      { name: 'ward 3', models: ['llama', 'law'], requestsPerMinute: 60, tokensPerDay: null },
    ]);
    expect(listed.stdout + asJson.stdout).not.toContain(secret.slice(-43));
    const again = await corral('key', 'create', '--name', 'ward 3');
    expect(again.stderr).toContain('There is a key "ward 3" already.');
    expect((await corral('key', 'revoke', 'ward 4')).stderr).toContain('There are: ward 3.');
    const revoked = await corral('key', 'revoke', 'ward 3');
    expect(revoked.stdout).toMatch(/^ward 3 \([0-9a-f]{12}\) is revoked\n$/);
    expect((await corral('key', 'list')).stdout).toMatch(/revoked \d{4}-\d\d-\d\d/);
    const renewed = await corral('key', 'create', '--name', 'ward 3', '--json');
    expect(JSON.parse(renewed.stdout)).toMatchObject({ name: 'ward 3', revokedAt: null });
  });

  it('says what is wrong with a name, a limit or a day', async () => {
    const create = ['key', 'create', '--name'];
    expect((await corral('key', 'create')).status).toBe(2);
    expect((await corral(...create, ' a')).stderr).toContain('--name is " a"');
    expect((await corral(...create, 'a', '--models', 'b,,c')).stderr).toContain('--models is');
    const none = await corral(...create, 'a', '--requests-per-minute', '0');
    expect(none.stderr).toContain('a whole number from 1 to 60000');
    expect((await corral('key', 'usage', '--from', '2026-02-30')).stderr).toContain('YYYY-MM-DD');
    const late = await corral('key', 'usage', '--from', '2026-02-02', '--to', '2026-02-01');
    expect(late.stderr).toContain('a day up to 2026-02-01');
  });

  it('says what was used, by key, day and model', async () => {
    const { id } = JSON.parse((await corral('key', 'create', '--name', 'b', '--json')).stdout);
    const now = Date.UTC(2026, 10, 24);
    const silent = { info: () => {}, error: () => {} };
    const path = serverDatabasePath(env);
    const ledger = new Ledger({ path, logger: silent, now: () => now });
    const use = { promptTokens: 10, cachedTokens: 4, completionTokens: 5, seconds: 0.5 };
    const answer = { ...use, requestId: 'r', path: '/v1/completions', model: 'tiny' } as const;
    for (const key of [id, id, undefined]) {
      const caller = { ...anonymous, key };
      await ledger.record({ ...answer, caller, outcome: 'whole' });
    }
    await ledger.close();
    const days = ['--from', '2026-11-23', '--to', '2026-11-24'];
    const shown = await corral('key', 'usage', ...days);
    expect(shown.stdout).toMatch(/2026-11-24 +\(none\) +tiny +1 +0 +0 +10 +4 +5 +0\.5/);
    expect(shown.stdout).toMatch(/2026-11-24 +b +tiny +2 +0 +0 +20 +8 +10 +1\.0/);
    const own = await corral('key', 'usage', 'b', '--model', 'tiny', '--json', ...days);
    expect(JSON.parse(own.stdout)).toMatchObject([{ key: id, name: 'b', promptTokens: 20 }]);
    const other = await corral('key', 'usage', 'b', '--model', 'other', ...days);
    expect(other.stderr).toContain('Nothing was used');
  });

  it('opens a server beyond this machine to its holders, and to nobody else', async () => {
    const model = join(folder, 'tiny.gguf');
    await makeTinyModel(model);
    const secret = (await corral('key', 'create', '--name', 'c')).stdout.trim();
    const statuses: number[] = [];
    let interrupt = (): void => {};
    const asked = Promise.withResolvers<void>();
    let isAsked = false;
    const ask = async (port: string): Promise<void> => {
      const url = `http://127.0.0.1:${port}`;
      for (const path of ['/v1/models', '/metrics', '/health']) {
        statuses.push((await fetch(`${url}${path}`)).status);
        const headers = { authorization: `Bearer ${secret}` };
        statuses.push((await fetch(`${url}${path}`, { headers })).status);
      }
      interrupt();
      asked.resolve();
    };
    const served = runCorral(['serve', model, '--host', '0.0.0.0', '--port', '0'], {
      env,
      library: { openCheckpoint: lazyLibrary.openCheckpoint },
      onStart: (callback) => {
        interrupt = callback;
      },
      onOutput: (text) => {
        const port = /at http:\S+:(\d+)\/v1/.exec(text)?.[1];
        if (port === undefined || isAsked) return;
        isAsked = true;
        void ask(port);
      },
    });
    const { stdout, status } = await served;
    await asked.promise;
    expect(status).toBe(0);
    expect(statuses).toEqual([401, 200, 401, 200, 200, 200]);
    expect(stdout).toContain('authorization: Bearer');
    const both = ['--allow-anonymous', '--api-keys-required'];
    expect((await corral('serve', model, ...both)).status).toBe(2);
  });
});
