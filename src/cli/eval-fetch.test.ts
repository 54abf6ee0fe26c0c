// corral eval fetch, against a local server that speaks the paths of a hub.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { runCorral } from '../../test/command-line.ts';
import { type HubServer, startHubServer } from '../../test/hub-server.ts';

const tiny = readFileSync(resolve(import.meta.dirname, '../evaluate/golden/tiny.parquet'));
let dataDir = '';
let hub: HubServer;

beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'corral-eval-fetch-'));
  const files = { 'default/test/0000.parquet': tiny };
  hub = await startHubServer({ 'datasets/EleutherAI/lambada_openai': { files } });
});
afterAll(async () => {
  await hub.close();
  rmSync(dataDir, { recursive: true, force: true });
});

it('brings the data of tasks to where they are looked for, and says what came', async () => {
  const place = ['--data-dir', dataDir, '--hub-url', hub.url];
  const done = await runCorral(['eval', 'fetch', '--tasks', 'lambada_openai', ...place, '--json']);
  expect([done.status, done.stderr]).toEqual([0, '']);
  const file = join(dataDir, 'EleutherAI', 'lambada_openai', 'default', 'test', '0000.parquet');
  expect(JSON.parse(done.stdout)).toEqual({
    dataDir,
    data: [
      { path: 'EleutherAI/lambada_openai', name: 'default', files: [file], bytes: tiny.length },
    ],
  });
  expect(existsSync(file)).toBe(true);
});

it('says when no task is named, and when a hub has no such set', async () => {
  const none = await runCorral(['eval', 'fetch']);
  expect([none.status === 0, none.stderr]).toEqual([false, expect.stringContaining('--tasks')]);
  const place = ['--data-dir', dataDir, '--hub-url', hub.url];
  const missing = await runCorral(['eval', 'fetch', 'piqa', ...place]);
  expect(missing.status).not.toBe(0);
  expect(missing.stderr).toContain('baber/piqa');
});
