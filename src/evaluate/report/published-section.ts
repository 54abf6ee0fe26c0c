// Our scores next to those that others published, sorted together, with what differs between the protocols.

import { type PublishedScore, type PublishedSource, publishedScores } from '../published-scores.ts';
import type { StoredResult } from '../results/stored-result.ts';
import type { MetricValue } from '../task.ts';
import { html, type Markup } from './html.ts';
import { barPlot, interval } from './plots.ts';
import { type ChanceLevels, findHead, isShare, showMetric } from './score-sections.ts';
import { shortNames } from './short-names.ts';

/** A bar of a card. */
interface Bar {
  readonly label: string;
  readonly value: number;
  readonly stderr?: number | undefined;
  readonly series: number | 'published';
  readonly mark: string;
  readonly title: string;
}

/** One card per task that has published figures; null when there is none. */
export function publishedSection(
  results: readonly StoredResult[],
  chance: ChanceLevels,
): Markup | null {
  const tasks = [...new Set(publishedScores.map(({ task }) => task))];
  const cards = tasks.flatMap((task) => publishedCard(task, results, chance) ?? []);
  if (cards.length === 0) return null;
  return html`<section id="published">
<h2>Beside published scores</h2>
<p class="lead">Ours are in colour. <b>†</b> another library, whose prompts differ. <b>‡</b> another number of examples in the prompt as well. Hover over a name for its source.</p>
<div class="grid">${cards}</div>
<details class="sources"><summary>Sources</summary><ul>${sourcesOf(tasks)}</ul></details>
</section>`;
}

function publishedCard(
  task: string,
  results: readonly StoredResult[],
  chance: ChanceLevels,
): Markup | null {
  const scores = publishedScores.filter((score) => score.task === task);
  const wanted = scores[0]?.metric ?? '';
  const labels = shortNames(results.map(({ model }) => model.name));
  const ours = results.flatMap((result, series) => {
    const head = findHead(result, task);
    const found = head === undefined ? undefined : nearestMetric(head.metrics, wanted);
    if (head === undefined || found === undefined) return [];
    return [{ ...found, series, shots: head.shots, alias: head.alias, name: result.model.name }];
  });
  const [first] = ours;
  if (first === undefined) return null;
  const shots = new Set(ours.map((one) => one.shots));
  const bars: Bar[] = [
    ...ours.map(({ metric: { value, stderr }, series, name, key }) => ({
      label: labels[series] ?? name,
      value,
      stderr,
      series,
      mark: '',
      title: `${name}: ${showMetric(key)}`,
    })),
    ...scores.map((score) => publishedBar(score, shots)),
  ].sort((a, b) => b.value - a.value);
  const own = [...shots].map((count) => (count === null ? '?' : String(count))).join(' and ');
  return html`<article class="card">
<h3>${first.alias}</h3>
<p class="small">${first.alias === task ? null : `${task} · `}${showMetric(first.key)}, ${own} shots</p>
<table class="bars">${bars.map((bar) => barRow(bar, { chance: chance.get(task) }))}</table>
</article>`;
}

function publishedBar(
  { model, percent, shots, source }: PublishedScore,
  ours: ReadonlySet<number | null>,
): Bar {
  const same = typeof shots === 'number' && [...ours].every((count) => count === shots);
  const mark = same ? (source.isHarness ? '' : '†') : '‡';
  const title = `${source.title}; ${shots} shots. ${source.protocol}`;
  return { label: model, value: percent / 100, series: 'published', mark, title };
}

/** One line: name, bar, value. */
export function barRow(bar: Bar, options: { readonly chance?: number | undefined } = {}): Markup {
  const [low, high] = interval(bar);
  const range =
    bar.stderr === undefined ? '' : `, ${(low * 100).toFixed(1)} to ${(high * 100).toFixed(1)} %`;
  return html`<tr class="${bar.series === 'published' ? 'published' : 'ours'} s-${bar.series}" title="${bar.title}${range}">
<th scope="row">${bar.label}${bar.mark === '' ? null : html`<sup>${bar.mark}</sup>`}</th>
<td class="scale">${barPlot(bar, options)}</td>
<td class="number">${(bar.value * 100).toFixed(1)}</td>
</tr>`;
}

/** The wanted metric, else one of the same name under another filter, else the first that is a share. */
export function nearestMetric(
  metrics: Readonly<Record<string, MetricValue>>,
  wanted: string,
): { readonly key: string; readonly metric: MetricValue } | undefined {
  const name = wanted.split(',')[0];
  const keys = Object.keys(metrics);
  const candidates = [
    ...keys.filter((key) => key === wanted),
    ...keys.filter((key) => key.split(',')[0] === name),
    ...keys,
  ];
  for (const key of candidates) {
    const metric = metrics[key];
    if (metric !== undefined && isShare(metric)) return { key, metric };
  }
  return undefined;
}

function sourcesOf(tasks: readonly string[]): Markup[] {
  const sources = new Map<string, PublishedSource>();
  for (const { task, source } of publishedScores) {
    if (tasks.includes(task)) sources.set(source.title, source);
  }
  return [...sources.values()].map(
    ({ title, url, protocol }) =>
      html`<li><a href="${url}" rel="noreferrer">${title}</a>. ${protocol}</li>`,
  );
}
