// Results and comparisons as tables for a terminal, in the form lm-evaluation-harness prints (Markdown).
// Of one result, its very columns; of several, one column of values for each.
import type { MetricValue } from '../task.ts';
import type { ResultComparison } from './compare-results.ts';
import { listNames } from './list-names.ts';
import { findTask, type StoredGroup, type StoredResult, type StoredTask } from './stored-result.ts';

type Head = StoredTask | StoredGroup;

/** The lines of the table of tasks, of the table of groups if there are any, and of what to know about them. */
export function formatResults(results: readonly StoredResult[]): string[] {
  const [first] = results;
  if (first === undefined) return [];
  const lines = formatRows(results, 'Tasks');
  if (results.some(({ groups }) => groups.length > 0)) {
    lines.push('', ...formatRows(results, 'Groups'));
  }
  return [...lines, '', ...results.flatMap(costLine), ...resultNotes(results)];
}

function formatRows(results: readonly StoredResult[], title: 'Tasks' | 'Groups'): string[] {
  const several = results.length > 1;
  const head = [title, 'Version', 'Filter', 'n-shot', 'Metric', ''];
  const table = [
    several
      ? [...head, ...results.map(({ model }) => model.name)]
      : [...head, 'Value', '', 'Stderr'],
  ];
  for (const { name, depth } of mergeRows(results)) {
    const heads = results.map((result) => findHead(result, name));
    const known = heads.find((one) => one !== undefined);
    if (known === undefined || (title === 'Groups' && !('members' in known))) continue;
    const keys = new Set(heads.flatMap((one) => Object.keys(one?.metrics ?? {})));
    const alias = `${depth === 0 ? '' : `${' '.repeat(depth)}- `}${known.alias}`;
    for (const [index, key] of [...keys].sort().entries()) {
      const comma = key.indexOf(',');
      const values = heads.map((one) => one?.metrics[key]);
      const better = values.find((value) => value !== undefined)?.higherIsBetter === true;
      table.push([
        index === 0 ? alias : '',
        index === 0 ? known.version : '',
        key.slice(comma + 1),
        String(known.shots ?? ''),
        key.slice(0, comma),
        better ? '↑' : '↓',
        ...(several ? values.map(showBoth) : showApart(values[0])),
      ]);
    }
    if (keys.size === 0) table.push([alias, known.version, ...head.slice(2).fill(''), '']);
  }
  return formatMarkdown(table, several ? results.map((_, index) => index + 6) : [6, 8]);
}

function findHead(result: StoredResult, name: string): Head | undefined {
  return findTask(result, name) ?? result.groups.find((group) => group.name === name);
}

/** Rows of the first result, then what only later ones have. */
function mergeRows(results: readonly StoredResult[]): StoredResult['rows'] {
  const rows = new Map(results.flatMap(({ rows }) => rows).map((row) => [row.name, row]));
  return [...rows.values()];
}

function showApart(metric: MetricValue | undefined): [string, string, string] {
  if (metric === undefined) return ['', '', ''];
  const { value, stderr } = metric;
  return [showNumber(value), '±', stderr === undefined ? 'N/A' : showNumber(stderr)];
}

function showBoth(metric: MetricValue | undefined): string {
  if (metric === undefined) return '';
  const { value, stderr } = metric;
  return stderr === undefined ? showNumber(value) : `${showNumber(value)} ± ${showNumber(stderr)}`;
}

/** Four digits, as the harness; perplexities of models that know nothing in powers of ten. */
function showNumber(value: number): string {
  return value < 1e6 ? value.toFixed(4) : value.toExponential(4);
}

/** What was computed against what a run that shares nothing would compute. */
function costLine({ model, cost, sitting }: StoredResult): string[] {
  if (cost === null || cost.plannedTokens === 0) return [];
  const show = (count: number): string => count.toLocaleString('en-US');
  const { plannedTokens: planned, naiveTokens: naive } = cost;
  const times = `${(naive / planned).toFixed(1)} times as many.`;
  if (sitting === null || sitting.computedTokens === planned) {
    return [
      `${model.name}: ${show(planned)} tokens computed; a run that shares nothing computes ${show(naive)}, ${times}`,
    ];
  }
  const { answers, kept, computedTokens: computed } = sitting;
  const asked = answers === 1 ? '1 request was asked' : `${show(answers)} requests were asked`;
  const keptToo = kept === 0 ? '' : `; answers kept from before: ${show(kept)}`;
  return [
    `${model.name}: a run without a break computes ${show(planned)} tokens, one that shares nothing ${show(naive)}, ${times} This one computed ${show(computed)}: ${asked}${keptToo}.`,
  ];
}

/** What a reader of the scores must know: what was cut, which are not comparable, which are of some items only. */
export function resultNotes(results: readonly StoredResult[]): string[] {
  const tasks = results.flatMap(({ tasks }) => tasks);
  const reasons = new Map<string, Set<string>>();
  for (const { alias, notComparable } of tasks) {
    if (notComparable === null) continue;
    reasons.set(notComparable, (reasons.get(notComparable) ?? new Set()).add(alias));
  }
  const notes = Array.from(reasons, ([reason, names]) => {
    const verb = names.size === 1 ? 'is' : 'are';
    return `${listNames([...names])} ${verb} not comparable with published scores. ${reason}`;
  });
  notes.unshift(...results.flatMap(cutNote));
  const isLimited = tasks.some(
    ({ count, originalCount }) => count !== null && originalCount !== null && count < originalCount,
  );
  if (isLimited) {
    notes.push('Some tasks were limited to their first items: their scores are for testing only.');
  }
  return notes;
}

/** Which tasks had prompts that the model's context has no room for. */
function cutNote({ model, tasks }: StoredResult): string[] {
  const cut = tasks
    .flatMap(({ alias, cutCount, count }) =>
      cutCount === null || cutCount === 0 ? [] : [{ alias, cutCount, count: count ?? cutCount }],
    )
    .sort((a, b) => b.cutCount - a.cutCount);
  if (cut.length === 0) return [];
  const room =
    model.maxLength === null ? '' : ` of ${model.maxLength.toLocaleString('en-US')} tokens`;
  const names = cut.map(({ alias, cutCount, count }) => `${alias} (${cutCount} of ${count} items)`);
  return [
    `${model.name} has a context${room}: longer prompts were cut on the left, as the harness does, in ${listNames(names)}.`,
  ];
}

/** The lines of a comparison. */
export function formatComparison(comparison: ResultComparison): string[] {
  const { first, second, confidence, comparisons, onlyFirst, onlySecond } = comparison;
  const percent = `${Math.round(confidence * 100)} %`;
  const table = [
    [
      'Tasks',
      'Filter',
      'Metric',
      '',
      'Items',
      'A',
      'B',
      'B − A',
      '±',
      `${percent} interval`,
      'only A',
      'only B',
      'p',
    ],
  ];
  for (const one of comparisons) {
    const { alias, depth, filter, metric, items, mcNemar } = one;
    table.push([
      `${depth === 0 ? '' : `${' '.repeat(depth)}- `}${alias}`,
      filter,
      metric,
      one.higherIsBetter ? '↑' : '↓',
      String(items),
      one.first.toFixed(4),
      one.second.toFixed(4),
      signed(one.difference),
      one.stderr.toFixed(4),
      `${signed(one.low)} to ${signed(one.high)}`,
      mcNemar === null ? '' : String(mcNemar.onlyFirst),
      mcNemar === null ? '' : String(mcNemar.onlySecond),
      mcNemar === null ? '' : showProbability(mcNemar.pValue),
    ]);
  }
  const missing = [
    ...onlyFirst.map((name) => `${name} is in A alone.`),
    ...onlySecond.map((name) => `${name} is in B alone.`),
  ];
  return [
    ...[first, second].map((result, index) => {
      const file = first.model.name === second.model.name && result.path !== null;
      return `${'AB'[index]}: ${result.model.name}${file ? ` (${result.path})` : ''}`;
    }),
    '',
    ...formatMarkdown(table, [4, 5, 6, 7, 8, 9, 10, 11, 12]),
    '',
    'Interval: paired bootstrap over the items. only A, only B: items that one alone got right; p: McNemar’s exact test.',
    ...missing,
  ];
}

function signed(value: number): string {
  return `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(4)}`;
}

function showProbability(value: number): string {
  return value < 0.0001 ? '<0.0001' : value.toFixed(4);
}

function formatMarkdown(rows: readonly (readonly string[])[], right: readonly number[]): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [column, cell] of row.entries()) {
      widths[column] = Math.max(widths[column] ?? 3, cell.length);
    }
  }
  const lines = rows.map((row) => {
    const cells = widths.map((width, column) => {
      const cell = row[column] ?? '';
      return right.includes(column) ? cell.padStart(width) : cell.padEnd(width);
    });
    return `|${cells.join('|')}|`;
  });
  const rule = widths.map((width, column) =>
    right.includes(column) ? `${'-'.repeat(width - 1)}:` : '-'.repeat(width),
  );
  return [lines[0] ?? '', `|${rule.join('|')}|`, ...lines.slice(1)];
}
