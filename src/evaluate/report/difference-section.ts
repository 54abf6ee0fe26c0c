// What changed from the first model to each of the others, item by item: the differences with their
// intervals about zero.
import { CorralError } from '../../base/define-errors.ts';
import {
  type CompareOptions,
  type Comparison,
  compareResults,
} from '../results/compare-results.ts';
import type { StoredResult } from '../results/stored-result.ts';
import { html, type Markup } from './html.ts';
import { differencePlot } from './plots.ts';
import { showMetric, toggle } from './score-sections.ts';

/** Null when there is one result alone. Results that are not paired get the reason in place of a table. */
export async function differenceSection(
  results: readonly StoredResult[],
  options: CompareOptions,
): Promise<Markup | null> {
  const [first, ...others] = results;
  if (first === undefined || others.length === 0) return null;
  const parts = await Promise.all(others.map((other) => differenceTable(first, other, options)));
  return html`<section id="difference">
<h2>Difference</h2>
<p class="lead">The same items, paired: the interval is a bootstrap over items (${Math.round((options.confidence ?? 0.95) * 100)} %); p is McNemar’s exact test on the items that one alone got right.</p>
${parts}
</section>`;
}

async function differenceTable(
  first: StoredResult,
  second: StoredResult,
  options: CompareOptions,
): Promise<Markup> {
  const title = html`<h3>${second.model.name} <span class="small">against ${first.model.name}</span></h3>`;
  try {
    const { comparisons } = await compareResults(first, second, options);
    const shares = comparisons.filter(isShare);
    const ends = shares.flatMap(({ low, high }) => [Math.abs(low), Math.abs(high)]);
    const reach = Math.max(0.01, ...ends) * 1.05;
    return html`${title}
<table class="scores differences">
<thead><tr><th scope="col">Task</th><th scope="col">Metric</th><th scope="col" class="number">Items</th><th scope="col" class="number">Difference</th><th scope="col" class="number">Interval</th><th scope="col" class="number">Only first</th><th scope="col" class="number">Only second</th><th scope="col" class="number">p</th><th scope="col" class="scale"><span>−${(reach * 100).toFixed(0)}</span><span>0</span><span>+${(reach * 100).toFixed(0)}</span></th></tr></thead>
${comparisons.map((one, index) => differenceRow(one, { reach, root: rootOf(comparisons, index), isNew: comparisons[index - 1]?.name !== one.name }))}
</table>`;
  } catch (error) {
    if (!CorralError.isInstance(error)) throw error;
    return html`${title}<p class="warning">${error.message}</p>`;
  }
}

/** The group at the top of what a comparison belongs to, for folding; its own name where it is one. */
function rootOf(comparisons: readonly Comparison[], index: number): string | null {
  const own = comparisons[index];
  const top = comparisons.slice(0, index + 1).findLast(({ depth }) => depth === 0);
  const next = comparisons.slice(index + 1).find(({ name }) => name !== own?.name);
  const isGroup = own?.depth === 0 && (next?.depth ?? 0) > 0;
  return isGroup || own?.depth !== 0 ? `difference ${top?.name}` : null;
}

function differenceRow(
  one: Comparison,
  {
    reach,
    root,
    isNew,
  }: { readonly reach: number; readonly root: string | null; readonly isNew: boolean },
): Markup {
  const share = isShare(one);
  const show = (value: number): string =>
    `${value < 0 ? '−' : '+'}${(Math.abs(value) * (share ? 100 : 1)).toFixed(share ? 1 : 3)}`;
  const isClear = one.low > 0 || one.high < 0;
  const better = isClear ? one.difference > 0 === one.higherIsBetter : null;
  const { mcNemar } = one;
  const name = html`<span class="depth-${Math.min(one.depth, 3)}">${one.alias}</span>`;
  const isTop = one.depth === 0 && root !== null;
  return html`<tbody${isTop || root === null ? null : html` data-member="${root}"`}><tr class="${isTop ? 'group' : 'task'}">
<th scope="row">${isNew ? (isTop ? toggle(root, name) : name) : null}</th>
<td class="metric">${showMetric(`${one.metric},${one.filter}`)}</td>
<td class="number">${one.items.toLocaleString('en-US')}</td>
<td class="number ${better === null ? '' : better ? 'better' : 'worse'}">${show(one.difference)}</td>
<td class="number">${show(one.low)} to ${show(one.high)}</td>
<td class="number">${mcNemar?.onlyFirst}</td>
<td class="number">${mcNemar?.onlySecond}</td>
<td class="number">${mcNemar === null ? null : showProbability(mcNemar.pValue)}</td>
<td class="scale">${share ? differencePlot(one, { reach, better }) : null}</td>
</tr></tbody>`;
}

function isShare({ first, second, higherIsBetter }: Comparison): boolean {
  return higherIsBetter && [first, second].every((value) => value >= 0 && value <= 1);
}

function showProbability(value: number): string {
  return value < 0.001 ? '< 0.001' : value.toFixed(3);
}
