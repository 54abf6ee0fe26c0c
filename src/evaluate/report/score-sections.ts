// The sections about the results themselves: the models, and the table of scores with error bars.

import { resultNotes } from '../results/results-table.ts';
import {
  findTask,
  type StoredGroup,
  type StoredResult,
  type StoredTask,
} from '../results/stored-result.ts';
import type { MetricValue } from '../task.ts';
import { html, type Markup } from './html.ts';
import { dotPlot } from './plots.ts';

/** Guessing's share of right answers, by task and group; absent where nothing is chosen from. */
export type ChanceLevels = ReadonlyMap<string, number>;

/** One card per model: what was evaluated, how, and what it cost. */
export function modelCards(results: readonly StoredResult[]): Markup {
  return html`<section class="cards" aria-label="Models">${results.map(modelCard)}</section>`;
}

function modelCard(result: StoredResult, index: number): Markup {
  const { model, cost } = result;
  const facts: readonly (readonly [string, string | null])[] = [
    ['Weights', model.sha256 === null ? null : model.sha256.slice(0, 16)],
    ['Type', model.quantisation],
    ['Parameters', model.parameters === null ? null : showCount(model.parameters)],
    [
      'Context',
      model.maxLength === null ? null : `${model.maxLength.toLocaleString('en-US')} tokens`,
    ],
    [
      'Chat template',
      model.chatTemplateSha256 === null ? 'none' : model.chatTemplateSha256.slice(0, 16),
    ],
    ['BOS', model.bosPolicy],
    ['Device', model.device],
    ['Where', model.location],
    ['Computed by', result.harness],
    [
      'When',
      result.startedAt === null
        ? null
        : new Date(result.startedAt).toISOString().slice(0, 16).replace('T', ' '),
    ],
    ['Took', result.seconds === null ? null : showSeconds(result.seconds)],
    ['Limit', result.limit === null ? null : `first ${result.limit} items of each task`],
    [
      'Tokens',
      cost === null || cost.plannedTokens === 0
        ? null
        : `${showCount(cost.plannedTokens)}, ${(cost.naiveTokens / cost.plannedTokens).toFixed(1)} × fewer than asking anew each time`,
    ],
  ];
  const known = facts.filter((fact): fact is readonly [string, string] => fact[1] !== null);
  return html`<article class="card model s-${index}">
<h2>${model.name}</h2>
<dl>${known.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>
</article>`;
}

/** The table of all tasks and groups. */
export function scoresSection(results: readonly StoredResult[], chance: ChanceLevels): Markup {
  const several = results.length > 1;
  const names = results.map(
    ({ model }, index) =>
      html`<th scope="col" class="number s-${index}">${several ? model.name : 'Score'}</th>`,
  );
  return html`<section id="scores">
<h2>Scores</h2>
<p class="lead">Bars reach 95 % to each side. A dotted line marks guessing. Perplexities have no scale to stand on.</p>
<table class="scores">
<thead><tr><th scope="col">Task</th><th scope="col">Shots</th><th scope="col">Metric</th>${names}<th scope="col" class="scale"><span>0</span><span>50</span><span>100 %</span></th></tr></thead>
${rowsOf(results).map((row) => tableBody(row, results, chance))}
</table>
${notesOf(results)}
</section>`;
}

interface Row {
  readonly name: string;
  readonly depth: number;
  readonly isGroup: boolean;
  /** The root group it stands under. */
  readonly root: string | null;
}

/** Rows of all results, in the order of the first that has them. */
function rowsOf(results: readonly StoredResult[]): Row[] {
  const rows = new Map<string, Row>();
  for (const result of results) {
    let root = '';
    for (const { name, depth } of result.rows) {
      if (depth === 0) root = name;
      const isGroup = result.groups.some((group) => group.name === name);
      if (!rows.has(name))
        rows.set(name, { name, depth, isGroup, root: depth === 0 ? null : root });
    }
  }
  return [...rows.values()];
}

/** The task or the group of that name. */
export function findHead(result: StoredResult, name: string): StoredTask | StoredGroup | undefined {
  return findTask(result, name) ?? result.groups.find((group) => group.name === name);
}

function tableBody(row: Row, results: readonly StoredResult[], chance: ChanceLevels): Markup {
  const heads = results.map((result) => findHead(result, row.name));
  const known = heads.find((head) => head !== undefined);
  const keys = [...new Set(heads.flatMap((head) => Object.keys(head?.metrics ?? {})))];
  const comparable = heads.every(
    (head) => head === undefined || !('notComparable' in head) || head.notComparable === null,
  );
  const lines = (keys.length === 0 ? [''] : keys).map((key, index) => {
    const values = heads.map((head) => head?.metrics[key]);
    const first = index === 0;
    const name = html`<span class="depth-${Math.min(row.depth, 3)}">${known?.alias ?? row.name}</span>${comparable ? null : html`<abbr title="Not comparable with published scores: see below">*</abbr>`}`;
    return html`<tr class="${row.isGroup ? 'group' : 'task'}">
<th scope="row">${first ? (row.isGroup && row.depth === 0 ? toggle(row.name, name) : name) : null}</th>
<td class="number">${first ? known?.shots : null}</td>
<td class="metric">${showMetric(key)}</td>
${values.map((value) => html`<td class="number">${value === undefined ? '–' : showValue(value)}</td>`)}
<td class="scale">${plotOf(values, chance.get(row.name), key)}</td>
</tr>`;
  });
  const member = row.root === null ? null : html` data-member="${row.root}"`;
  return html`<tbody${member}>${lines}</tbody>`;
}

/** A button that folds the rows whose `data-member` is its group. */
export function toggle(group: string, name: Markup): Markup {
  return html`<button type="button" class="toggle" data-group="${group}" aria-expanded="true">${name}</button>`;
}

function plotOf(
  values: readonly (MetricValue | undefined)[],
  chance: number | undefined,
  key: string,
): Markup | null {
  if (!values.some((value) => value !== undefined && isShare(value))) return null;
  const isChosen = key.startsWith('acc');
  return dotPlot(
    values.map((value, series) => (value === undefined ? undefined : { ...value, series })),
    { chance: isChosen ? chance : undefined },
  );
}

/** Is this a number from 0 to 1, of which more is better? */
export function isShare({ value, higherIsBetter }: MetricValue): boolean {
  return higherIsBetter && value >= 0 && value <= 1;
}

/** `exact_match,strict-match` → `exact match · strict-match`. */
export function showMetric(key: string): string {
  const [metric = '', filter] = key.split(',');
  const name = metric.replaceAll('_', ' ');
  return filter === undefined || filter === 'none' ? name : `${name} · ${filter}`;
}

/** Shares in per cent, others as they are. */
export function showValue(metric: MetricValue): Markup {
  const { value, stderr } = metric;
  const scale = isShare(metric) ? 100 : 1;
  const digits = isShare(metric) ? 1 : 3;
  const show = (number: number): string => {
    if (Number.isNaN(number)) return 'not a number';
    return number < 1e6 ? (number * scale).toFixed(digits) : number.toExponential(2);
  };
  const bar = stderr === undefined ? null : html`<span class="stderr"> ± ${show(stderr)}</span>`;
  return html`${show(value)}${bar}`;
}

function notesOf(results: readonly StoredResult[]): Markup | null {
  const notes = resultNotes(results);
  if (notes.length === 0) return null;
  return html`<ul class="notes">${notes.map((note) => html`<li>${note}</li>`)}</ul>`;
}

/** 6738415616 → `6.74 B`. */
export function showCount(count: number): string {
  for (const [size, letter] of [
    [1e9, 'B'],
    [1e6, 'M'],
    [1e3, 'k'],
  ] as const) {
    if (count >= size) return `${(count / size).toPrecision(3)} ${letter}`;
  }
  return String(count);
}

function showSeconds(seconds: number): string {
  if (seconds < 120) return `${seconds.toFixed(1)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 120 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
