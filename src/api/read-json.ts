// The body of a request as JSON: bounded in size and depth before anything looks at it.
import type { Context } from 'hono';
import { errors } from '../base/errors.ts';
import type { ApiEnv } from './request-context.ts';
import type { ApiSettings } from './settings.ts';

// Deeper than any schema or tool call goes; what walks values recursively must not run out of stack.
const maxDepth = 64;

/** The parsed body. Throws BODY_TOO_LARGE or BODY_INVALID. */
export async function readJson(
  c: Context<ApiEnv>,
  { maxBodyBytes }: Pick<ApiSettings, 'maxBodyBytes'>,
): Promise<unknown> {
  const bytes = await readBytes(c.req.raw, maxBodyBytes);
  if (bytes.length === 0) throw errors.BODY_INVALID({ reason: 'is empty' });
  const text = decode(bytes);
  if (depthOf(text) > maxDepth) {
    throw errors.BODY_INVALID({ reason: `is nested deeper than ${maxDepth} levels` });
  }
  try {
    return JSON.parse(text);
  } catch {
    // V8's own message would repeat part of the text, and messages end up in logs of clients.
    throw errors.BODY_INVALID({ reason: 'is not JSON' });
  }
}

async function readBytes(request: Request, limit: number): Promise<Buffer> {
  const tooLarge = (): Error => errors.BODY_TOO_LARGE({ limit });
  if (Number(request.headers.get('content-length') ?? 0) > limit) throw tooLarge();
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    // Also what comes without a length, or with a wrong one, is counted as it comes.
    for await (const chunk of request.body ?? []) {
      length += chunk.length;
      if (length > limit) break;
      chunks.push(chunk);
    }
  } catch {
    throw errors.BODY_INVALID({ reason: 'did not arrive whole' });
  }
  if (length > limit) throw tooLarge();
  return Buffer.concat(chunks);
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw errors.BODY_INVALID({ reason: 'is not UTF-8' });
  }
}

/** Deepest nesting of lists and objects, braces within strings not counted. */
function depthOf(text: string): number {
  let depth = 0;
  let deepest = 0;
  let quoted = false;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (quoted) {
      if (code === 0x5c) at++;
      else if (code === 0x22) quoted = false;
    } else if (code === 0x22) quoted = true;
    else if (code === 0x7b || code === 0x5b) deepest = Math.max(deepest, ++depth);
    else if (code === 0x7d || code === 0x5d) depth--;
  }
  return deepest;
}
