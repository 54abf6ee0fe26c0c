// corral eval diff and corral eval report: what was evaluated before, compared and shown. Neither runs a
// model.
import type { Command } from 'commander';
import type { StoredResult } from '../evaluate/index.ts';
import {
  addCommonOptions,
  type CommonOptions,
  dropUndefined,
  readNumber,
} from './command-options.ts';
import { type Context, printJson, printLines } from './context.ts';
import { forTerminal, tell } from './io.ts';

interface DiffOptions extends CommonOptions {
  readonly bootstrap?: number;
  readonly seed?: number;
  readonly confidence?: number;
  readonly differentPrompts?: boolean;
}

interface ReportFlags extends DiffOptions {
  readonly out: string;
  readonly title?: string;
}

const large = 2 ** 31 - 1;

/** Adds `corral eval diff`. */
export function addEvalDiff(command: Command, context: Context): void {
  const diff = command
    .command('diff')
    .summary('compare two results on the same items')
    .description(
      'Compares two results item by item: the difference of each metric with its standard error and its bootstrap interval, and McNemar’s exact test. A and B are results_<time>.json files, of Corral or of lm-evaluation-harness, or folders of them.',
    )
    .argument('<a>', 'results of the first model')
    .argument('<b>', 'results of the second model')
    .action((a, b, options) => compare(a, b, options, context));
  addCommonOptions(addCompareOptions(diff), 'the comparison');
}

/** Adds `corral eval report`. */
export function addEvalReport(command: Command, context: Context): void {
  const report = command
    .command('report')
    .summary('one page about one or more results')
    .description(
      'Writes one HTML file with scores, published scores beside them, differences, and every item to browse. It fetches nothing and runs nothing that a model wrote.',
    )
    .argument('<results...>', 'results_<time>.json files, or folders of them')
    .option('--out <file>', 'where to write it', 'report.html')
    .option('--title <text>', 'what it is called')
    .action((paths, options) => showReport(paths, options, context));
  addCommonOptions(addCompareOptions(report), 'where it was written');
}

function addCompareOptions(command: Command): Command {
  const whole = (flag: string, low: number): ((text: string) => number) =>
    readNumber(flag, { low, high: large, whole: true });
  const share = readNumber('--confidence', { low: 0.5, high: 0.9999 });
  return command
    .option('--bootstrap <n>', 'resamples of the interval (default 10000)', whole('--bootstrap', 1))
    .option('--seed <n>', 'seed of the resamples (default 1234)', whole('--seed', 0))
    .option('--confidence <share>', 'of the interval (default 0.95)', share)
    .option('--different-prompts', 'compare the same items asked by different prompts, too');
}

function toCompareOptions({ bootstrap, seed, confidence, differentPrompts }: DiffOptions) {
  return dropUndefined({ iterations: bootstrap, seed, confidence, differentPrompts });
}

async function compare(
  a: string,
  b: string,
  options: DiffOptions,
  { io, library }: Context,
): Promise<void> {
  const evaluation = await library.evaluation();
  const [first, second] = [await evaluation.readOneResult(a), await evaluation.readOneResult(b)];
  const found = await evaluation.compareResults(first, second, toCompareOptions(options));
  if (options.json !== true) return printLines(io, evaluation.formatComparison(found));
  const { comparisons, confidence, onlyFirst, onlySecond } = found;
  return printJson(io, {
    a: { model: first.model.name, path: first.path },
    b: { model: second.model.name, path: second.path },
    confidence,
    comparisons: comparisons.map(
      ({ alias: _alias, depth: _depth, first, second, mcNemar, ...rest }) => ({
        ...rest,
        a: first,
        b: second,
        mcNemar:
          mcNemar === null
            ? null
            : { onlyA: mcNemar.onlyFirst, onlyB: mcNemar.onlySecond, pValue: mcNemar.pValue },
      }),
    ),
    onlyA: onlyFirst,
    onlyB: onlySecond,
  });
}

async function showReport(
  paths: readonly string[],
  options: ReportFlags,
  context: Context,
): Promise<void> {
  const { io, library } = context;
  const evaluation = await library.evaluation();
  const results = (await Promise.all(paths.map((path) => evaluation.readResults(path)))).flat();
  await writeReport(results, options, context);
  if (options.json === true) return printJson(io, { path: options.out });
  await tell(io, `Written: ${forTerminal(options.out)}\n`);
}

/** Writes the page. Throws FILE_UNWRITABLE. */
export async function writeReport(
  results: readonly StoredResult[],
  options: ReportFlags,
  { library }: Context,
): Promise<void> {
  const evaluation = await library.evaluation();
  const { title } = options;
  const text = await evaluation.makeReport(results, {
    ...toCompareOptions(options),
    ...dropUndefined({ title }),
  });
  await evaluation.writeReportFile(options.out, text);
}
