// JSON files of bounded size, checked by a schema before anything is believed. An error names the
// file, the field, what was allowed and what was found.
import * as z from 'zod';
import { errors } from '../base/errors.ts';
import { messageOf } from '../base/message-of.ts';
import { openFile } from './files.ts';

// tokenizer.json of a 256k vocabulary has 34 MB; configs have a few kilobytes.
const MAX_JSON_BYTES = 128 * 2 ** 20;

/** The text of a file of at most `maxBytes` without a byte order mark, or undefined when there is no such file. */
export async function readTextFile(
  path: string,
  maxBytes: number = MAX_JSON_BYTES,
): Promise<string | undefined> {
  const bytes = await readWholeFile(path, maxBytes);
  return bytes && new TextDecoder().decode(bytes);
}

/** The bytes of a file of at most `maxBytes`, or undefined when there is no such file. */
export async function readWholeFile(
  path: string,
  maxBytes: number = MAX_JSON_BYTES,
): Promise<Uint8Array | undefined> {
  let file: Awaited<ReturnType<typeof openFile>>;
  try {
    file = await openFile(path);
  } catch (error) {
    if ((error as { code?: unknown }).code === 'CORRAL_FILE_NOT_FOUND') return undefined;
    throw error;
  }
  try {
    if (file.size > maxBytes) {
      throw errors.FORMAT_DAMAGED({
        path,
        offset: maxBytes,
        expected: `a file of at most ${maxBytes} bytes`,
        found: `${file.size} bytes`,
      });
    }
    return await file.read(0, file.size);
  } finally {
    await file.close();
  }
}

/** Any JSON value of a text. */
export function parseJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const reason = messageOf(cause);
    const offset = Number(/position (\d+)/.exec(reason)?.[1] ?? 0);
    throw errors.FORMAT_DAMAGED(
      { path, offset, expected: 'JSON', found: reason.replace(/\s+/g, ' ').slice(0, 200) },
      { cause },
    );
  }
}

/** The JSON value of a file, or undefined when there is no such file. */
export async function readJsonFile(path: string): Promise<unknown> {
  const text = await readTextFile(path);
  return text === undefined ? undefined : parseJson(text, path);
}

// Limits that no Llama comes near: they bound the products of sizes.
/** A count or size in a config. */
export const sizeField: z.ZodNumber = z
  .number()
  .int()
  .min(1)
  .max(2 ** 24);
/** A layer count: each layer costs nine entries in every table. */
export const layersField: z.ZodNumber = z.number().int().min(1).max(1024);
/** A positive number such as a base or an epsilon. */
export const positiveField: z.ZodNumber = z.number().positive().max(1e15);
