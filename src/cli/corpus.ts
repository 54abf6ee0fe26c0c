// The texts that corral tokenizer reads, and what it measures on them.
import { errors } from '../base/errors.ts';
import type { OnProgress } from '../base/progress.ts';
import type { Compression } from '../tokenizer/compression.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import type { Context } from './context.ts';
import { formatBytes, formatTable } from './present.ts';

/** How texts are read. */
export interface CorpusOptions {
  readonly separator: string | undefined;
  readonly signal: AbortSignal;
  readonly onProgress: OnProgress;
}

/** One line of a report: a text, or all of them. */
export interface Measured extends Compression {
  readonly name: string;
}

/** Measures texts, `NAME=FILE` under that name; the last row is all of them when there are several. */
export async function measureAll(
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

/** What is done with each text. */
export interface ReadOptions extends CorpusOptions {
  readonly take: (text: string, start: 'text' | 'continuation') => void;
}

/** Reads a text, stretch by stretch. */
export async function readCorpus(
  path: string,
  options: ReadOptions,
  context: Context,
): Promise<void> {
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

/** The report as a table. */
export function describeReport(report: readonly Measured[]): string[] {
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
