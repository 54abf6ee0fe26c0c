// Groups: one number for many tasks, with its error bar (lm_eval/api/group.py and metrics.py
// `pooled_sample_stderr`, `unweighted_mean_stderr`, 0.4.13). Always over the tasks at the leaves.
import type { GroupResult } from '../result.ts';
import type { MetricValue, TaskGroup } from '../task.ts';

/** What a group needs of its tasks. */
export interface GroupMember {
  readonly name: string;
  /** Items scored. */
  readonly size: number;
  readonly metrics: Readonly<Record<string, MetricValue>>;
}

/** The numbers of each group, over those of its tasks that are there. */
export function aggregateGroups(
  groups: readonly TaskGroup[],
  members: readonly GroupMember[],
): GroupResult[] {
  const byName = new Map(groups.map((group) => [group.name, group]));
  const leaves = (group: TaskGroup): string[] =>
    group.members.flatMap((name) => {
      const inner = byName.get(name);
      return inner === undefined ? [name] : leaves(inner);
    });
  return groups.map((group) => {
    const names = new Set(leaves(group));
    const own = members.filter(({ name }) => names.has(name));
    const metrics: Record<string, MetricValue> = {};
    for (const { metric, filters, weightBySize } of group.metrics) {
      for (const filter of filters) {
        const key = `${metric},${filter}`;
        const combined = combine(own, key, weightBySize);
        if (combined !== undefined) metrics[key] = combined;
      }
    }
    return { group, metrics };
  });
}

function combine(
  members: readonly GroupMember[],
  key: string,
  weightBySize: boolean,
): MetricValue | undefined {
  const parts = members.flatMap(({ metrics, size }) => {
    const metric = metrics[key];
    return metric === undefined ? [] : [{ ...metric, size }];
  });
  const [first] = parts;
  if (first === undefined) return undefined;
  const weights = parts.map(({ size }) => (weightBySize ? size : 1));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const value = parts.reduce((sum, part, i) => sum + part.value * (weights[i] ?? 0), 0) / total;
  const { higherIsBetter } = first;
  const stderrs = parts.flatMap(({ stderr }) => (stderr === undefined ? [] : [stderr]));
  if (stderrs.length < parts.length) return { value, higherIsBetter };
  const sizes = parts.map(({ size }) => size);
  const stderr = weightBySize ? pooledError(stderrs, sizes) : unweightedError(stderrs);
  return { value, stderr, higherIsBetter };
}

/** √(Σ (n−1)·se²·n / (Σn − k) / Σn). */
export function pooledError(stderrs: readonly number[], sizes: readonly number[]): number {
  const total = sizes.reduce((sum, size) => sum + size, 0);
  const variance =
    stderrs.reduce((sum, stderr, i) => {
      const size = sizes[i] ?? 0;
      return sum + (size - 1) * stderr ** 2 * size;
    }, 0) /
    (total - sizes.length);
  return Math.sqrt(variance / total);
}

/** √(Σ se²) / k. */
export function unweightedError(stderrs: readonly number[]): number {
  return Math.sqrt(stderrs.reduce((sum, stderr) => sum + stderr ** 2, 0)) / stderrs.length;
}
