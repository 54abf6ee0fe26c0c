// Every item of some results as compact data for the page: what items of a task share is there once, and
// the whole is compressed. The page's script reads exactly this shape.
import { gzipSync } from 'node:zlib';
import { findTask, type StoredItem, type StoredResult } from '../results/stored-result.ts';
import type { ItemValue } from '../task.ts';

/** What one model answered: log-probabilities, texts, values by metric, filtered answers by metric, tokens cut. */
export type PackedAnswer = readonly [
  logprobs: readonly number[],
  texts: readonly string[],
  values: readonly (ItemValue | null)[],
  filtered: readonly string[],
  cutTokens: number,
];

/** One item: contexts without what all contexts of the task begin with, and an answer or null per model. */
export type PackedItem = readonly [
  docId: number,
  target: string,
  contexts: readonly string[],
  continuations: readonly string[],
  answers: readonly (PackedAnswer | null)[],
];

/** One task. */
export interface PackedTask {
  readonly name: string;
  readonly alias: string;
  /** `metric,filter`, in the order of the values. */
  readonly metrics: readonly string[];
  /** What every context begins with. */
  readonly prefix: string;
  readonly items: readonly PackedItem[];
}

/** All of it. */
export interface PackedItems {
  readonly models: readonly string[];
  readonly tasks: readonly PackedTask[];
}

/** Reads and packs the items of all results; tasks whose samples were not kept are left out. */
export async function packItems(results: readonly StoredResult[]): Promise<PackedItems> {
  const names = new Set(results.flatMap(({ tasks }) => tasks.map(({ name }) => name)));
  const tasks: PackedTask[] = [];
  for (const name of names) {
    const task = await packTask(name, results);
    if (task !== undefined) tasks.push(task);
  }
  return { models: results.map(({ model }) => model.name), tasks };
}

/** Compressed, as text that can stand in a page. */
export function encodeItems(items: PackedItems): string {
  return gzipSync(JSON.stringify(items), { level: 9 }).toString('base64');
}

async function packTask(
  name: string,
  results: readonly StoredResult[],
): Promise<PackedTask | undefined> {
  const heads = results.map((result) => findTask(result, name));
  const items = await Promise.all(heads.map((head) => head?.readItems()));
  // By document and prompt: models that were asked differently get rows of their own.
  const rows = new Map<string, (StoredItem | undefined)[]>();
  for (const [model, list] of items.entries()) {
    for (const item of list ?? []) {
      const key = `${item.docId} ${item.docHash} ${item.promptHash}`;
      const row =
        rows.get(key) ?? new Array<StoredItem | undefined>(results.length).fill(undefined);
      row[model] = item;
      rows.set(key, row);
    }
  }
  if (rows.size === 0) return undefined;
  const metrics = [...new Set(heads.flatMap((head) => Object.keys(head?.metrics ?? {})))];
  const kept = [...rows.values()].sort((a, b) => idOf(a) - idOf(b));
  const prefix = commonPrefix(kept.flatMap((row) => firstOf(row)?.contexts ?? []));
  return {
    name,
    alias: heads.find((head) => head !== undefined)?.alias ?? name,
    metrics,
    prefix,
    items: kept.flatMap((row) => {
      const item = firstOf(row);
      if (item === undefined) return [];
      const contexts = item.contexts.map((context) => context.slice(prefix.length));
      const answers = row.map((one) => (one === undefined ? null : packAnswer(one, metrics)));
      return [[item.docId, item.target, contexts, item.continuations, answers] as const];
    }),
  };
}

function firstOf(row: readonly (StoredItem | undefined)[]): StoredItem | undefined {
  return row.find((item) => item !== undefined);
}

function idOf(row: readonly (StoredItem | undefined)[]): number {
  return firstOf(row)?.docId ?? 0;
}

function packAnswer(item: StoredItem, metrics: readonly string[]): PackedAnswer {
  const parts = metrics.map((key) => {
    const comma = key.indexOf(',');
    return { metric: key.slice(0, comma), score: item.filters[key.slice(comma + 1)] };
  });
  const values = parts.map(({ metric, score }) => score?.values[metric] ?? null);
  // A log-likelihood's filtered answer repeats its log-probabilities.
  const filtered =
    item.texts.length === 0 ? [] : parts.map(({ score }) => score?.filtered.join(', ') ?? '');
  const logprobs = item.logprobs.map((logprob) => Math.round(logprob * 1e4) / 1e4);
  return [logprobs, item.texts, values, filtered, item.cutTokens ?? 0];
}

/** What all texts begin with, up to a line's end, so that questions stay whole. */
function commonPrefix(texts: readonly string[]): string {
  const [first = '', ...rest] = texts;
  let length = first.length;
  for (const text of rest) {
    let same = 0;
    while (same < length && same < text.length && text[same] === first[same]) same++;
    length = same;
  }
  if (rest.length === 0) return '';
  return first.slice(0, first.lastIndexOf('\n', length - 1) + 1);
}
