// What a run of the load bench found, and how it is shown: figures beside what they should be.
import type { MemorySample } from './memory.ts';
import type { PrefixResult } from './prefix.ts';
import type { StageResult } from './stage.ts';
import { median } from './statistics.ts';

/** A stage and the server's memory at its end. */
export interface MeasuredStage extends StageResult {
  readonly memory: MemorySample;
}

/** Everything that was measured, and where. */
export interface LoadReport {
  readonly date: string;
  readonly cpu: string;
  readonly threads: number;
  readonly loadBefore: number;
  readonly command: string;
  readonly seconds: number;
  readonly stages: readonly MeasuredStage[];
  readonly prefix: PrefixResult;
  /** The same load on both, in turn; none when llama.cpp was skipped. */
  readonly rounds: readonly { readonly corral: StageResult; readonly llamaCpp: StageResult }[];
  readonly memory: { readonly samples: readonly MemorySample[]; readonly restPerMinute: number };
}

/** Tables in Markdown. */
export function formatReport(report: LoadReport): string {
  const { date, cpu, threads, loadBefore, command, stages, rounds } = report;
  const day = date.slice(0, 16).replace('T', ' ');
  return [
    `${day} UTC, ${cpu}, ${threads} threads, load average ${loadBefore.toFixed(2)} before`,
    `\n    ${command}\n`,
    formatStages(stages),
    '',
    ...(rounds.length === 0 ? [] : [formatRounds(rounds), '']),
    formatGoals(report),
    ...formatFailures([...stages, ...rounds.flatMap((each) => [each.corral, each.llamaCpp])]),
  ].join('\n');
}

function formatStages(stages: readonly MeasuredStage[]): string {
  return table(
    [
      'streams',
      'long prompts',
      'tokens/s',
      'gap, ms: median',
      'p99',
      'longest',
      'first token, ms: median',
      'longest',
      'of long prompts: median',
      'failed',
      'RSS, MiB',
      'of it cache',
    ],
    stages.map((stage) => [
      `${stage.streams}`,
      `${stage.longPrompts}`,
      stage.tokensPerSecond.toFixed(1),
      ms(stage.gapMs.median),
      ms(stage.gapMs.p99),
      ms(stage.gapMs.max),
      ms(stage.firstTokenMs.median),
      ms(stage.firstTokenMs.max),
      ms(stage.longFirstTokenMs.median),
      `${stage.failures.length}`,
      stage.memory.rss.toFixed(0),
      stage.memory.cache.toFixed(0),
    ]),
  );
}

function formatRounds(rounds: LoadReport['rounds']): string {
  const row = (name: string, [a, b]: readonly [number, number]): string[] => [
    name,
    a.toFixed(1),
    b.toFixed(1),
    (a / b).toFixed(2),
  ];
  return table(
    [`${rounds[0]?.corral.streams} streams, tokens/s`, 'Corral', 'llama.cpp', 'ratio'],
    [
      ...rounds.map(({ corral, llamaCpp }, index) =>
        row(`round ${index + 1}`, [corral.tokensPerSecond, llamaCpp.tokensPerSecond]),
      ),
      row('medians', medians(rounds)),
    ],
  );
}

function medians(rounds: LoadReport['rounds']): [number, number] {
  return [
    median(rounds.map(({ corral }) => corral.tokensPerSecond)),
    median(rounds.map(({ llamaCpp }) => llamaCpp.tokensPerSecond)),
  ];
}

function formatGoals({ stages, prefix, rounds, memory }: LoadReport): string {
  const [one, eight, , mixed] = stages;
  const ratio = (eight?.tokensPerSecond ?? 0) / (one?.tokensPerSecond ?? 0);
  const stall = (mixed?.gapMs.p99 ?? 0) / (eight?.gapMs.median ?? 0);
  const [ours, theirs] = medians(rounds);
  const failed = stages.reduce((sum, { failures }) => sum + failures.length, 0);
  return table(
    ['what', 'found', 'wanted'],
    [
      ['tokens/s at 8 streams over 1', ratio.toFixed(2), 'at least 3'],
      ...(rounds.length === 0
        ? []
        : [['tokens/s over llama.cpp, 8 streams', (ours / theirs).toFixed(2), 'at least 3.5']]),
      ['p99 gap with long prompts over the median gap without', stall.toFixed(2), 'at most 3'],
      ['first token after a new preamble of 1,000, ms', ms(prefix.firstMs), ''],
      ['the same preamble, another question, ms', ms(prefix.secondMs), 'at most 150'],
      ['first over second', (1 / prefix.ratio).toFixed(1), 'at least 30'],
      ['requests that failed', `${failed}`, '0'],
      ['memory beyond the cache, MiB per minute', memory.restPerMinute.toFixed(2), 'flat'],
    ],
  );
}

function formatFailures(stages: readonly StageResult[]): string[] {
  const reasons = new Set(stages.flatMap(({ failures }) => failures));
  return [...reasons].slice(0, 10).map((reason) => `\nfailed: ${reason}`);
}

function ms(value: number): string {
  return Number.isNaN(value) ? '–' : value.toFixed(0);
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const rule = `|${head.map((_, index) => (index === 0 ? '---' : '---:')).join('|')}|`;
  return [line(head), rule, ...rows.map(line)].join('\n');
}
