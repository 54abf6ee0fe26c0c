// Writes Cria's corpus: plain documents and dialogues for pretraining, chats for tuning, and a part of both
// kept for validation. The same seed gives the same bytes. `node corpus.ts --out FOLDER` or makeCorpus().
import { createHash } from 'node:crypto';
import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { invariant } from '../../../src/base/invariant.ts';
import { makeChat } from './chats.ts';
import { Dice } from './dice.ts';
import { makeDocument } from './documents.ts';
import { findHeldOut } from './held-out.ts';

/** How much to make. */
export interface CorpusOptions {
  readonly out: string;
  readonly seed: number;
  readonly documents: number;
  readonly dialogues: number;
  readonly chats: number;
  /** How many more of each are written for validation. */
  readonly validation: number;
}

/** What was written: file name to line count, size and sha256. */
export type CorpusFiles = Readonly<
  Record<string, { readonly lines: number; readonly sizeBytes: number; readonly sha256: string }>
>;

/** Writes documents.jsonl, dialogues.jsonl and chats.jsonl, and what validates documents and chats. */
export function makeCorpus({
  out,
  seed,
  documents,
  dialogues,
  chats,
  validation,
}: CorpusOptions): CorpusFiles {
  mkdirSync(out, { recursive: true });
  const document = (at: number): unknown => ({ text: makeDocument(new Dice(seed, at)) });
  const chat = (at: number): unknown => ({ messages: makeChat(new Dice(seed + 1, at)) });
  const rows: readonly (readonly [string, (at: number) => unknown, number, number])[] = [
    ['documents.jsonl', document, 0, documents],
    ['documents-validation.jsonl', document, documents, validation],
    ['dialogues.jsonl', chat, chats + validation, dialogues],
    ['chats.jsonl', chat, 0, chats],
    ['chats-validation.jsonl', chat, chats, validation],
  ];
  return Object.fromEntries(
    rows.map(([name, make, first, count]) => [
      name,
      write(join(out, name), make, { first, count }),
    ]),
  );
}

function write(
  path: string,
  make: (at: number) => unknown,
  { first, count }: { readonly first: number; readonly count: number },
): CorpusFiles[string] {
  const file = openSync(path, 'w');
  const hash = createHash('sha256');
  let sizeBytes = 0;
  let lines: string[] = [];
  const flush = (): void => {
    const block = Buffer.from(lines.join(''));
    writeSync(file, block);
    hash.update(block);
    sizeBytes += block.length;
    lines = [];
  };
  for (let at = first; at < first + count; at++) {
    const line = JSON.stringify(make(at));
    const leak = findHeldOut(line);
    invariant(
      leak === undefined,
      `"${leak}" is kept for tests but occurs in document ${at}: ${line}`,
    );
    lines.push(`${line}\n`);
    if (lines.length === 1000) flush();
  }
  flush();
  closeSync(file);
  return { lines: count, sizeBytes, sha256: hash.digest('hex') };
}

if (process.argv[1] === import.meta.filename) {
  const { values } = parseArgs({
    options: {
      out: { type: 'string', default: 'runs/cria/corpus' },
      seed: { type: 'string', default: '1' },
      documents: { type: 'string', default: '1000' },
      dialogues: { type: 'string', default: '1000' },
      chats: { type: 'string', default: '1000' },
      validation: { type: 'string', default: '100' },
    },
  });
  const files = makeCorpus({
    out: values.out,
    seed: Number(values.seed),
    documents: Number(values.documents),
    dialogues: Number(values.dialogues),
    chats: Number(values.chats),
    validation: Number(values.validation),
  });
  process.stdout.write(`${JSON.stringify(files, null, 2)}\n`);
}
