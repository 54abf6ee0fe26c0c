// One HTML page about one run or several side by side: curves, samples, recipes and where they differ.
// Self-contained: everything, uPlot too, is in the one file. Texts of models are never markup.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { EvaluationMetrics, Metrics, SampleMetrics, StepMetrics } from '../metrics.ts';
import type { RunRecord } from '../run/run-registry.ts';

/** A run with what its folder says. */
export interface RunForPage {
  readonly record: RunRecord;
  readonly metrics: readonly Metrics[];
}

// Points of a curve beyond which neighbours are averaged: more than a screen shows.
const mostPoints = 2000;

// Okabe and Ito's palette: told apart by the colour-blind, too.
const colours = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9'] as const;

const escapes: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => escapes[character] as string);
}

function asset(name: string): string {
  return readFileSync(new URL(`./${name}`, import.meta.url), 'utf8');
}

function uplot(file: string): string {
  return readFileSync(createRequire(import.meta.url).resolve(`uplot/dist/${file}`), 'utf8');
}

/**
 * The page as HTML.
 * @example await writeFile('run.html', makeRunsPage([{ record, metrics: await readMetrics('runs/a/metrics.jsonl') }]));
 */
export function makeRunsPage(runs: readonly RunForPage[]): string {
  const title = runs.map(({ record }) => record.name).join(' · ');
  const numbers = JSON.stringify(runs.map(curvesOf)).replaceAll('<', '\\u003c');
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escapeHtml(title)}</title>
<style>${uplot('uPlot.min.css')}</style>
<style>${asset('runs-page.css')}</style>
</head>
<body>
<h1>${escapeHtml(title)}</h1>
${table('facts', runs, summaryRows(runs))}
<h2>Curves</h2>
<p><label>Smoothing <input id="smoothing" type="range" min="0" max="0.99" step="0.01" value="0.9"></label></p>
<div class="charts">
${chart('loss', 'Training loss (nats per token)')}
${chart('heldOut', 'Held-out loss (nats per token)')}
${chart('gradientNorm', 'Gradient norm before clipping')}
${chart('learningRate', 'Learning rate')}
${chart('speed', 'Tokens per second')}
</div>
${samples(runs)}
<h2>Recipe</h2>
${table('facts recipe', runs, recipeRows(runs))}
<script type="application/json" id="numbers">${numbers}</script>
<script>${uplot('uPlot.iife.min.js')}</script>
<script>${asset('draw-curves.js')}</script>
</body>
</html>
`;
}

function colourOf(index: number): string {
  return colours[index % colours.length] as string;
}

function chart(id: string, title: string): string {
  return `<section class="chart"><h3>${title}</h3><div id="${id}"></div></section>`;
}

type Row = readonly [name: string, cells: readonly string[]];

function table(kind: string, runs: readonly RunForPage[], rows: readonly Row[]): string {
  const head = runs.map(
    ({ record }, index) =>
      `<th scope="col"><span class="key" style="background:${colourOf(index)}"></span>${escapeHtml(record.name)}</th>`,
  );
  const body = rows.map(([name, cells]) => {
    const mark = new Set(cells).size > 1 ? ' class="different"' : '';
    const shown = cells.map((cell) => `<td>${escapeHtml(cell)}</td>`).join('');
    return `<tr${mark}><th scope="row">${escapeHtml(name)}</th>${shown}</tr>`;
  });
  return `<table class="${kind}"><thead><tr><td></td>${head.join('')}</tr></thead><tbody>\n${body.join('\n')}\n</tbody></table>`;
}

function summaryRows(runs: readonly RunForPage[]): Row[] {
  const row = (name: string, show: (record: RunRecord) => string): Row => [
    name,
    runs.map(({ record }) => show(record)),
  ];
  const fixed = (value: number | null, digits: number): string => value?.toFixed(digits) ?? '';
  return [
    row('id', ({ id }) => id),
    row('status', ({ status, error }) => (error === null ? status : `${status}: ${error}`)),
    row('steps', ({ step, steps }) => `${step} of ${steps}`),
    row('last loss', ({ loss }) => fixed(loss, 4)),
    row('lowest held-out loss', ({ bestLoss, bestStep }) =>
      bestLoss === null ? '' : `${fixed(bestLoss, 4)} at step ${bestStep}`,
    ),
    row('tokens per second', ({ tokensPerSecond }) => fixed(tokensPerSecond, 0)),
    row('begun', ({ startedAt }) => startedAt),
    row('last heard of', ({ updatedAt }) => updatedAt),
    row('folder', ({ folder }) => folder),
    row('data', ({ dataHash }) => dataHash.slice(0, 16)),
    row('commit', ({ commit }) => commit),
    row('device', ({ device }) => device),
  ];
}

function recipeRows(runs: readonly RunForPage[]): Row[] {
  const flat = runs.map(({ record }) => new Map(flatten(JSON.parse(record.recipe) as unknown, '')));
  const names = new Set(flat.flatMap((fields) => [...fields.keys()]));
  return [...names].map((name): Row => [name, flat.map((fields) => fields.get(name) ?? '')]);
}

function* flatten(value: unknown, path: string): Generator<[string, string]> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    yield [path, typeof value === 'string' ? value : JSON.stringify(value)];
    return;
  }
  for (const [key, inner] of Object.entries(value)) {
    yield* flatten(inner, path === '' ? key : `${path}.${key}`);
  }
}

function samples(runs: readonly RunForPage[]): string {
  const written = runs.flatMap(({ record, metrics }, index) =>
    metrics
      .filter((line): line is SampleMetrics => line.type === 'sample')
      .map((sample) => ({ ...sample, name: record.name, colour: colourOf(index) })),
  );
  if (written.length === 0) return '';
  const latestFirst = written.sort((a, b) => b.step - a.step);
  const articles = latestFirst.map(
    ({ step, name, colour, prompt, text }) =>
      `<article><header><span class="key" style="background:${colour}"></span>${escapeHtml(name)}, step ${step}</header><p><span class="prompt">${escapeHtml(prompt)}</span>${escapeHtml(text)}</p></article>`,
  );
  return `<h2>Samples</h2>\n${articles.join('\n')}`;
}

interface Curves {
  readonly label: string;
  readonly colour: string;
  readonly steps: readonly number[];
  readonly loss: readonly number[];
  readonly gradientNorm: readonly number[];
  readonly learningRate: readonly number[];
  readonly speed: readonly number[];
  readonly evaluationSteps: readonly number[];
  readonly evaluationLoss: readonly number[];
}

function curvesOf({ record, metrics }: RunForPage, index: number): Curves {
  const all = metrics.filter((line): line is StepMetrics => line.type === 'step');
  const evaluations = metrics.filter(
    (line): line is EvaluationMetrics => line.type === 'evaluation',
  );
  const groups = inGroups(all, Math.ceil(all.length / mostPoints));
  const mean = (pick: (line: StepMetrics, index: number) => number): number[] =>
    groups.map(
      ({ start, lines }) =>
        lines.reduce((sum, line, i) => sum + pick(line, start + i), 0) / lines.length,
    );
  return {
    label: record.name,
    colour: colourOf(index),
    steps: groups.map(({ lines }) => lines.at(-1)?.step ?? 0),
    loss: mean(({ loss }) => loss),
    gradientNorm: mean(({ gradientNorm }) => gradientNorm),
    learningRate: mean(({ learningRate }) => learningRate),
    speed: mean(({ tokens, seconds }, i) => (tokens - (all[i - 1]?.tokens ?? 0)) / seconds),
    evaluationSteps: evaluations.map(({ step }) => step),
    evaluationLoss: evaluations.map(({ loss }) => loss),
  };
}

function inGroups(
  lines: readonly StepMetrics[],
  size: number,
): { readonly start: number; readonly lines: readonly StepMetrics[] }[] {
  const count = size === 0 ? 0 : Math.ceil(lines.length / size);
  return Array.from({ length: count }, (_, group) => ({
    start: group * size,
    lines: lines.slice(group * size, (group + 1) * size),
  }));
}
