// Runs the examples of docs/guides/serve.md as they stand there, against a server with the model that ships.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { text as readText } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { withFieldTables } from '../scripts/serve-fields.ts';
import { createApi, Ledger, type Listening, listen, ModelPool } from '../src/api/index.ts';
import { load } from '../src/index.ts';

const root = resolve(import.meta.dirname, '..');
const guide = readFileSync(join(root, 'docs', 'guides', 'serve.md'), 'utf8');
const model = join(root, 'models', 'cria-chat.gguf');
const blocks = Array.from(
  guide.matchAll(/<!-- run -->\n```(sh|ts)\n([\s\S]*?)```/g),
  ([, language, text], index) => [index + 1, language as string, text as string] as const,
);

it('has tables of every field as the schemas have them (node scripts/serve-fields.ts)', () => {
  expect(guide).toBe(withFieldTables(guide));
  expect(blocks.length).toBeGreaterThan(5);
});

describe.skipIf(!existsSync(model))('the guide to serving (needs models/cria-chat.gguf)', () => {
  let folder = '';
  let pool: ModelPool;
  let server: Listening;
  let ledger: Ledger;
  beforeAll(async () => {
    // Inside the project, so that the clients are found.
    mkdirSync(join(root, 'build'), { recursive: true });
    folder = mkdtempSync(join(root, 'build', 'serve-guide-'));
    const source = { name: 'cria-chat', createdAt: new Date(0), measure: async () => 0 };
    pool = new ModelPool({ sources: [{ ...source, load: () => load(model, { sequences: 2 }) }] });
    const logger = { info: () => {}, error: () => {} };
    ledger = new Ledger({ path: join(folder, 'server.db'), logger });
    const api = createApi({
      models: pool,
      version: '1',
      onAnswer: (record) => ledger.record(record),
      readUsage: (query) => ledger.usage(query),
    });
    server = await listen(api, { host: '127.0.0.1', port: 0 });
  });
  afterAll(async () => {
    await server.close();
    await pool.close();
    await ledger.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it.each(blocks)('runs example %i (%s)', async (index, language, text) => {
    const own = text.replaceAll('localhost:8080', `127.0.0.1:${server.port}`);
    const file = join(folder, `example-${index}.${language}`);
    writeFileSync(file, own);
    const command = language === 'ts' ? process.execPath : 'sh';
    const child = spawn(command, language === 'ts' ? [file] : ['-e', file], { cwd: folder });
    const ended = new Promise<number | null>((done) => child.on('close', done));
    const [stdout, stderr] = await Promise.all([readText(child.stdout), readText(child.stderr)]);
    expect(await ended, stderr).toBe(0);
    expect(stdout).not.toBe('');
    expect(stdout).not.toContain('"error"');
  });
});
