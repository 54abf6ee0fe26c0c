// A row of the table of runs, for tests.
import type { RunRecord } from '../src/train/index.ts';

/** A run with some fields as given. */
export function runRecord(changes: Partial<RunRecord>): RunRecord {
  return {
    id: 'aaaa1111',
    name: 'first',
    command: 'train',
    status: 'running',
    startedAt: '2026-11-24T10:00:00.000Z',
    updatedAt: '2026-11-24T10:00:00.000Z',
    folder: '/runs/first',
    recipe: '{}',
    dataHash: 'abc',
    seed: 2 ** 52,
    commit: '',
    device: 'cpu',
    step: 1,
    steps: 10,
    loss: null,
    bestLoss: null,
    bestStep: null,
    tokensPerSecond: null,
    error: null,
    process: process.pid,
    ...changes,
  };
}
