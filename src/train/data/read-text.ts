// The text of a UTF-8 file as it streams in, whole or line by line. Memory holds a block and a line.
import { createReadStream } from 'node:fs';
import { decodeText } from '../../base/decode-text.ts';
import { errors } from '../../base/errors.ts';

const BLOCK_BYTES = 1 << 20;
// JavaScript strings end at 2^29 - 24 units; a line beyond this is no row of any data set
const MAX_LINE_LENGTH = 2 ** 27;

/** A line without its end. */
export interface Line {
  /** From 1. */
  readonly number: number;
  readonly text: string;
}

/**
 * A file as text, block by block, without a byte order mark at its start.
 * Throws INPUT_NOT_FOUND, FILE_UNREADABLE, TEXT_INVALID.
 */
export async function* readText(path: string): AsyncGenerator<string> {
  let offset = 0;
  let rest: Buffer = Buffer.alloc(0);
  for await (const block of readBlocks(path)) {
    const bytes = rest.length === 0 ? block : Buffer.concat([rest, block]);
    const whole = bytes.length - openBytes(bytes);
    const text = decodeText(bytes.subarray(0, whole), path, offset);
    yield offset === 0 && text.startsWith('\ufeff') ? text.slice(1) : text;
    offset += whole;
    rest = bytes.subarray(whole);
  }
  if (rest.length > 0) yield decodeText(rest, path, offset);
}

/** A file line by line. Throws as readText does, and DATA_ROW_INVALID for an endless line. */
export async function* readLines(path: string): AsyncGenerator<Line> {
  let number = 0;
  let held = '';
  const take = (line: string): Line => {
    number += 1;
    return { number, text: line.endsWith('\r') ? line.slice(0, -1) : line };
  };
  for await (const text of readText(path)) {
    let from = 0;
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', from)) {
      yield take(held + text.slice(from, end));
      held = '';
      from = end + 1;
    }
    held += text.slice(from);
    if (held.length > MAX_LINE_LENGTH) {
      const reason = `it has more than ${MAX_LINE_LENGTH} characters`;
      throw errors.DATA_ROW_INVALID({ path, line: number + 1, reason });
    }
  }
  if (held !== '') yield take(held);
}

/** A file block by block. Throws INPUT_NOT_FOUND, FILE_UNREADABLE. */
export async function* readBlocks(path: string): AsyncGenerator<Buffer> {
  try {
    for await (const block of createReadStream(path, { highWaterMark: BLOCK_BYTES })) {
      yield block as Buffer;
    }
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') throw errors.INPUT_NOT_FOUND({ path }, { cause });
    throw errors.FILE_UNREADABLE({ path, reason: message }, { cause });
  }
}

/** How many bytes at the end begin a character that is not whole yet. */
function openBytes(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back] as number;
    if (byte < 0x80) return 0;
    if (byte < 0xc0) continue;
    const needed = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
    return needed > back ? back : 0;
  }
  return 0;
}
