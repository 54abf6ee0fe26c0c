// What a run would learn from, for people: counts, and the first sequences as the model will see them, with
// what is learned set apart. Made from the batches themselves, so that it shows no more and no less.
import type { TokenId, Tokenizer } from '../../tokenizer/index.ts';
import type { Batch } from '../batch.ts';
import type { OpenedData } from './open-data.ts';

/** How to show it. */
export interface DryRunOptions {
  readonly tokenizer: Tokenizer;
  /** Sequences to show. Default 3. */
  readonly examples?: number;
  /** Characters of each. Default 2000. */
  readonly length?: number;
  /** Green for what is learned, grey for what is not; without, what is learned stands between ⟦ and ⟧. */
  readonly color: boolean;
}

/** Lines to print as they are: control characters of the data are replaced. */
export function describeData(data: OpenedData, options: DryRunOptions): string[] {
  const { examples = 3 } = options;
  const batches = data.train.step(0);
  const shown = batches.flatMap(sequencesOf).slice(0, examples);
  return [
    ...describeSources(data),
    ...describeSteps(data, batches),
    ...shown.flatMap((sequence, at) => describeSequence(sequence, at + 1, options)),
  ];
}

function describeSources({ sources }: OpenedData): string[] {
  return sources.flatMap(({ path, examples, tokens, learned, badRows, firstBadRows }) => {
    const share = ((100 * learned) / tokens).toFixed(1);
    const line = `${path}: ${count(examples, 'example')}, ${count(tokens, 'token')}, ${count(learned, 'learned', '')} (${share} %)`;
    const bad = firstBadRows.map((row) => `  line ${row.line} left out: ${row.reason}`);
    if (badRows > bad.length) bad.push(`  … and ${badRows - bad.length} more`);
    return [line, ...bad];
  });
}

function describeSteps(
  { train, heldOut, sequences }: OpenedData,
  first: readonly Batch[],
): string[] {
  const lines: string[] = [];
  if (sequences) {
    const { rows, bins, filled, split, cut, dropped } = sequences;
    const packed =
      bins === undefined || filled === undefined
        ? ''
        : ` in ${count(bins, 'bin')} of ${train.context}, ${(100 * filled).toFixed(1)} % full`;
    lines.push(`${count(sequences.count, 'sequence')}, ${count(rows, 'row')}${packed}`);
    if (split + cut + dropped > 0) {
      lines.push(`longer than ${train.context}: ${split} split, ${cut} cut; ${dropped} left out`);
    }
  }
  const rows = first.reduce((sum, { tokens }) => sum + tokens.length, 0);
  const targets = first.reduce((sum, batch) => sum + batch.targets.length, 0);
  const epoch =
    train.stepsPerEpoch === undefined
      ? 'windows at random'
      : `${count(train.stepsPerEpoch, 'step')} an epoch`;
  lines.push(
    `${epoch}; the first: ${count(rows, 'row')}, ${count(targets, 'target')}, ${count(first.length, 'pass', 'es')}`,
  );
  if (heldOut) lines.push(`held out: ${count(heldOut.stepsPerEpoch ?? 0, 'pass', 'es')}`);
  return lines;
}

function count(amount: number, noun: string, plural = 's'): string {
  return `${amount} ${noun}${amount === 1 ? '' : plural}`;
}

/** A sequence as it lies in a batch, its last target included. */
interface Sequence {
  readonly ids: TokenId[];
  readonly learned: boolean[];
}

function sequencesOf({ tokens, starts, outputs, targets }: Batch): Sequence[] {
  const targetOf = new Map(Array.from(outputs, (row, at) => [row, targets[at] as number]));
  const sequences: Sequence[] = [];
  for (const [row, id] of tokens.entries()) {
    if (starts[row] === row) sequences.push({ ids: [], learned: [] });
    const { ids, learned } = sequences.at(-1) as Sequence;
    ids.push(id);
    learned.push(starts[row] !== row && targetOf.has(row - 1));
    const target = targetOf.get(row);
    const isLast = row + 1 === tokens.length || starts[row + 1] === row + 1;
    if (isLast && target !== undefined) {
      ids.push(target);
      learned.push(true);
    }
  }
  return sequences;
}

function describeSequence(
  { ids, learned }: Sequence,
  number: number,
  { tokenizer, length = 2000, color }: DryRunOptions,
): string[] {
  const total = learned.filter(Boolean).length;
  let text = '';
  let shown = 0;
  for (let from = 0; from < ids.length && shown < length; ) {
    const isLearned = learned[from] as boolean;
    let until = from;
    const detokenizer = tokenizer.detokenizer({
      control: 'show',
      start: from === 0 ? 'text' : 'continuation',
    });
    let run = '';
    while (until < ids.length && learned[until] === isLearned && shown + run.length < length) {
      run += detokenizer.push(ids[until++] as TokenId);
    }
    run += detokenizer.flush();
    shown += run.length;
    text += mark(printable(run), isLearned, color);
    from = until;
  }
  const more = shown >= length ? ' …' : '';
  return [
    `--- ${number}: ${count(ids.length, 'token')}, ${count(total, 'learned', '')}`,
    ...`${text}${more}`.split('\n'),
  ];
}

function mark(run: string, isLearned: boolean, color: boolean): string {
  if (!color) return isLearned ? `⟦${run}⟧` : run;
  const code = isLearned ? '\u001b[32m' : '\u001b[90m';
  // each line of its own, so that lines may be printed apart
  return run
    .split('\n')
    .map((line) => (line === '' ? '' : `${code}${line}\u001b[0m`))
    .join('\n');
}

function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is replaced
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '\ufffd');
}
