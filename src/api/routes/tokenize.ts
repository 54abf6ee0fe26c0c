// POST /tokenize and /detokenize, with the names that vLLM and llama.cpp's server gave their fields.
import type { Context } from 'hono';
import { z } from 'zod';
import { errors } from '../../base/errors.ts';
import type { ApiParts } from '../api-parts.ts';
import { renderMessages } from '../chat/render.ts';
import { chatMessage, type IncomingMessage } from '../fields/chat-messages.ts';
import { docsOf, type Fields } from '../fields/fields.ts';
import { parseFields } from '../fields/parse-fields.ts';
import { readJson } from '../read-json.ts';
import type { ApiEnv } from '../request-context.ts';
import { useModel } from '../use-model.ts';

interface TokenizeRequest {
  readonly model: string;
  readonly prompt?: string | undefined;
  readonly content?: string | undefined;
  readonly messages?: readonly IncomingMessage[] | undefined;
  readonly add_special_tokens?: boolean | undefined;
  readonly add_generation_prompt?: boolean | undefined;
  readonly with_pieces?: boolean | undefined;
}

const tokenizeShape = {
  model: z.string().min(1).describe('whose tokenizer'),
  prompt: z.string().optional().describe('a text, as vLLM names it'),
  content: z.string().optional().describe('a text, as llama.cpp names it'),
  messages: z.array(chatMessage).min(1).optional().describe('a conversation'),
  add_special_tokens: z.boolean().optional().describe('BOS before a text; default true'),
  add_generation_prompt: z.boolean().optional().describe('for messages; default true'),
  with_pieces: z.boolean().optional().describe('also the pieces, as the vocabulary writes them'),
} as const;

/** The fields of /tokenize. */
export const tokenizeFields: Fields<TokenizeRequest> = {
  schema: z.strictObject(tokenizeShape),
  docs: docsOf({ honoured: {}, extra: tokenizeShape, accepted: {} }),
  refused: {},
};

interface DetokenizeRequest {
  readonly model: string;
  readonly tokens: readonly number[];
}

const detokenizeShape = {
  model: z.string().min(1).describe('whose tokenizer'),
  tokens: z.array(z.int().min(0)).max(1_000_000).describe('token ids'),
} as const;

/** The fields of /detokenize. */
export const detokenizeFields: Fields<DetokenizeRequest> = {
  schema: z.strictObject(detokenizeShape),
  docs: docsOf({ honoured: {}, extra: detokenizeShape, accepted: {} }),
  refused: {},
};

/** Text or a conversation to ids. */
export async function tokenize(c: Context<ApiEnv>, parts: ApiParts): Promise<Response> {
  const request = parseFields(await readJson(c, parts.settings), tokenizeFields);
  const { prompt, content, messages } = request;
  const given = [prompt, content, messages].filter((one) => one !== undefined);
  if (given.length !== 1) {
    const allowed = 'one of prompt, content and messages';
    throw errors.FIELD_INVALID({ field: 'prompt', found: `${given.length} texts`, allowed });
  }
  using lease = await useModel(request.model, c.var.request, parts.models);
  const { tokenizer, engine } = lease.model;
  const bos = (request.add_special_tokens ?? true) && tokenizer.addsBos;
  const tokens =
    messages === undefined
      ? tokenizer.encode(prompt ?? content ?? '', { bos })
      : renderMessages({ messages, add_generation_prompt: request.add_generation_prompt }, lease);
  const pieces = tokens.map((id) => ({ id, piece: tokenizer.piece(id) }));
  return c.json({
    count: tokens.length,
    max_model_len: engine.context,
    tokens,
    ...(request.with_pieces === true ? { pieces } : {}),
  });
}

/** Ids to text. */
export async function detokenize(c: Context<ApiEnv>, parts: ApiParts): Promise<Response> {
  const { model, tokens } = parseFields(await readJson(c, parts.settings), detokenizeFields);
  using lease = await useModel(model, c.var.request, parts.models);
  const { tokenizer } = lease.model;
  const stranger = tokens.find((id) => id >= tokenizer.size);
  if (stranger !== undefined) {
    throw errors.TOKEN_UNKNOWN({ id: stranger, size: tokenizer.size });
  }
  const text = tokenizer.decode(tokens);
  return c.json({ prompt: text, content: text });
}
