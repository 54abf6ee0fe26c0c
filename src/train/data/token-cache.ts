// Tokenises a source once: the result lies in a folder under a name made from the content of the source, the
// tokenizer and every option that counts, so that nothing out of date is ever taken. Damaged files are
// made again.
import { createHash } from 'node:crypto';
import { mkdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { CorralError } from '../../base/define-errors.ts';
import { errors } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import type { OnProgress } from '../../base/progress.ts';
import { fingerprintTokenizer } from '../../tokenizer/index.ts';
import type { badRowKinds } from './data-recipe.ts';
import { type EncodeRowOptions, encodeRow, encodeText } from './encode-row.ts';
import { type DataSource, readSource } from './read-source.ts';
import { readBlocks } from './read-text.ts';
import { textsOf } from './source-texts.ts';
import {
  type BadRow,
  openTokenFile,
  type TokenFile,
  type TokenSink,
  writeTokenFile,
} from './token-file.ts';

// what tokens are made from may change with the code that makes them: count up then
const VERSION = 1;
const REPORT_BYTES = 1 << 18;

/** How a source is tokenised, and where the result is kept. */
export interface TokeniseOptions extends EncodeRowOptions {
  /** Folder of the cache; made where it is absent. */
  readonly folder: string;
  readonly badRows: (typeof badRowKinds)[number];
  readonly logger: Logger;
  readonly onProgress?: OnProgress | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The tokens of a source, from the cache or made now. Throws DATA_ROW_INVALID (with `badRows: 'fatal'`),
 * DATA_EMPTY, TEMPLATE_INVALID, ABORTED, or what reading and writing throw.
 */
export async function tokeniseSource(
  source: DataSource,
  options: TokeniseOptions,
): Promise<TokenFile> {
  const { folder, logger, signal } = options;
  const content = await hashFile(source.path, signal);
  // for people; the key alone would do, and names of files end at 255 bytes
  const name = `${basename(source.path).slice(0, 40)}-${keyOf(source, content, options)}.tokens`;
  const path = join(folder, name);
  const file = (await openCached(path, logger)) ?? (await make(source, path, options));
  const { facts } = file;
  const [first] = facts.firstBadRows;
  if (options.badRows === 'fatal' && first !== undefined) {
    await file.close();
    throw errors.DATA_ROW_INVALID({ path: source.path, ...first });
  }
  if (facts.learned === 0) {
    await file.close();
    const rows = facts.badRows === 0 ? 'it is empty' : `all its ${facts.badRows} rows are bad`;
    const reason = first === undefined ? rows : `${rows}; line ${first.line}: ${first.reason}`;
    throw errors.DATA_EMPTY({ path: source.path, reason });
  }
  return file;
}

async function openCached(path: string, logger: Logger): Promise<TokenFile | undefined> {
  try {
    return await openTokenFile(path);
  } catch (error) {
    if (!CorralError.isInstance(error)) throw error;
    if (error.code === 'CORRAL_FILE_NOT_FOUND') return undefined;
    if (error.code !== 'CORRAL_FORMAT_DAMAGED') throw error;
    logger.warn(`${error.message} It is made again.`);
    return undefined;
  }
}

function keyOf(source: DataSource, content: string, options: EncodeRowOptions): string {
  const { format, separator, columns, substitute } = source;
  const { tokenizer, template, system, learn, bos, eos } = options;
  const parts = { format, separator, columns, substitute, template, system, learn, bos, eos };
  const hash = createHash('sha256');
  hash.update(JSON.stringify([VERSION, content, fingerprintTokenizer(tokenizer), parts]));
  return hash.digest('hex').slice(0, 32);
}

async function hashFile(path: string, signal: AbortSignal | undefined): Promise<string> {
  const hash = createHash('sha256');
  for await (const block of readBlocks(path)) {
    if (signal?.aborted) throw errors.ABORTED({ what: 'Reading the data' });
    hash.update(block);
  }
  return hash.digest('hex');
}

async function make(
  source: DataSource,
  path: string,
  options: TokeniseOptions,
): Promise<TokenFile> {
  const { folder, tokenizer } = options;
  await mkdir(folder, { recursive: true }).catch((cause: Error) => {
    throw errors.FILE_UNWRITABLE({ path: folder, reason: cause.message }, { cause });
  });
  const total = (await stat(source.path)).size;
  await writeTokenFile(path, {
    vocab: tokenizer.size,
    fill: (sink) => fill(sink, source, { ...options, total }),
  });
  return await openTokenFile(path);
}

async function fill(
  sink: TokenSink,
  source: DataSource,
  options: TokeniseOptions & { readonly total: number },
): Promise<void> {
  const { signal, onProgress, total } = options;
  const refuse = (row: BadRow): void => {
    if (options.badRows === 'fatal') throw errors.DATA_ROW_INVALID({ path: source.path, ...row });
    sink.reject(row);
  };
  let done = 0;
  let shown = 0;
  for await (const item of readSource(source)) {
    if (signal?.aborted) throw errors.ABORTED({ what: 'Tokenising the data' });
    const { line } = item;
    if ('reason' in item) refuse(item);
    else if ('part' in item) {
      const { text, opens, closes } = item.part;
      const tokens = Int32Array.from(encodeText(text, { ...options, opens, closes }));
      // nothing predicts the first token of a document
      const learn = new Uint8Array(tokens.length).fill(1, opens ? 1 : 0);
      await sink.add({ tokens, learn }, { closes, isText: true });
      done += Buffer.byteLength(text);
    } else {
      const encoded = encodeRow(item.row, options);
      if ('reason' in encoded) refuse({ line, reason: encoded.reason });
      else await sink.add(encoded.example, { closes: true, isText: item.row.kind === 'text' });
      for (const text of textsOf(item.row)) done += Buffer.byteLength(text);
    }
    if (done - shown > REPORT_BYTES) {
      shown = done;
      onProgress?.({ task: `Tokenising ${basename(source.path)}`, done, total, unit: 'bytes' });
    }
  }
}
