// UTF-8 bytes to text, or an error that says where they stop being UTF-8.
import { isUtf8 } from 'node:buffer';
import { errors } from './errors.ts';

/** The text of UTF-8 bytes, a byte order mark included. Throws TEXT_INVALID; its offset counts from `start`. */
export function decodeText(bytes: Buffer, where: string, start = 0): string {
  const text = bytes.toString('utf8');
  if (isUtf8(bytes)) return text;
  // What was wrong has become U+FFFD: bytes and text part there.
  const again = Buffer.from(text);
  let offset = 0;
  while (bytes[offset] === again[offset]) offset++;
  // U+FFFD itself may share its first byte or two with what was wrong.
  while (offset > 0 && ((again[offset] ?? 0) & 0xc0) === 0x80) offset--;
  const found = `0x${(bytes[offset] ?? 0).toString(16).padStart(2, '0')}`;
  throw errors.TEXT_INVALID({ where, offset: start + offset, found });
}
