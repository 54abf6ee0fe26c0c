// One line of a samples file per item and filter, as lm-evaluation-harness writes it (0.4.9,
// loggers/evaluation_tracker.py and evaluator.py), and the way back. Beyond the harness's columns a line
// has `choices` and `cut_tokens`.
import { createHash } from 'node:crypto';
import { pythonFloat, pythonJson, pythonString } from '../python-values.ts';
import type { ModelRequest, ModelResponse } from '../request.ts';
import type { ItemResult } from '../result.ts';
import type { ItemValue } from '../task.ts';

/** A line of a samples file. Each metric named in `metrics` is a column of its own. */
export interface SampleRow {
  readonly doc_id: number;
  readonly doc: unknown;
  readonly target: string;
  /** `gen_args_<request>` → `arg_<position>`. */
  readonly arguments: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** Per request, per repetition: the answer; log-likelihoods as `[logprob, is_greedy]`. */
  readonly resps: readonly unknown[];
  readonly filtered_resps: readonly unknown[];
  readonly filter: string;
  readonly metrics: readonly string[];
  readonly doc_hash: string;
  readonly prompt_hash: string;
  readonly target_hash: string;
  readonly [column: string]: unknown;
}

/** sha256 of a text, in hex. */
export function hashText(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** The lines of a task: all items under the first filter, then under the next. */
export function* sampleRows(items: readonly ItemResult[]): Generator<SampleRow> {
  const filters = filterNames(items);
  const hashes = filters.length > 1 ? items.map(hashItem) : [];
  for (const filter of filters) {
    for (const [index, item] of items.entries()) {
      yield sampleRow(item, filter, hashes[index] ?? hashItem(item));
    }
  }
}

/** The task's hash: over the three hashes of every line. */
export function hashTask(items: readonly ItemResult[]): string {
  const one = items.map((item) => Object.values(hashItem(item)).join('')).join('');
  return hashText(one.repeat(Math.max(filterNames(items).length, 1)));
}

/** Filters in the order in which the items name them. */
function filterNames(items: readonly ItemResult[]): string[] {
  const keys = new Set(items.flatMap(({ score }) => Object.keys(score.values)));
  return [...new Set(Array.from(keys, (key) => key.slice(key.indexOf(',') + 1)))];
}

interface ItemHashes {
  readonly doc_hash: string;
  readonly prompt_hash: string;
  readonly target_hash: string;
}

function hashItem({ doc, target, requests }: ItemResult): ItemHashes {
  const [first] = requests;
  const prompt = first === undefined ? '' : first.kind === 'rolling' ? first.text : first.context;
  return {
    doc_hash: hashText(pythonJson(doc)),
    prompt_hash: hashText(prompt),
    target_hash: hashText(pythonString(target)),
  };
}

function sampleRow(item: ItemResult, filter: string, hashes: ItemHashes): SampleRow {
  const { docId, doc, target, choices, requests, responses, score } = item;
  const values: Record<string, ItemValue> = {};
  for (const [key, value] of Object.entries(score.values)) {
    const comma = key.indexOf(',');
    if (key.slice(comma + 1) === filter) values[key.slice(0, comma)] = value;
  }
  const repeats = groupRepeats(requests);
  return {
    doc_id: docId,
    doc,
    target: pythonString(target),
    arguments: Object.fromEntries(
      repeats.map(({ request }, index) => [`gen_args_${index}`, argumentsOf(request)]),
    ),
    resps: repeats.map(({ indexes }) => indexes.map((index) => answerOf(responses[index]))),
    filtered_resps: (score.filtered[filter] ?? []).map(filteredText),
    filter,
    metrics: Object.keys(values),
    ...hashes,
    ...(choices === undefined ? {} : { choices }),
    cut_tokens: responses.map((response) => ('cut' in response ? response.cut : 0)),
    ...values,
  };
}

/** Repeated samples of one context are one request of the harness with several answers. */
function groupRepeats(
  requests: readonly ModelRequest[],
): { readonly request: ModelRequest; readonly indexes: number[] }[] {
  const groups: { request: ModelRequest; indexes: number[] }[] = [];
  for (const [index, request] of requests.entries()) {
    const last = groups.at(-1);
    const repeated =
      last !== undefined &&
      request.kind === 'generate' &&
      last.request.kind === 'generate' &&
      last.request.context === request.context;
    if (repeated) last.indexes.push(index);
    else groups.push({ request, indexes: [index] });
  }
  return groups;
}

function argumentsOf(request: ModelRequest): Record<string, unknown> {
  switch (request.kind) {
    case 'loglikelihood':
      return { arg_0: request.context, arg_1: request.continuation };
    case 'rolling':
      return { arg_0: request.text };
    case 'generate': {
      const { context, until, maxTokens, temperature, topP } = request;
      const sampled = temperature > 0;
      const settings = {
        until,
        max_gen_toks: maxTokens,
        do_sample: sampled,
        temperature,
        ...(sampled ? { top_p: topP } : {}),
      };
      return { arg_0: context, arg_1: settings };
    }
  }
}

function answerOf(response: ModelResponse | undefined): unknown {
  switch (response?.kind) {
    case 'loglikelihood':
      return [pythonFloat(response.logprob), response.greedy ? 'True' : 'False'];
    case 'rolling':
      return pythonFloat(response.logprob);
    default:
      return response?.text ?? '';
  }
}

/** As the harness's `sanitize_list`: whatever is no list becomes text. */
function filteredText(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(filteredText);
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value === 'number') return pythonFloat(value);
  if (typeof value === 'object' && value !== null && 'kind' in value) {
    return answerOf(value as ModelResponse);
  }
  return String(value);
}
