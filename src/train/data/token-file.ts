// Tokenised examples in one file: written as they come, read by position, so that neither holds the data in
// memory. A token is 16 or 32 bits, the highest of which says whether it is learned. The end of the file
// describes it and carries a hash of all before: half-written or damaged files are told from whole ones.
import { createHash } from 'node:crypto';
import { endianness } from 'node:os';
import { errors } from '../../base/errors.ts';
import { invariant } from '../../base/invariant.ts';
import {
  type FileSink,
  openFile,
  type SourceFile,
  writeFileAtomically,
} from '../../formats/files.ts';
import type { Example } from '../batch.ts';

const MAGIC = 'corral tokens 1\n';
const BLOCK_BYTES = 1 << 22;
// 32-bit length of the description, then the magic
const TAIL_BYTES = 4 + MAGIC.length;
const MAX_DESCRIPTION_BYTES = 1 << 20;

/** A row that gave no example. */
export interface BadRow {
  readonly line: number;
  readonly reason: string;
}

/** What a file says of itself. */
export interface TokenFileFacts {
  readonly examples: number;
  readonly tokens: number;
  readonly learned: number;
  /** Are all examples plain texts, which may be cut anywhere? */
  readonly isText: boolean;
  /** Bytes of a token: 2 or 4. */
  readonly width: 2 | 4;
  /** Rows that gave no example: how many, and the first of them. */
  readonly badRows: number;
  readonly firstBadRows: readonly BadRow[];
  /** SHA-256 of tokens and lengths. */
  readonly hash: string;
}

/** Takes examples one after the other. */
export interface TokenSink {
  /** A stretch of an example; `closes` with its last. */
  add(
    example: Example,
    options: { readonly closes: boolean; readonly isText: boolean },
  ): Promise<void>;
  reject(row: BadRow): void;
}

const SHOWN_BAD_ROWS = 20;

/** Writes a file whole or not at all. `vocab` bounds the ids. */
export async function writeTokenFile(
  path: string,
  { vocab, fill }: { readonly vocab: number; readonly fill: (sink: TokenSink) => Promise<void> },
): Promise<void> {
  invariant(endianness() === 'LE', 'token files are little-endian');
  await writeFileAtomically(path, async (sink) => {
    const writer = new TokenWriter(sink, vocab);
    await fill(writer);
    await writer.finish();
  });
}

class TokenWriter implements TokenSink {
  readonly #sink: FileSink;
  readonly #hash = createHash('sha256');
  readonly #width: 2 | 4;
  #lengths = new Uint32Array(1024);
  #examples = 0;
  #open = 0;
  #tokens = 0;
  #learned = 0;
  #isText = true;
  #badRows = 0;
  readonly #firstBadRows: BadRow[] = [];

  constructor(sink: FileSink, vocab: number) {
    this.#sink = sink;
    this.#width = vocab <= 2 ** 15 ? 2 : 4;
  }

  async add(
    { tokens, learn }: Example,
    { closes, isText }: { readonly closes: boolean; readonly isText: boolean },
  ): Promise<void> {
    this.#isText &&= isText;
    const words =
      this.#width === 2 ? new Uint16Array(tokens.length) : new Uint32Array(tokens.length);
    const flag = this.#width === 2 ? 2 ** 15 : 2 ** 31;
    for (let at = 0; at < tokens.length; at++) {
      const learned = learn[at] as number;
      words[at] = (tokens[at] as number) + learned * flag;
      this.#learned += learned;
    }
    await this.#write(new Uint8Array(words.buffer));
    this.#tokens += tokens.length;
    this.#open += tokens.length;
    if (!closes) return;
    if (this.#examples === this.#lengths.length) {
      const more = new Uint32Array(this.#lengths.length * 2);
      more.set(this.#lengths);
      this.#lengths = more;
    }
    this.#lengths[this.#examples++] = this.#open;
    this.#open = 0;
  }

  reject(row: BadRow): void {
    this.#badRows += 1;
    if (this.#firstBadRows.length < SHOWN_BAD_ROWS) this.#firstBadRows.push(row);
  }

  async finish(): Promise<void> {
    invariant(this.#open === 0, 'an example was left open');
    const lengths = this.#lengths.subarray(0, this.#examples);
    await this.#write(new Uint8Array(lengths.buffer, 0, lengths.byteLength));
    const facts: TokenFileFacts = {
      examples: this.#examples,
      tokens: this.#tokens,
      learned: this.#learned,
      isText: this.#isText,
      width: this.#width,
      badRows: this.#badRows,
      firstBadRows: this.#firstBadRows,
      hash: this.#hash.digest('hex'),
    };
    const description = Buffer.from(JSON.stringify(facts));
    const tail = Buffer.alloc(TAIL_BYTES);
    tail.writeUInt32LE(description.length);
    tail.write(MAGIC, 4, 'latin1');
    await this.#sink.write(description);
    await this.#sink.write(tail);
  }

  async #write(bytes: Uint8Array): Promise<void> {
    this.#hash.update(bytes);
    await this.#sink.write(bytes);
  }
}

/** An open file of tokens. Close it. */
export class TokenFile {
  readonly facts: TokenFileFacts;
  /** Where each example begins, and the end of the last: [examples + 1]. */
  readonly offsets: Float64Array;
  readonly #file: SourceFile;

  constructor(file: SourceFile, facts: TokenFileFacts, offsets: Float64Array) {
    this.#file = file;
    this.facts = facts;
    this.offsets = offsets;
  }

  /** Tokens [from, from + count) of all examples laid end to end. */
  read(from: number, count: number): Example {
    const { width } = this.facts;
    const bytes = this.#file.readSync(from * width, count * width);
    const tokens = new Int32Array(count);
    const learn = new Uint8Array(count);
    const words = width === 2 ? new Uint16Array(bytes.buffer) : new Uint32Array(bytes.buffer);
    const flag = width === 2 ? 2 ** 15 : 2 ** 31;
    for (let at = 0; at < count; at++) {
      const word = words[at] as number;
      learn[at] = word >= flag ? 1 : 0;
      tokens[at] = word >= flag ? word - flag : word;
    }
    return { tokens, learn };
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

/** Opens a file and checks all of it. Throws FORMAT_DAMAGED, FILE_NOT_FOUND. */
export async function openTokenFile(path: string): Promise<TokenFile> {
  const file = await openFile(path);
  try {
    const facts = await readFacts(file);
    const { tokens, examples, width, hash } = facts;
    const end = tokens * width + examples * 4;
    const sum = createHash('sha256');
    for (let at = 0; at < end; at += BLOCK_BYTES) {
      sum.update(await file.read(at, Math.min(BLOCK_BYTES, end - at)));
    }
    const found = sum.digest('hex');
    if (found !== hash) throw damaged(path, 0, `contents of hash ${hash}`, found);
    const lengths = new Uint32Array((await file.read(tokens * width, examples * 4)).buffer);
    const offsets = new Float64Array(examples + 1);
    for (let at = 0; at < examples; at++) {
      offsets[at + 1] = (offsets[at] as number) + (lengths[at] as number);
    }
    return new TokenFile(file, facts, offsets);
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function readFacts(file: SourceFile): Promise<TokenFileFacts> {
  const { path, size } = file;
  if (size < TAIL_BYTES) throw damaged(path, 0, 'a file of tokens', `${size} bytes`);
  const tail = Buffer.from(await file.read(size - TAIL_BYTES, TAIL_BYTES));
  if (tail.toString('latin1', 4) !== MAGIC) {
    throw damaged(path, size - TAIL_BYTES, 'the end of a file of tokens', 'other bytes');
  }
  const length = tail.readUInt32LE();
  const at = size - TAIL_BYTES - length;
  if (length > MAX_DESCRIPTION_BYTES || at < 0) {
    throw damaged(path, size - TAIL_BYTES, 'the length of a description', `${length}`);
  }
  const text = Buffer.from(await file.read(at, length)).toString('utf8');
  let facts: TokenFileFacts;
  try {
    facts = JSON.parse(text) as TokenFileFacts;
  } catch {
    throw damaged(path, at, 'a description in JSON', text.slice(0, 40));
  }
  const { tokens, examples, width } = facts;
  if (tokens * width + examples * 4 !== at) {
    throw damaged(path, at, `${tokens} tokens and ${examples} lengths`, `${at} bytes`);
  }
  return facts;
}

function damaged(path: string, offset: number, expected: string, found: string): Error {
  return errors.FORMAT_DAMAGED({ path, offset, expected, found });
}
