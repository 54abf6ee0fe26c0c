// A text that a command is given: a file, or - for what comes through a pipe.
import { readFile } from 'node:fs/promises';
import { decodeText } from '../base/decode-text.ts';
import { errors } from '../base/errors.ts';
import { messageOf } from '../base/message-of.ts';
import { type Io, readAll } from './io.ts';

/** The whole text. Throws INPUT_NOT_FOUND, FILE_UNREADABLE or TEXT_INVALID. */
export async function readTextArgument(file: string, io: Io): Promise<string> {
  if (file === '-') return readAll(io.stdin);
  let bytes: Buffer;
  try {
    bytes = await readFile(file);
  } catch (cause) {
    const missing = cause instanceof Error && 'code' in cause && cause.code === 'ENOENT';
    if (missing) throw errors.INPUT_NOT_FOUND({ path: file }, { cause });
    const reason = messageOf(cause);
    throw errors.FILE_UNREADABLE({ path: file, reason }, { cause });
  }
  return decodeText(bytes, file);
}
