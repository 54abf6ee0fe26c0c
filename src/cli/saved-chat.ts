// Conversations as files: what /save writes and /load reads back. Loaded only when asked for.
import { readFile, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import type { ChatMessage } from './library.ts';

const savedShape = z.object({
  messages: z.array(
    z.object({ role: z.enum(['system', 'user', 'assistant']), content: z.string() }),
  ),
});

/** Writes a conversation. */
export async function writeChat(file: string, messages: readonly ChatMessage[]): Promise<void> {
  await writeFile(file, `${JSON.stringify({ messages }, undefined, 2)}\n`);
}

/** Reads one; undefined when the file holds something else. */
export async function readChat(file: string): Promise<readonly ChatMessage[] | undefined> {
  const text = await readFile(file, 'utf8');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  return savedShape.safeParse(value).data?.messages;
}
