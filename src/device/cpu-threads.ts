// How many threads pay: the physical cores this process may use, by its affinity and its cgroup's
// quota. Two threads on one core share its arithmetic units, so hyper-threads do not count.
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';

/** Reads a system file; undefined when it is not there. */
export type ReadText = (path: string) => string | undefined;

function readSystemFile(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

/** The numbers of a list like `0-3,8`. */
export function parseCpuList(list: string): number[] {
  return list
    .trim()
    .split(',')
    .filter((range) => range !== '')
    .flatMap((range) => {
      const [first = Number.NaN, last = first] = range.split('-').map(Number);
      return Array.from({ length: last - first + 1 }, (_, index) => first + index);
    });
}

function physicalCores(cpus: readonly number[], read: ReadText): number {
  const cores = cpus.map((cpu) => {
    const topology = `/sys/devices/system/cpu/cpu${cpu}/topology`;
    const siblings = read(`${topology}/core_cpus_list`) ?? read(`${topology}/thread_siblings_list`);
    return siblings?.trim() ?? `cpu ${cpu}`;
  });
  return new Set(cores).size;
}

// The quota may be set at any level above the process's own group.
function cgroupQuota(read: ReadText): number {
  let quota = Number.POSITIVE_INFINITY;
  const own = /^0::(.*)$/m.exec(read('/proc/self/cgroup') ?? '')?.[1] ?? '/';
  const steps = own.split('/').filter((step) => step !== '');
  for (let depth = 0; depth <= steps.length; depth++) {
    const folder = ['/sys/fs/cgroup', ...steps.slice(0, depth)].join('/');
    const [limit, period] = (read(`${folder}/cpu.max`) ?? 'max').trim().split(' ').map(Number);
    if (limit !== undefined && period !== undefined && limit > 0 && period > 0) {
      quota = Math.min(quota, limit / period);
    }
  }
  const oldLimit = Number(read('/sys/fs/cgroup/cpu/cpu.cfs_quota_us') ?? -1);
  const oldPeriod = Number(read('/sys/fs/cgroup/cpu/cpu.cfs_period_us') ?? -1);
  return oldLimit > 0 && oldPeriod > 0 ? Math.min(quota, oldLimit / oldPeriod) : quota;
}

/** The default number of threads. At least 1. */
export function usableCores(read: ReadText = readSystemFile): number {
  const allowed = /^Cpus_allowed_list:\s*(\S+)$/m.exec(read('/proc/self/status') ?? '')?.[1];
  const cores =
    allowed === undefined ? availableParallelism() : physicalCores(parseCpuList(allowed), read);
  // Rounded down: a thread beyond the quota would be stopped in mid-step, and the others wait.
  return Math.max(1, Math.min(cores, Math.floor(cgroupQuota(read))));
}
