// Lines of samples files back into items: one item per document, its filters side by side. Reads what
// Corral writes and what lm-evaluation-harness has written since 0.4.0 (arguments as lists, answers that are
// not yet texts).
import { z } from 'zod';
import type { ItemValue } from '../task.ts';
import type { StoredItem, StoredScore } from './stored-result.ts';

const rowSchema = z.looseObject({
  doc_id: z.number().int(),
  target: z.unknown(),
  arguments: z.union([
    z.record(z.string(), z.record(z.string(), z.unknown())),
    z.array(z.unknown()),
  ]),
  resps: z.array(z.unknown()),
  filtered_resps: z.array(z.unknown()).optional(),
  filter: z.string().optional(),
  metrics: z.array(z.string()).optional(),
  doc_hash: z.string().optional(),
  prompt_hash: z.string().optional(),
  target_hash: z.string().optional(),
  cut_tokens: z.array(z.number()).optional(),
});

type Row = z.infer<typeof rowSchema>;

const columns: ReadonlySet<string> = new Set([...Object.keys(rowSchema.shape), 'doc', 'choices']);

/** Gathers lines into items; the text parts of the first line of an item are kept. */
export class ItemCollector {
  readonly #items = new Map<number, StoredItem & { filters: Record<string, StoredScore> }>();

  /** Takes a parsed line; false when it is no such line. */
  add(value: unknown): boolean {
    const parsed = rowSchema.safeParse(value);
    if (!parsed.success) return false;
    const row = parsed.data;
    const filter = row.filter ?? 'none';
    const there = this.#items.get(row.doc_id);
    if (there !== undefined) there.filters[filter] = scoreOf(row);
    else this.#items.set(row.doc_id, { ...itemOf(row), filters: { [filter]: scoreOf(row) } });
    return true;
  }

  /** The items in order of their documents. */
  items(): readonly StoredItem[] {
    return [...this.#items.values()].sort((a, b) => a.docId - b.docId);
  }
}

function itemOf(row: Row): Omit<StoredItem, 'filters'> {
  const requests = (
    Array.isArray(row.arguments) ? row.arguments : Object.values(row.arguments)
  ).map((one) => (typeof one === 'object' && one !== null ? Object.values(one) : [one]));
  const contexts = requests.map(([context]) => String(context ?? ''));
  const shared = contexts.every((context) => context === contexts[0]);
  const continuations = requests.flatMap(([, second]) =>
    typeof second === 'string' ? [second] : [],
  );
  const answers = row.resps.flatMap((one) => (Array.isArray(one) ? one : [one]));
  const pairs = answers.flatMap((one) => (Array.isArray(one) && one.length === 2 ? [one] : []));
  const isRolling = continuations.length === 0 && requests.every((request) => request.length === 1);
  const texts = pairs.length > 0 || isRolling ? [] : answers.map(String);
  return {
    docId: row.doc_id,
    docHash: row.doc_hash ?? '',
    promptHash: row.prompt_hash ?? '',
    targetHash: row.target_hash ?? '',
    target: String(row.target),
    contexts: shared ? contexts.slice(0, 1) : contexts,
    continuations: pairs.length > 0 ? continuations : [],
    logprobs:
      pairs.length > 0
        ? pairs.map(([logprob]) => Number(logprob))
        : isRolling
          ? answers.map(Number)
          : [],
    greedy: pairs.map(([, greedy]) => greedy === true || greedy === 'True'),
    texts,
    cutTokens: row.cut_tokens?.reduce((sum, cut) => sum + cut, 0) ?? null,
  };
}

function scoreOf(row: Row): StoredScore {
  const names = row.metrics ?? Object.keys(row).filter((name) => !columns.has(name));
  const values: Record<string, ItemValue> = {};
  for (const name of names) {
    const value = itemValue(row[name]);
    if (value !== undefined) values[name] = value;
  }
  return { values, filtered: (row.filtered_resps ?? []).map(textOf) };
}

function itemValue(value: unknown): ItemValue | undefined {
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (typeof value === 'number') return value;
  if (!Array.isArray(value) || value.length !== 2) return undefined;
  const [first, second] = value as unknown[];
  return typeof first === 'number' && typeof second === 'number' ? [first, second] : undefined;
}

function textOf(value: unknown): string {
  return Array.isArray(value) ? value.map(textOf).join(', ') : String(value);
}
