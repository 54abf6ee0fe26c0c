import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../../../test/tiny-server.ts';
import { type AnswerRecord, anonymous } from '../request-context.ts';
import { createGate } from './gate.ts';
import { createKey, listKeys, revokeKey } from './key-store.ts';
import { Ledger } from './ledger.ts';
import { openServerDatabase } from './server-database.ts';
import { readUsage } from './usage-store.ts';

const silent = { info: () => {}, error: () => {} };

function answer(changes: Partial<AnswerRecord> = {}): AnswerRecord {
  return {
    requestId: 'r',
    caller: anonymous,
    path: '/v1/completions',
    model: 'tiny',
    promptTokens: 7,
    cachedTokens: 2,
    completionTokens: 3,
    seconds: 0.25,
    outcome: 'whole',
    ...changes,
  };
}

describe('the ledger', () => {
  let folder = '';
  let count = 0;
  const newPath = (): string => join(folder, `${count++}`, 'server.db');
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'corral-ledger-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('has a row on the disk for every answer it has taken down, and sums of them by day, key and model', async () => {
    const path = newPath();
    const now = Date.UTC(2026, 10, 24, 12);
    const patienceMs = 60_000;
    await using ledger = new Ledger({ path, logger: silent, patienceMs, now: () => now });
    const caller = { ...anonymous, key: 'abc' };
    await Promise.all([
      ...Array.from({ length: 50 }, () => ledger.record(answer())),
      ledger.record(answer({ outcome: 'aborted', completionTokens: 1 })),
      ledger.record(answer({ caller, model: 'other', outcome: 'failed' })),
    ]);
    expect(ledger.unwritten).toBe(0);
    // Read by somebody else, while the ledger is open: nothing of it is in this process alone.
    using database = openServerDatabase(path);
    expect(database.prepare('SELECT count(*) AS n FROM usage').get()).toEqual({ n: 52 });
    const nobodys = { day: '2026-11-24', key: '', model: 'tiny', promptTokens: 51 * 7 };
    const expected = [
      {
        ...nobodys,
        answers: 51,
        aborted: 1,
        failed: 0,
        cachedTokens: 102,
        completionTokens: 151,
        seconds: 12.75,
      },
      { key: 'abc', model: 'other', answers: 1, aborted: 0, failed: 1, promptTokens: 7 },
    ];
    expect(await ledger.usage({ from: '2026-11-24', to: '2026-11-24' })).toMatchObject(expected);
    expect(readUsage(database, { from: '2026-11-25', to: '2026-12-01' })).toEqual([]);
    const few = { from: '2026-11-01', to: '2026-11-30', keys: ['abc'], models: ['other', 'none'] };
    expect(readUsage(database, few)).toMatchObject([expected[1]]);
    expect(statSync(path).mode & 0o077).toBe(0);
  });

  it('neither holds up the event loop nor answers for long while the disk does not take its rows, and loses none', async () => {
    const path = newPath();
    const ledger = new Ledger({ path, logger: silent, patienceMs: 100 });
    using other = openServerDatabase(path);
    other.exec('BEGIN IMMEDIATE');
    let longestMs = 0;
    let last = performance.now();
    const timer = setInterval(() => {
      longestMs = Math.max(longestMs, performance.now() - last);
      last = performance.now();
    }, 5);
    const startAt = performance.now();
    await Promise.all(Array.from({ length: 200 }, () => ledger.record(answer())));
    const waitedMs = performance.now() - startAt;
    expect(waitedMs).toBeGreaterThan(90);
    expect(ledger.unwritten).toBe(200);
    await wait(400);
    clearInterval(timer);
    // SQLite's own wait for a lock is 10 s.
    expect(longestMs).toBeLessThan(5000);
    other.exec('COMMIT');
    await ledger.close();
    expect(other.prepare('SELECT count(*) AS n FROM usage').get()).toEqual({ n: 200 });
  });

  it('writes again what could not be written, once, and says so in the log', async () => {
    const path = newPath();
    const said: string[] = [];
    const logger = { ...silent, error: (_: object, text: string) => void said.push(text) };
    const ledger = new Ledger({ path, logger, patienceMs: 50, retryMs: 20 });
    using other = openServerDatabase(path);
    other.exec(
      "CREATE TRIGGER full BEFORE INSERT ON usage WHEN new.number = 1 BEGIN SELECT RAISE(ABORT, 'disk is full'); END",
    );
    await Promise.all([0, 1, 2].map(() => ledger.record(answer())));
    await until(() => said.length > 1);
    other.exec('DROP TRIGGER full');
    await until(() => ledger.unwritten === 0);
    expect(other.prepare('SELECT number FROM usage ORDER BY number').all()).toEqual([
      { number: 0 },
      { number: 1 },
      { number: 2 },
    ]);
    expect(said[0]).toMatch(/the usage of \d answers could not be written/);
    await ledger.close();
  });

  it('lets in a key that another process has just made, and no more once it is revoked', async () => {
    const path = newPath();
    await using ledger = new Ledger({ path, logger: silent });
    using database = openServerDatabase(path);
    const gate = createGate({ ledger, required: true });
    const ask = (headers: Record<string, string>) => gate(new Request('http://a/', { headers }));
    const options = { name: 'ward 3', models: ['tiny'], requestsPerMinute: 5 };
    const { key, secret } = createKey(database, options);
    const caller = await ask({ authorization: `Bearer ${secret}` });
    expect(caller).toMatchObject({ key: key.id, models: ['tiny'], tenant: `key ${key.id}` });
    expect(await ask({ 'x-api-key': secret })).toBe(caller);
    const shared = createKey(database, { name: 'ward 4', tenant: key.id });
    expect((await ask({ 'x-api-key': shared.secret })).tenant).toBe(`tenant ${key.id}`);
    // Right id, another secret; no key at all; what is no key.
    const forged = `${secret.slice(0, -1)}${secret.endsWith('A') ? 'B' : 'A'}`;
    await expect(ask({ 'x-api-key': forged })).rejects.toMatchObject({ status: 401 });
    await expect(ask({})).rejects.toMatchObject({ code: 'CORRAL_KEY_MISSING' });
    await expect(ask({ authorization: 'Bearer none' })).rejects.toMatchObject({
      code: 'CORRAL_KEY_INVALID',
    });
    expect(() => createKey(database, options)).toThrow(/already/);
    revokeKey(database, 'ward 3');
    await until(() => ledger.findKey(key.id) === undefined);
    await expect(ask({ 'x-api-key': secret })).rejects.toMatchObject({ status: 401 });
    // The name is free again, and the row of the old key is still there.
    createKey(database, options);
    expect(listKeys(database).map(({ name }) => name)).toEqual(['ward 3', 'ward 4', 'ward 3']);
    expect(() => revokeKey(database, 'nobody')).toThrow(/There are: ward 4, ward 3/);
    const stored = JSON.stringify(database.prepare('SELECT * FROM keys').all());
    expect(stored).not.toContain(secret.split('-').at(-1));
  });

  it('asks for no key where none is required, but lets nobody in with a bad one', async () => {
    const path = newPath();
    await using ledger = new Ledger({ path, logger: silent });
    const gate = createGate({ ledger, required: false });
    const ask = (bearer: string) =>
      gate(new Request('http://a/', { headers: { authorization: `Bearer ${bearer}` } }));
    expect(await ask('none')).toBe(anonymous);
    const unknown = `sk-corral-0123456789ab-${'A'.repeat(43)}`;
    await expect(ask(unknown)).rejects.toMatchObject({ code: 'CORRAL_KEY_INVALID' });
  });
});
