// Small plots as SVG whose x axis is in per cent of their width, so that they stretch without a script and
// without styles, which the page's policy forbids in attributes.
import { type HtmlValue, html, type Markup } from './html.ts';

/** A value on a scale from 0 to 1 with its error bar. */
export interface PlottedValue {
  readonly value: number;
  readonly stderr?: number | undefined;
  /** Which of the page's colours: the model's place, or `published`. */
  readonly series: number | 'published';
}

const rowHeight = 16;

/** Where a share lies on the x axis. */
export function percent(share: number): string {
  return `${Math.round(Math.min(1, Math.max(0, share)) * 1e4) / 100}%`;
}

/** A bar from 0 with its error bar, and a tick where guessing would be. */
export function barPlot(
  { value, stderr, series }: PlottedValue,
  { chance }: { readonly chance?: number | undefined } = {},
): Markup {
  const bar = html`<rect class="fill s-${series}" x="0" y="3" width="${percent(value)}" height="10" rx="1.5"/>`;
  return plot(1, [
    html`<line class="axis" x1="0" x2="100%" y1="8" y2="8"/>`,
    bar,
    chance === undefined ? null : tick(chance),
    whisker({ value, stderr }, 8),
  ]);
}

/** One dot per model with its error bar, each on a line of its own. */
export function dotPlot(
  values: readonly (PlottedValue | undefined)[],
  { chance }: { readonly chance?: number | undefined } = {},
): Markup {
  const lines = values.map((one, index) => {
    const y = index * rowHeight + 8;
    const axis = html`<line class="axis" x1="0" x2="100%" y1="${y}" y2="${y}"/>`;
    if (one === undefined) return axis;
    const { series } = one;
    const dot = html`<circle class="fill s-${series}" cx="${percent(one.value)}" cy="${y}" r="4"/>`;
    const [low, high] = interval(one);
    const bar = html`<line class="error s-${series}" x1="${percent(low)}" x2="${percent(high)}" y1="${y}" y2="${y}"/>`;
    return html`${axis}${bar}${dot}`;
  });
  return plot(values.length, [chance === undefined ? null : tick(chance, values.length), lines]);
}

/** A difference with its interval about a line at zero. `reach` is the largest distance shown. */
export function differencePlot(
  {
    difference,
    low,
    high,
  }: { readonly difference: number; readonly low: number; readonly high: number },
  { reach, better }: { readonly reach: number; readonly better: boolean | null },
): Markup {
  const at = (value: number): string => percent(0.5 + value / (2 * reach));
  const tone = better === null ? 'even' : better ? 'better' : 'worse';
  return plot(1, [
    html`<line class="axis" x1="0" x2="100%" y1="8" y2="8"/>`,
    html`<line class="zero" x1="50%" x2="50%" y1="0" y2="${rowHeight}"/>`,
    html`<line class="error ${tone}" x1="${at(low)}" x2="${at(high)}" y1="8" y2="8"/>`,
    html`<circle class="fill ${tone}" cx="${at(difference)}" cy="8" r="4"/>`,
  ]);
}

function plot(rows: number, content: HtmlValue): Markup {
  return html`<svg class="plot" width="100%" height="${rows * rowHeight}" aria-hidden="true">${content}</svg>`;
}

function tick(share: number, rows = 1): Markup {
  const x = percent(share);
  return html`<line class="chance" x1="${x}" x2="${x}" y1="0" y2="${rows * rowHeight}"/>`;
}

/** 95 % by the normal distribution: 1.96 standard errors to each side. */
export function interval({
  value,
  stderr,
}: Pick<PlottedValue, 'value' | 'stderr'>): [number, number] {
  const reach = 1.96 * (stderr ?? 0);
  return [value - reach, value + reach];
}

function whisker(value: Pick<PlottedValue, 'value' | 'stderr'>, y: number): Markup | null {
  if (value.stderr === undefined || value.stderr === 0) return null;
  const [low, high] = interval(value).map((end) => percent(end));
  return html`<line class="whisker" x1="${low}" x2="${high}" y1="${y}" y2="${y}"/><line class="whisker" x1="${low}" x2="${low}" y1="${y - 3}" y2="${y + 3}"/><line class="whisker" x1="${high}" x2="${high}" y1="${y - 3}" y2="${y + 3}"/>`;
}
