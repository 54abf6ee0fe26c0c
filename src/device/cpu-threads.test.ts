// Counts cores from made-up system files: what the machine of the test has must not matter.
import { expect, it } from 'vitest';
import { parseCpuList, usableCores } from './cpu-threads.ts';

function machine(files: Readonly<Record<string, string>>): (path: string) => string | undefined {
  return (path) => files[path];
}

const topology = (cpu: number, siblings: string): readonly [string, string] => [
  `/sys/devices/system/cpu/cpu${cpu}/topology/core_cpus_list`,
  `${siblings}\n`,
];

// Two cores with two hyper-threads each: 0 and 2, 1 and 3.
const hyperThreaded = Object.fromEntries([
  topology(0, '0,2'),
  topology(1, '1,3'),
  topology(2, '0,2'),
  topology(3, '1,3'),
]);
const status = (list: string): Record<string, string> => ({
  '/proc/self/status': `Name:\tnode\nCpus_allowed_list:\t${list}\nMems_allowed:\t1\n`,
});

it('reads lists of ranges', () => {
  expect(parseCpuList('0-3,8,10-11\n')).toEqual([0, 1, 2, 3, 8, 10, 11]);
  expect(parseCpuList('')).toEqual([]);
});

it('counts hyper-threads of one core once', () => {
  expect(usableCores(machine({ ...status('0-3'), ...hyperThreaded }))).toBe(2);
});

it('counts only the cores this process may run on', () => {
  expect(usableCores(machine({ ...status('0,2'), ...hyperThreaded }))).toBe(1);
});

it('stays within the quota of any cgroup above it, rounded down, at least 1', () => {
  const files = (quota: string): Record<string, string> => ({
    ...status('0-15'),
    '/proc/self/cgroup': '0::/kubepods/pod1\n',
    '/sys/fs/cgroup/kubepods/cpu.max': quota,
    '/sys/fs/cgroup/kubepods/pod1/cpu.max': 'max 100000\n',
  });
  expect(usableCores(machine(files('350000 100000\n')))).toBe(3);
  expect(usableCores(machine(files('50000 100000\n')))).toBe(1);
  expect(usableCores(machine(files('max 100000\n')))).toBe(16);
});

it('reads the old cgroup files too', () => {
  const old = {
    '/sys/fs/cgroup/cpu/cpu.cfs_quota_us': '200000',
    '/sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000',
  };
  expect(usableCores(machine({ ...status('0-7'), ...old }))).toBe(2);
});

it('finds at least one core where the system tells nothing', () => {
  expect(usableCores(() => undefined)).toBeGreaterThanOrEqual(1);
});
