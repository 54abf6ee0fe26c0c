// One report as one HTML file: everything inside, nothing fetched, nothing a model wrote ever run. The content
// security policy allows these very scripts and this very style sheet, and no request at all.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { writeFileAtomically } from '../../formats/files.ts';
import type { CompareOptions } from '../results/compare-results.ts';
import type { StoredResult } from '../results/stored-result.ts';
import { categorySection } from './category-section.ts';
import { differenceSection } from './difference-section.ts';
import { html, type Markup, trusted } from './html.ts';
import { encodeItems, type PackedItems, packItems } from './pack-items.ts';
import { publishedSection } from './published-section.ts';
import { type ChanceLevels, modelCards, scoresSection } from './score-sections.ts';

/** How the report is made. */
export interface ReportOptions extends CompareOptions {
  readonly title?: string;
}

/** The page, as text of an HTML file. */
export async function makeReport(
  results: readonly StoredResult[],
  options: ReportOptions = {},
): Promise<string> {
  const items = await packItems(results);
  const chance = chanceLevels(items, results);
  const [published, categories, difference] = [
    publishedSection(results, chance),
    categorySection(results, chance),
    await differenceSection(results, options),
  ];
  const itemCount = items.tasks.reduce((sum, task) => sum + task.items.length, 0);
  const sections: readonly (readonly [string, string, Markup | null])[] = [
    ['scores', 'Scores', scoresSection(results, chance)],
    ['difference', 'Difference', difference],
    ['published', 'Published', published],
    ['categories', 'Categories', categories],
    ['items', 'Items', itemCount === 0 ? null : itemsSection(itemCount)],
  ];
  const shown = sections.filter(([, , section]) => section !== null);
  const names = results.map(({ model }) => model.name).join(', ');
  const title = options.title ?? `Evaluation of ${names}`;
  const style = readAsset('report.css');
  const scripts = ['draw-item.js', 'browse-items.js'].map(readAsset);
  const policy = `default-src 'none'; style-src '${hashOf(style)}'; script-src ${scripts.map((script) => `'${hashOf(script)}'`).join(' ')}; base-uri 'none'; form-action 'none'`;
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<style>${trusted(style)}</style>
</head>
<body>
<header>
<h1>${title}</h1>
<nav aria-label="Sections">${shown.map(([id, name]) => html`<a href="#${id}">${name}</a>`)}<button type="button" id="theme">Theme</button></nav>
</header>
<main>
${modelCards(results)}
${shown.map(([, , section]) => section)}
</main>
<footer>Made by Corral. This page holds all it shows and fetches nothing.</footer>
<script type="text/plain" id="packed-items">${trusted(encodeItems(items))}</script>
${scripts.map((script) => html`<script>${trusted(script)}</script>`)}
</body>
</html>
`;
  return page.text;
}

/** Writes a page, whole or not at all. Throws FILE_UNWRITABLE or FILE_KIND_WRONG. */
export function writeReportFile(path: string, page: string): Promise<void> {
  return writeFileAtomically(path, (sink) => sink.write(new TextEncoder().encode(page)));
}

function itemsSection(count: number): Markup {
  return html`<section id="items">
<h2>Items</h2>
<p class="lead">${count.toLocaleString('en-US')} items with their prompts and answers. Press <kbd>/</kbd> to search, <kbd>↑</kbd> <kbd>↓</kbd> to go through them.</p>
<noscript><p class="warning">Browsing the items needs JavaScript.</p></noscript>
<div class="browser" hidden>
<form class="filters" role="search">
<input type="search" id="query" placeholder="Search prompts, choices and answers" aria-label="Search" autocomplete="off" spellcheck="false">
<select id="task" aria-label="Task"></select>
<select id="verdict" aria-label="Verdict"></select>
<output id="count" for="query task verdict"></output>
</form>
<div class="panes">
<div class="list" id="list" role="listbox" tabindex="0" aria-label="Items"><div class="spacer"></div></div>
<article class="detail" id="detail" aria-live="polite"></article>
</div>
</div>
</section>`;
}

/** One over the number of choices, averaged over a task's items, and over a group's by its items. */
function chanceLevels(items: PackedItems, results: readonly StoredResult[]): ChanceLevels {
  const sums = new Map<string, readonly [sum: number, count: number]>();
  for (const { name, items: list } of items.tasks) {
    const choices = list.map(([, , contexts, continuations]) =>
      Math.max(contexts.length, continuations.length),
    );
    if (choices.length === 0 || choices.some((count) => count < 2)) continue;
    sums.set(name, [choices.reduce((sum, count) => sum + 1 / count, 0), choices.length]);
  }
  const groups = new Map(
    results.flatMap((result) => result.groups.map((group) => [group.name, group.members] as const)),
  );
  const collect = (name: string, depth = 0): readonly [number, number] | undefined => {
    const own = sums.get(name);
    const members = groups.get(name);
    if (own !== undefined || members === undefined || depth > 8) return own;
    const parts = members.map((member) => collect(member, depth + 1));
    if (parts.some((part) => part === undefined)) return undefined;
    return parts.reduce<readonly [number, number]>(
      ([sum, count], part) => [sum + (part?.[0] ?? 0), count + (part?.[1] ?? 0)],
      [0, 0],
    );
  };
  const levels = new Map<string, number>();
  for (const name of [...sums.keys(), ...groups.keys()]) {
    const found = collect(name);
    if (found !== undefined && found[1] > 0) levels.set(name, found[0] / found[1]);
  }
  return levels;
}

function readAsset(name: string): string {
  return readFileSync(new URL(name, import.meta.url), 'utf8');
}

function hashOf(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`;
}
