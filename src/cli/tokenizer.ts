// corral tokenizer: learns a vocabulary from a corpus, and measures how far one compresses texts.
import type { Command } from 'commander';
import { errors } from '../base/errors.ts';
import type { OnProgress } from '../base/progress.ts';
import type { Compression } from '../tokenizer/compression.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import {
  addCommonOptions,
  addIdleDeviceOptions,
  type CommonOptions,
  dropUndefined,
  gather,
  readNumber,
} from './command-options.ts';
import { type Context, interruptible, printJson, printLines } from './context.ts';
import { resolveModelArgument } from './model-argument.ts';
import { formatBytes, formatTable } from './present.ts';
import { openProgressBar } from './progress-bar.ts';

interface CorpusFlags extends CommonOptions {
  readonly separator?: string;
}

interface TrainFlags extends CorpusFlags {
  readonly vocabSize?: number;
  readonly characters?: boolean;
  readonly out: string;
  readonly byteFallback: boolean;
  readonly splitDigits: boolean;
  readonly splitScripts: boolean;
  readonly dummyPrefix: boolean;
  readonly coverage?: number;
  readonly maxPieceLength?: number;
  readonly minimumCount?: number;
  readonly control?: readonly string[];
  readonly symbol?: readonly string[];
  readonly report?: readonly string[];
  readonly force?: boolean;
}

const large = 2 ** 20;

/** Adds the commands. */
export function addTokenizer(program: Command, context: Context): void {
  const tokenizer = program
    .command('tokenizer')
    .summary('learn, extend or measure a vocabulary')
    .description('Learns a vocabulary from text, extends one, or measures how far one compresses.');
  addTrain(tokenizer, context);
  addMeasure(tokenizer, context);
}

function addTrain(tokenizer: Command, context: Context): void {
  const count = (flag: string, low: number): ((text: string) => number) =>
    readNumber(flag, { low, high: large, whole: true });
  const command = tokenizer
    .command('train')
    .summary('learn a SentencePiece vocabulary from text')
    .description(
      'Learns byte-pair pieces from FILES (plain text, or .json and .jsonl of any training format) and writes a SentencePiece .model. The same files give the same vocabulary.',
    )
    .argument('<file...>', 'text to learn from')
    .requiredOption('--out <file>', 'the .model to write')
    .option('--vocab-size <n>', 'pieces in all', count('--vocab-size', 4))
    .option('--characters', 'a piece for each character, and no more (no bytes either)')
    .option('--no-byte-fallback', 'characters without a piece become the unknown token')
    .option('--no-split-digits', 'numbers may become pieces')
    .option('--no-split-scripts', 'pieces may mix letters, punctuation and scripts')
    .option('--no-dummy-prefix', 'no space before a text')
    .option(
      '--coverage <share>',
      'share of the characters with pieces of their own (default: 0.9995)',
      readNumber('--coverage', { low: 0, high: 1 }),
    )
    .option(
      '--max-piece-length <n>',
      'longest piece in characters (default: 16)',
      readNumber('--max-piece-length', { low: 1, high: 256, whole: true }),
    )
    .option(
      '--minimum-count <n>',
      'a piece occurs at least so often (default: 2)',
      count('--minimum-count', 1),
    )
    .option(
      '--control <text>',
      'a control token, such as a chat marker; may come several times',
      gather,
    )
    .option('--symbol <text>', 'a text that is always one token; may come several times', gather)
    .option('--report <name=file>', 'measure on this text, too; may come several times', gather)
    .option('--force', 'replace a file that is there')
    .action((files, options) => train(files, options, context));
  addCorpusOptions(command);
  addCommonOptions(addIdleDeviceOptions(command), 'sizes and bytes per token');
}

function addMeasure(tokenizer: Command, context: Context): void {
  const command = tokenizer
    .command('measure')
    .summary('bytes per token of texts')
    .description('Says how far the vocabulary of MODEL compresses each text.')
    .argument('<model>', 'model, or a tokenizer file')
    .argument('<file...>', 'texts, or NAME=FILE to give a text a name')
    .action((model, files, options) => measure(model, files, options, context));
  addCorpusOptions(command);
  addCommonOptions(addIdleDeviceOptions(command), 'bytes per token');
}

function addCorpusOptions(command: Command): void {
  command.option(
    '--separator <text>',
    'what stands between the documents of a plain text; \\n for one a line (default: a file is one)',
    (text) => text.replaceAll('\\n', '\n').replaceAll('\\t', '\t'),
  );
}

async function train(
  files: readonly string[],
  options: TrainFlags,
  context: Context,
): Promise<void> {
  const { io, library } = context;
  const { vocabSize, characters = false, out, control, symbol, separator } = options;
  if ((vocabSize === undefined) === !characters) {
    throw errors.USAGE_INVALID({
      reason: 'Give either --vocab-size N or --characters.',
      command: 'corral tokenizer train',
    });
  }
  const { trainTokenizer, WordCounts, writeSentencePiece } = await library.tokenizers();
  await library.checkNewFile(out, { inputs: files, force: options.force === true });
  using interrupt = interruptible(context);
  using bar = await openProgressBar(io);
  const corpus = { separator, signal: interrupt.signal, onProgress: bar.onProgress };
  const { splitDigits, splitScripts, dummyPrefix } = options;
  const counts = new WordCounts({ splitDigits, splitScripts, dummyPrefix, symbols: symbol ?? [] });
  for (const file of files) {
    await readCorpus(file, { ...corpus, take: (text, start) => counts.add(text, start) }, context);
  }
  const { coverage, maxPieceLength, minimumCount } = options;
  const tokenizer = await trainTokenizer(counts, {
    vocabSize: vocabSize ?? 'characters',
    byteFallback: options.byteFallback && !characters,
    controls: control ?? [],
    symbols: symbol ?? [],
    ...dropUndefined({ coverage, maxPieceLength, minimumCount }),
    onProgress: bar.onProgress,
    signal: interrupt.signal,
  });
  await library.writeFile(out, writeSentencePiece(tokenizer));
  const named = [...files, ...(options.report ?? [])];
  const report = await measureAll(named, { ...corpus, tokenizer }, context);
  bar[Symbol.dispose]();
  if (options.json === true) return printJson(io, { out, size: tokenizer.size, report });
  return printLines(io, [`${out}: ${tokenizer.size} pieces`, ...describe(report)]);
}

async function measure(
  model: string,
  files: readonly string[],
  options: CorpusFlags,
  context: Context,
): Promise<void> {
  const { io, library } = context;
  const tokenizer = await library.openTokenizer(await resolveModelArgument(model, context));
  using interrupt = interruptible(context);
  using bar = await openProgressBar(io);
  const { separator } = options;
  const corpus = { separator, signal: interrupt.signal, onProgress: bar.onProgress, tokenizer };
  const report = await measureAll(files, corpus, context);
  bar[Symbol.dispose]();
  return options.json === true ? printJson(io, { report }) : printLines(io, describe(report));
}

interface CorpusOptions {
  readonly separator: string | undefined;
  readonly signal: AbortSignal;
  readonly onProgress: OnProgress;
}

/** One line of a report: a text, or all of them. */
interface Measured extends Compression {
  readonly name: string;
}

/** Measures texts, `NAME=FILE` under that name; the last row is all of them when there are several. */
async function measureAll(
  named: readonly string[],
  options: CorpusOptions & { readonly tokenizer: Tokenizer },
  context: Context,
): Promise<Measured[]> {
  const { CompressionMeter } = await context.library.tokenizers();
  const all = new CompressionMeter(options.tokenizer);
  const report: Measured[] = [];
  for (const one of named) {
    const [, name = one, file = one] = /^([^=/\\]+)=(.+)$/s.exec(one) ?? [];
    const meter = new CompressionMeter(options.tokenizer);
    await readCorpus(file, { ...options, take: (text, start) => meter.add(text, start) }, context);
    report.push({ name, ...meter.result() });
    all.merge(meter);
  }
  if (report.length > 1) report.push({ name: 'all', ...all.result() });
  return report;
}

interface ReadOptions extends CorpusOptions {
  readonly take: (text: string, start: 'text' | 'continuation') => void;
}

async function readCorpus(path: string, options: ReadOptions, context: Context): Promise<void> {
  const { separator, signal, onProgress, take } = options;
  const { readTexts } = await context.library.training();
  let done = 0;
  for await (const { text, start } of readTexts({ path, format: 'auto', separator })) {
    if (signal.aborted) throw errors.ABORTED({ what: 'Reading the corpus' });
    take(text, start);
    done += Buffer.byteLength(text);
    onProgress({ task: `Reading ${path}`, done, total: done, unit: 'bytes' });
  }
}

function describe(report: readonly Measured[]): string[] {
  const rows = report.map(({ name, bytes, tokens, bytesPerToken, byteShare, unknownShare }) => [
    name,
    formatBytes(bytes),
    String(tokens),
    bytesPerToken.toFixed(3),
    `${(byteShare * 100).toFixed(2)} %`,
    `${(unknownShare * 100).toFixed(2)} %`,
  ]);
  const head = ['text', 'size', 'tokens', 'bytes/token', 'bytes', 'unknown'];
  return formatTable([head, ...rows], [1, 2, 3, 4, 5]);
}
