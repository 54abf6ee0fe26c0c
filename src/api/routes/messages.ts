// POST /v1/messages and /v1/messages/count_tokens: the same conversations in Anthropic's shape.
import { randomUUID } from 'node:crypto';
import type { Context } from 'hono';
import type { ApiParts } from '../api-parts.ts';
import { renderMessages } from '../chat/render.ts';
import { startChat, toolFormatFor } from '../chat/start-chat.ts';
import { formatEvent } from '../event-stream.ts';
import { countTokensFields, messageFields } from '../fields/message-fields.ts';
import { parseFields } from '../fields/parse-fields.ts';
import { messageError } from '../messages/message-error.ts';
import {
  type MessageReplyOptions,
  messageEvents,
  messageReply,
} from '../messages/message-format.ts';
import { toChat, toConversation } from '../messages/to-chat.ts';
import { readJson } from '../read-json.ts';
import type { ApiEnv } from '../request-context.ts';
import { sendReply } from '../send-reply.ts';
import { useModel } from '../use-model.ts';

/** Answers a conversation. */
export async function messages(c: Context<ApiEnv>, parts: ApiParts): Promise<Response> {
  const request = parseFields(await readJson(c, parts.settings), messageFields);
  const chat = toChat(request);
  const context = c.var.request;
  const lease = await useModel(request.model, context, parts.models);
  const { answer, maxTokens, tools } = await startChat(chat, { lease, context, overflow: 'cut' });
  const options: MessageReplyOptions = {
    id: `msg_${randomUUID().replaceAll('-', '')}`,
    model: request.model,
    isCut: maxTokens < request.max_tokens,
    reader: tools?.(),
  };
  return sendReply(c, parts, {
    stream: request.stream === true,
    whole: () => messageReply(answer, options),
    texts: () => messageEvents(answer, options),
    formatError: (error) => formatEvent(messageError(error, context.id), 'error'),
  });
}

/** Counts the tokens of its prompt. */
export async function countTokens(c: Context<ApiEnv>, parts: ApiParts): Promise<Response> {
  const request = parseFields(await readJson(c, parts.settings), countTokensFields);
  const chat = toConversation(request);
  using lease = await useModel(request.model, c.var.request, parts.models);
  toolFormatFor(chat, lease);
  return c.json({ input_tokens: renderMessages(chat, lease).length });
}
