// Scores by kind of ability, in the categories of the Llama 2 paper (table 3), and the members of each
// large group. A category is the mean of those of its tasks that were run, for published models over the
// very same tasks.
import { publishedScores } from '../published-scores.ts';
import type { StoredResult } from '../results/stored-result.ts';
import { html, type Markup } from './html.ts';
import { barRow, nearestMetric } from './published-section.ts';
import { type ChanceLevels, findHead } from './score-sections.ts';
import { shortNames } from './short-names.ts';

const categories: readonly (readonly [name: string, tasks: readonly string[]])[] = [
  ['Code', ['humaneval', 'mbpp']],
  [
    'Commonsense reasoning',
    [
      'piqa',
      'siqa',
      'hellaswag',
      'winogrande',
      'arc_easy',
      'arc_challenge',
      'openbookqa',
      'commonsense_qa',
    ],
  ],
  ['World knowledge', ['triviaqa']],
  ['Reading comprehension', ['boolq']],
  ['Math', ['gsm8k', 'math']],
  ['MMLU', ['mmlu']],
  ['BBH', ['bbh']],
  ['AGIEval', ['agieval_en']],
];

const shownModels = [
  'Llama 2 7B',
  'Llama 2 13B',
  'Llama 2 70B',
  'Falcon 40B',
  'MPT 30B',
  'GPT-3.5',
  'GPT-4',
];
const smallestGroup = 4;

/** Null when there is neither a category nor a large group. */
export function categorySection(
  results: readonly StoredResult[],
  chance: ChanceLevels,
): Markup | null {
  const cards = categories.flatMap(([name, tasks]) => categoryCard(name, tasks, results) ?? []);
  const groups = [...new Set(results.flatMap((result) => result.groups.map(({ name }) => name)))];
  const charts = groups.flatMap((name) => groupChart(name, results, chance) ?? []);
  if (cards.length + charts.length === 0) return null;
  return html`<section id="categories">
<h2>By category</h2>
<p class="lead">The categories of the Llama 2 paper, over those of their tasks that were run. Published models are averaged over the same tasks, where all are known; their protocols differ.</p>
<div class="grid">${cards}</div>
${charts}
</section>`;
}

function categoryCard(
  name: string,
  tasks: readonly string[],
  results: readonly StoredResult[],
): Markup | null {
  const run = tasks.filter((task) =>
    results.some((result) => findHead(result, task) !== undefined),
  );
  if (run.length === 0) return null;
  const labels = shortNames(results.map(({ model }) => model.name));
  const ours = results.flatMap((result, series) => {
    const metrics = run.map((task) => {
      const wanted = publishedScores.find((score) => score.task === task)?.metric ?? '';
      return nearestMetric(findHead(result, task)?.metrics ?? {}, wanted)?.metric;
    });
    const known = metrics.flatMap((metric) => metric ?? []);
    if (known.length < run.length) return [];
    const variance = known.reduce((sum, { stderr = 0 }) => sum + stderr ** 2, 0);
    return [
      {
        label: labels[series] ?? result.model.name,
        value: known.reduce((sum, { value }) => sum + value, 0) / known.length,
        stderr: Math.sqrt(variance) / known.length,
        series,
        mark: '',
        title: `${result.model.name}: mean of ${run.length}`,
      },
    ];
  });
  if (ours.length === 0) return null;
  const published = shownModels.flatMap((model) => {
    const scores = run.map((task) =>
      publishedScores.find((score) => score.model === model && score.task === task),
    );
    const known = scores.flatMap((score) => score ?? []);
    if (known.length < run.length) return [];
    const value = known.reduce((sum, { percent }) => sum + percent, 0) / known.length / 100;
    const title = [...new Set(known.map(({ source }) => source.title))].join('; ');
    return [{ label: model, value, series: 'published' as const, mark: '†', title }];
  });
  const bars = [...ours, ...published].sort((a, b) => b.value - a.value);
  const missing = tasks.length - run.length;
  const part = missing === 0 ? '' : ` (${missing} of ${tasks.length} not run)`;
  return html`<article class="card">
<h3>${name}</h3>
<p class="small">${run.join(', ')}${part}</p>
<table class="bars">${bars.map((bar) => barRow(bar))}</table>
</article>`;
}

function groupChart(
  name: string,
  results: readonly StoredResult[],
  chance: ChanceLevels,
): Markup | null {
  const group = results.flatMap(({ groups }) => groups).find((one) => one.name === name);
  const members = (group?.members ?? []).filter((member) =>
    results.some((result) => findHead(result, member) !== undefined),
  );
  if (group === undefined || members.length < smallestGroup) return null;
  const wanted = Object.keys(group.metrics)[0] ?? '';
  const rows = members
    .map((member) => ({
      member,
      bars: results.flatMap((result, series) => {
        const head = findHead(result, member);
        const found = nearestMetric(head?.metrics ?? {}, wanted);
        if (head === undefined || found === undefined) return [];
        const { value, stderr } = found.metric;
        const label = results.length > 1 && series > 0 ? '' : head.alias;
        return [
          { label, value, stderr, series, mark: '', title: `${result.model.name}: ${head.alias}` },
        ];
      }),
    }))
    .filter(({ bars }) => bars.length > 0)
    .sort((a, b) => (b.bars[0]?.value ?? 0) - (a.bars[0]?.value ?? 0));
  if (rows.length === 0) return null;
  return html`<details class="card chart" ${rows.length <= 12 ? 'open' : ''}>
<summary><h3>${group.alias}</h3> <span class="small">${rows.length} parts, best first</span></summary>
<div class="columns">${rows.map(({ member, bars }) => html`<table class="bars">${bars.map((bar) => barRow(bar, { chance: chance.get(member) }))}</table>`)}</div>
</details>`;
}
