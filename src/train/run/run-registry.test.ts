import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { runRecord } from '../../../test/run-record.ts';
import { RunRegistry } from './run-registry.ts';

const folder = mkdtempSync(join(tmpdir(), 'corral-runs-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('RunRegistry', () => {
  it('keeps the last that was said of a run, and lists the latest run first', () => {
    {
      using registry = new RunRegistry(folder);
      registry.put(runRecord({}));
      registry.put(runRecord({ status: 'finished', step: 10, loss: 0.5 }));
      const startedAt = '2026-11-24T11:00:00.000Z';
      registry.put(runRecord({ id: 'aabb2222', name: 'second', startedAt }));
    }
    using again = new RunRegistry(folder);
    expect(again.list().map(({ id }) => id)).toEqual(['aabb2222', 'aaaa1111']);
    expect(again.list()[1]).toEqual(runRecord({ status: 'finished', step: 10, loss: 0.5 }));
  });

  it('knows a run whose process is gone from one that goes on', () => {
    using registry = new RunRegistry(folder);
    // Beyond what any system hands out.
    registry.put(runRecord({ id: 'dead0000', name: 'gone', status: 'running', process: 2 ** 30 }));
    registry.put(runRecord({ id: 'live0000', name: 'going', status: 'running' }));
    const statuses = new Map(registry.list().map(({ id, status }) => [id, status]));
    expect(statuses.get('dead0000')).toBe('killed');
    expect(statuses.get('live0000')).toBe('running');
  });

  it('finds runs by id, by the beginning of one, and by a name that only one has', () => {
    using registry = new RunRegistry(folder);
    expect(registry.find('aaaa1111').name).toBe('first');
    expect(registry.find('aab').name).toBe('second');
    expect(registry.find('first').id).toBe('aaaa1111');
    expect(() => registry.find('aa')).toThrow('There is no run aa. There are: aabb2222, aaaa1111.');
    registry.put(runRecord({ id: 'cccc3333' }));
    expect(() => registry.find('first')).toThrow(/no run first. There are: (aaaa1111|cccc3333), /);
    expect(() => registry.find('')).toThrow('There is no run');
  });
});
