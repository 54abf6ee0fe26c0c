// corral tokenizer: learns a vocabulary from a corpus, extends one and the model that has it, and measures
// how far one compresses texts.
import type { Command } from 'commander';
import { errors } from '../base/errors.ts';
import { type ConvertType, convertTypeNames } from '../formats/convert-types.ts';
import {
  addCommonOptions,
  addFileOptions,
  addIdleDeviceOptions,
  type CommonOptions,
  dropUndefined,
  gather,
  readChoice,
  readNumber,
} from './command-options.ts';
import { type Context, interruptible, printJson, printLines } from './context.ts';
import { describeReport, measureAll, readCorpus } from './corpus.ts';
import { resolveModelArgument } from './model-argument.ts';
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

interface ExtendFlags extends CorpusFlags {
  readonly out: string;
  readonly pieces: number;
  readonly coverage?: number;
  readonly minimumCount?: number;
  readonly type?: ConvertType;
  readonly report?: readonly string[];
  readonly tokenizer?: string;
  readonly config?: string;
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
  addExtend(tokenizer, context);
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

function addExtend(tokenizer: Command, context: Context): void {
  const readType = readChoice('--type', convertTypeNames);
  const command = tokenizer
    .command('extend')
    .summary('add pieces to a vocabulary, and rows to its model')
    .description(
      'Learns pieces from FILES that the vocabulary of MODEL writes with many tokens, and adds them. Where OUT ends in .model only the vocabulary is written; else the whole model, with a row for each new piece in its embedding and output: the mean of those of the tokens it was written with.',
    )
    .argument('<model>', 'model, or a tokenizer file')
    .argument('<file...>', 'text to learn from')
    .requiredOption('--out <path>', 'FILE.model, FILE.gguf or a folder to write')
    .requiredOption(
      '--pieces <n>',
      'most pieces to add',
      readNumber('--pieces', { low: 1, high: large, whole: true }),
    )
    .option(
      '--coverage <share>',
      'characters get pieces until this share of the text has them (default: 0.9995)',
      readNumber('--coverage', { low: 0, high: 1 }),
    )
    .option(
      '--minimum-count <n>',
      'a piece occurs at least so often (default: 2)',
      readNumber('--minimum-count', { low: 1, high: large, whole: true }),
    )
    .option('--type <type>', `type of a whole model: ${convertTypeNames.join(', ')}`, (text) =>
      readType(text.toLowerCase()),
    )
    .option('--report <name=file>', 'measure on this text, too; may come several times', gather)
    .option('--force', 'replace what is there')
    .action((model, files, options) => extend(model, files, options, context));
  addCorpusOptions(command);
  addCommonOptions(addIdleDeviceOptions(addFileOptions(command)), 'sizes and bytes per token');
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
  return printLines(io, [`${out}: ${tokenizer.size} pieces`, ...describeReport(report)]);
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
  return options.json === true ? printJson(io, { report }) : printLines(io, describeReport(report));
}

async function extend(
  model: string,
  files: readonly string[],
  options: ExtendFlags,
  context: Context,
): Promise<void> {
  const { io, library } = context;
  const { out, type, separator, coverage, minimumCount, pieces } = options;
  const whole = !out.endsWith('.model');
  if (whole === (type === undefined)) {
    throw errors.USAGE_INVALID({
      reason: whole
        ? `${out} is to be a whole model (its name does not end in .model): give its --type.`
        : `${out} is to be a vocabulary alone, which has no --type.`,
      command: 'corral tokenizer extend',
    });
  }
  const force = options.force === true;
  if (!whole) await library.checkNewFile(out, { inputs: files, force });
  const { extendTokenizer, wordCountsFor, writeSentencePiece } = await library.tokenizers();
  const path = await resolveModelArgument(model, context);
  const base = await library.openTokenizer(options.tokenizer ?? path);
  using interrupt = interruptible(context);
  using bar = await openProgressBar(io);
  const corpus = { separator, signal: interrupt.signal, onProgress: bar.onProgress };
  const counts = wordCountsFor(base);
  for (const file of files) {
    await readCorpus(file, { ...corpus, take: (text, start) => counts.add(text, start) }, context);
  }
  const larger = await extendTokenizer(base, counts, {
    pieces,
    ...dropUndefined({ coverage, minimumCount }),
    onProgress: bar.onProgress,
    signal: interrupt.signal,
  });
  if (type === undefined) await library.writeFile(out, writeSentencePiece(larger.tokenizer));
  else {
    const { tokenizer, config } = options;
    const opened = await library.openCheckpoint(path, dropUndefined({ tokenizer, config }));
    try {
      const extended = await library.extendVocabulary(opened, larger);
      await library.convertCheckpoint(extended, out, {
        type,
        force,
        onProgress: bar.onProgress,
        signal: interrupt.signal,
      });
    } finally {
      await opened.close();
    }
  }
  const named = [...files, ...(options.report ?? [])];
  const before = await measureAll(named, { ...corpus, tokenizer: base }, context);
  const after = await measureAll(named, { ...corpus, tokenizer: larger.tokenizer }, context);
  bar[Symbol.dispose]();
  const added = larger.parts.length;
  const { size } = larger.tokenizer;
  if (options.json === true) return printJson(io, { out, size, added, before, after });
  return printLines(io, [
    `${out}: ${size} pieces, ${added} of them new`,
    'before',
    ...describeReport(before),
    'after',
    ...describeReport(after),
  ]);
}
