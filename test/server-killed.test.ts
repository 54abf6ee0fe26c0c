// kill -9 of a real server in the middle of traffic: keys, usage and the store are whole after it is started again.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openServerDatabase } from '../src/api/index.ts';
import { runCorral } from './command-line.ts';
import { type HubServer, startHubServer } from './hub-server.ts';
import { makeTinyModel } from './make-tiny-model.ts';

const child = join(import.meta.dirname, 'corral-child.ts');

interface Running {
  readonly process: ChildProcess;
  readonly url: string;
}

// Three servers are started: seconds where the machine is free, minutes where it is not.
describe('a server that is killed in the middle of traffic', { timeout: 240_000 }, () => {
  let folder = '';
  let hub: HubServer;
  let env: Record<string, string> = {};
  let server: Running | undefined;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'corral-killed-'));
    await makeTinyModel(join(folder, 'tiny.gguf'), { context: 1024 });
    const files = { 'tiny.gguf': readFileSync(join(folder, 'tiny.gguf')) };
    hub = await startHubServer({ 'ranch/tiny': { files, licence: 'mit' } });
    env = { CORRAL_HOME: join(folder, 'home'), HF_ENDPOINT: hub.url };
  });
  afterAll(async () => {
    server?.process.kill('SIGKILL');
    await hub.close();
    rmSync(folder, { recursive: true, force: true });
  });

  function start(): Promise<Running> {
    const args = ['serve', 'ranch/tiny', '--port', '0', '--threads', '1', '--api-keys-required'];
    const running = spawn(process.execPath, [child, ...args], {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    return new Promise((resolve, reject) => {
      let said = '';
      running.stdout.on('data', (data: Buffer) => {
        said += data.toString();
        const url = /at (http:\S+)\/v1\n/.exec(said)?.[1];
        if (url !== undefined) resolve({ process: running, url });
      });
      running.once('exit', () => reject(new Error(`the server has ended: ${said}`)));
    });
  }

  function ended({ process: running }: Running): Promise<number | null> {
    if (running.exitCode !== null || running.signalCode !== null) {
      return Promise.resolve(running.exitCode);
    }
    return new Promise((resolve) => running.once('exit', (code) => resolve(code)));
  }

  async function ask(url: string, secret: string, body: object): Promise<string> {
    const reply = await fetch(`${url}/v1/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${secret}` },
      body: JSON.stringify({ model: 'ranch/tiny', prompt: 'the cat was', ...body }),
    });
    return reply.text();
  }

  it('has kept every answer whose end a client has seen, every key, and every model', async () => {
    expect((await runCorral(['pull', 'ranch/tiny'], { env })).status).toBe(0);
    const models = (await runCorral(['list', '--json'], { env })).stdout;
    expect(JSON.parse(models)).toMatchObject([{ name: 'ranch/tiny' }]);
    const secrets: string[] = [];
    for (const name of ['a', 'b', 'c']) {
      const { stdout } = await runCorral(['key', 'create', '--name', name], { env });
      secrets.push(stdout.trim());
    }
    const keys = (await runCorral(['key', 'list', '--json'], { env })).stdout;

    server = await start();
    const { url } = server;
    // Tokens of answers that clients have seen to the end, by key: whole replies and streams.
    const seen = new Map<string, { answers: number; tokens: number }>();
    let count = 0;
    const traffic = secrets.flatMap((secret, index) =>
      [false, true, true].map(async (stream) => {
        const more = stream ? { stream, stream_options: { include_usage: true } } : {};
        for (;;) {
          const max_tokens = 3 + ((count * 7) % 40);
          const text = await ask(url, secret, { max_tokens, ...more }).catch(() => '');
          if (stream ? !text.endsWith('data: [DONE]\n\n') : !text.endsWith('}')) return;
          const tokens = /"total_tokens":(\d+)/.exec(text)?.[1];
          if (tokens === undefined) throw new Error(text);
          const key = 'abc'[index] as string;
          const before = seen.get(key) ?? { answers: 0, tokens: 0 };
          seen.set(key, {
            answers: before.answers + 1,
            tokens: before.tokens + Number(tokens),
          });
          count++;
        }
      }),
    );
    const over = Promise.all(traffic);
    const tooEarly = over.then(() => {
      throw new Error('the traffic ended by itself');
    });
    tooEarly.catch(() => {});
    while (count < 60) await Promise.race([wait(10), tooEarly]);
    server.process.kill('SIGKILL');
    await ended(server);
    await over;

    {
      using database = openServerDatabase(join(env['CORRAL_HOME'] as string, 'server.db'));
      expect(database.prepare('PRAGMA integrity_check').all()).toEqual([{ integrity_check: 'ok' }]);
      const rows = 'count(*) AS answers, sum(prompt_tokens + completion_tokens) AS tokens';
      const sums = 'sum(answers) AS answers, sum(prompt_tokens + completion_tokens) AS tokens';
      const kept = database.prepare(
        `SELECT ${rows} FROM usage WHERE key = (SELECT id FROM keys WHERE name = ?)`,
      );
      const inDays = database.prepare(
        `SELECT ${sums} FROM usage_days WHERE key = (SELECT id FROM keys WHERE name = ?)`,
      );
      for (const [name, { answers, tokens }] of seen) {
        const row = kept.get(name) as { answers: number; tokens: number };
        // More only by those whose end was on its way: three at a time for each key.
        expect(row.answers, name).toBeGreaterThanOrEqual(answers);
        expect(row.answers, name).toBeLessThanOrEqual(answers + 3);
        expect(row.tokens).toBeGreaterThanOrEqual(tokens);
        expect(inDays.get(name)).toEqual(row);
      }
      expect(seen.size).toBe(3);
    }

    expect((await runCorral(['key', 'list', '--json'], { env })).stdout).toBe(keys);
    expect((await runCorral(['list', '--json'], { env })).stdout).toBe(models);
    server = await start();
    for (const secret of secrets) {
      expect(await ask(server.url, secret, { max_tokens: 2 })).toContain('"usage"');
    }
    expect(await ask(server.url, 'none', {})).toContain('invalid_api_key');
  });

  it('loses no row when it is asked to end, those of answers that are left included', async () => {
    const { stdout } = await runCorral(['key', 'create', '--name', 'd', '--json'], { env });
    const { id, secret } = JSON.parse(stdout) as { id: string; secret: string };
    const { url } = server as Running;
    const body = { max_tokens: 200, stream: true, logit_bias: { 2: -100 } };
    const leaving = new AbortController();
    const whole = Array.from({ length: 4 }, () => ask(url, secret, body));
    const left = fetch(`${url}/v1/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${secret}` },
      body: JSON.stringify({ model: 'ranch/tiny', prompt: 'the', ...body, max_tokens: 1000 }),
      signal: leaving.signal,
    });
    const reader = (await left).body?.getReader();
    await reader?.read();
    (server as Running).process.kill('SIGTERM');
    leaving.abort();
    for (const text of await Promise.all(whole)) expect(text).toMatch(/\[DONE\]\n\n$/);
    expect(await ended(server as Running)).toBe(0);
    const used = await runCorral(['key', 'usage', 'd', '--json'], { env });
    const [day] = JSON.parse(used.stdout) as Record<string, number>[];
    expect(day).toMatchObject({ key: id, answers: 5, aborted: 1, failed: 0 });
    expect(day?.['completionTokens']).toBeGreaterThan(800);
    expect(day?.['completionTokens']).toBeLessThan(1800);
  });
});
