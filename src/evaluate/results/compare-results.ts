// Two results side by side on the same items: what changed, by how much, and whether chance would do it.
// Refuses what is not paired rather than comparing apples with pears.
import { errors } from '../../base/errors.ts';
import type { ItemValue } from '../task.ts';
import { makeDraws } from './bootstrap-random.ts';
import {
  type Contribution,
  type McNemar,
  mcNemar,
  type PairedDifference,
  pairedDifference,
} from './paired-statistics.ts';
import { findTask, type StoredItem, type StoredResult, type StoredTask } from './stored-result.ts';

/** One metric of a task, or of all tasks of a group together. */
export interface Comparison extends PairedDifference {
  readonly name: string;
  readonly alias: string;
  readonly depth: number;
  readonly metric: string;
  readonly filter: string;
  readonly items: number;
  readonly higherIsBetter: boolean;
  /** Where every value is 0 or 1. */
  readonly mcNemar: McNemar | null;
}

/** The whole of a comparison. */
export interface ResultComparison {
  readonly first: StoredResult;
  readonly second: StoredResult;
  readonly confidence: number;
  readonly comparisons: readonly Comparison[];
  /** Tasks that only one of the two has. */
  readonly onlyFirst: readonly string[];
  readonly onlySecond: readonly string[];
}

/** How to compare. */
export interface CompareOptions {
  /** Of the bootstrap; default 10,000. */
  readonly iterations?: number;
  readonly seed?: number;
  /** Default 0.95. */
  readonly confidence?: number;
  /** Accept the same items asked by different prompts, such as with and without a chat template. */
  readonly differentPrompts?: boolean;
}

interface Pair {
  readonly first: StoredItem;
  readonly second: StoredItem;
}

const finishes: Readonly<Record<string, (ratio: number) => number>> = {
  perplexity: (ratio) => Math.exp(-ratio),
  word_perplexity: (ratio) => Math.exp(-ratio),
  byte_perplexity: (ratio) => Math.exp(-ratio),
  bits_per_byte: (ratio) => -ratio / Math.LN2,
};

/** Compares the tasks that both results have. Throws RESULTS_UNPAIRED. */
export async function compareResults(
  first: StoredResult,
  second: StoredResult,
  options: CompareOptions = {},
): Promise<ResultComparison> {
  const names = first.tasks.map(({ name }) => name);
  const common = names.filter((name) => findTask(second, name) !== undefined);
  if (common.length === 0) {
    const have = (result: StoredResult): string => result.tasks.map(({ name }) => name).join(', ');
    const reason = `no task is in both: ${have(first)} against ${have(second)}`;
    throw errors.RESULTS_UNPAIRED({ reason });
  }
  const pairs = new Map<string, readonly Pair[]>();
  for (const name of common) {
    pairs.set(name, await pairTask(name, { first, second, options }));
  }
  const comparisons = first.rows.flatMap(({ name, depth }) =>
    compareRow({ name, depth, first, pairs, options }),
  );
  return {
    first,
    second,
    confidence: options.confidence ?? 0.95,
    comparisons,
    onlyFirst: names.filter((name) => !common.includes(name)),
    onlySecond: second.tasks.flatMap(({ name }) => (common.includes(name) ? [] : [name])),
  };
}

async function pairTask(
  name: string,
  sides: { first: StoredResult; second: StoredResult; options: CompareOptions },
): Promise<readonly Pair[]> {
  const first = findTask(sides.first, name) as StoredTask;
  const second = findTask(sides.second, name) as StoredTask;
  const refuse = (reason: string): never => {
    throw errors.RESULTS_UNPAIRED({ reason: `${name}: ${reason}` });
  };
  if (first.version !== second.version) {
    refuse(`version ${first.version} against version ${second.version}`);
  }
  const [ours, theirs] = [
    await readItems(first, sides.first),
    await readItems(second, sides.second),
  ];
  if (ours.length !== theirs.length) refuse(`${ours.length} items against ${theirs.length}`);
  return ours.map((item, index) => {
    const other = theirs[index] as StoredItem;
    if (item.docId !== other.docId) refuse(`item ${item.docId} against item ${other.docId}`);
    if (item.docHash !== other.docHash) refuse(`item ${item.docId} is another document`);
    if (item.targetHash !== other.targetHash) refuse(`item ${item.docId} has another target`);
    if (item.promptHash !== other.promptHash && sides.options.differentPrompts !== true) {
      const shots =
        first.shots === second.shots ? '' : ` (${first.shots} against ${second.shots} shots)`;
      refuse(`item ${item.docId} was asked by another prompt${shots}`);
    }
    return { first: item, second: other };
  });
}

async function readItems(task: StoredTask, result: StoredResult): Promise<readonly StoredItem[]> {
  const items = await task.readItems();
  if (items !== undefined) return items;
  const reason = `${task.name}: there is no samples file beside ${result.path}`;
  throw errors.RESULTS_UNPAIRED({ reason });
}

function compareRow({
  name,
  depth,
  first,
  pairs,
  options,
}: {
  readonly name: string;
  readonly depth: number;
  readonly first: StoredResult;
  readonly pairs: ReadonlyMap<string, readonly Pair[]>;
  readonly options: CompareOptions;
}): Comparison[] {
  const group = first.groups.find((one) => one.name === name);
  const head = group ?? findTask(first, name);
  if (head === undefined) return [];
  const inner = group === undefined ? [name] : leavesOf(name, first);
  // A group missing one of its tasks on one side would be another group.
  if (!inner.every((task) => pairs.has(task))) return [];
  const items = inner.flatMap((task) => pairs.get(task) ?? []);
  return Object.entries(head.metrics).flatMap(([key, { higherIsBetter }]) => {
    const comma = key.indexOf(',');
    const [metric, filter] = [key.slice(0, comma), key.slice(comma + 1)];
    const difference = compareMetric(items, { metric, filter, options });
    if (difference === undefined) return [];
    const { alias } = head;
    return [
      { name, alias, depth, metric, filter, items: items.length, higherIsBetter, ...difference },
    ];
  });
}

function leavesOf(name: string, result: StoredResult, seen = new Set<string>()): string[] {
  if (seen.has(name)) return [];
  seen.add(name);
  const group = result.groups.find((one) => one.name === name);
  if (group === undefined) return findTask(result, name) === undefined ? [] : [name];
  return group.members.flatMap((member) => leavesOf(member, result, seen));
}

/** Undefined where an item lacks the value, or where it is none a metric is made of item by item. */
function compareMetric(
  items: readonly Pair[],
  {
    metric,
    filter,
    options,
  }: { readonly metric: string; readonly filter: string; readonly options: CompareOptions },
): (PairedDifference & { readonly mcNemar: McNemar | null }) | undefined {
  const finish = finishes[metric];
  const values = items.map(({ first, second }) => ({
    first: first.filters[filter]?.values[metric],
    second: second.filters[filter]?.values[metric],
  }));
  const known = values.flatMap(({ first, second }) =>
    first === undefined || second === undefined ? [] : [{ first, second }],
  );
  if (known.length !== values.length || known.length === 0) return undefined;
  if (finish === undefined && known.some(({ first }) => typeof first !== 'number'))
    return undefined;
  const difference = pairedDifference(
    known.map((pair) => ({ first: contribution(pair.first), second: contribution(pair.second) })),
    {
      finish: finish ?? ((ratio) => ratio),
      isMean: finish === undefined,
      iterations: options.iterations ?? 10_000,
      confidence: options.confidence ?? 0.95,
      draw: makeDraws(options.seed ?? 1234),
    },
  );
  return { ...difference, mcNemar: finish === undefined ? countDisagreements(known) : null };
}

function contribution(value: ItemValue): Contribution {
  return typeof value === 'number' ? [value, 1] : value;
}

function countDisagreements(
  pairs: readonly { readonly first: ItemValue; readonly second: ItemValue }[],
): McNemar | null {
  const isRight = (value: ItemValue): boolean => value === 0 || value === 1;
  if (!pairs.every(({ first, second }) => isRight(first) && isRight(second))) return null;
  const onlyFirst = pairs.filter(({ first, second }) => first === 1 && second === 0).length;
  const onlySecond = pairs.filter(({ first, second }) => first === 0 && second === 1).length;
  return mcNemar(onlyFirst, onlySecond);
}
