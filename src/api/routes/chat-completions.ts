// POST /v1/chat/completions.
import type { Context } from 'hono';
import { errors } from '../../base/errors.ts';
import type { ApiParts } from '../api-parts.ts';
import { type ChatReplyOptions, chatChunks, chatReply } from '../chat/chat-format.ts';
import { startChat } from '../chat/start-chat.ts';
import { parseFields } from '../fields/parse-fields.ts';
import { chatFields } from '../fields/text-fields.ts';
import type { ChatRequest } from '../fields/text-requests.ts';
import { readJson } from '../read-json.ts';
import { checkStream, corralOf, makeHead } from '../reply-options.ts';
import type { ApiEnv } from '../request-context.ts';
import { sendReply } from '../send-reply.ts';
import { chatLogprobs } from '../token-text.ts';
import { useModel } from '../use-model.ts';

/** Answers a conversation. */
export async function chatCompletions(c: Context<ApiEnv>, parts: ApiParts): Promise<Response> {
  const request = parseFields(await readJson(c, parts.settings), chatFields);
  checkTogether(request);
  const context = c.var.request;
  const lease = await useModel(request.model, context, parts.models);
  const chat = await startChat(request, { lease, context, overflow: 'refuse' });
  const { answer, settings } = chat;
  const { tokenizer } = lease.model;
  const options: ChatReplyOptions = {
    head: makeHead('chatcmpl', request.model, parts.version),
    choices: request.n ?? 1,
    usageInStream: request.stream_options?.include_usage === true,
    tokenIds: request.return_token_ids === true,
    promptIds: chat.prompt,
    logprobs: request.logprobs === true ? chatLogprobs(tokenizer) : undefined,
    more: (tally) => corralOf(request, settings, tally),
    tools: chat.tools,
  };
  return sendReply(c, parts, {
    stream: request.stream === true,
    whole: () => chatReply(answer, options),
    texts: () => chatChunks(answer, options),
  });
}

function checkTogether(request: ChatRequest): void {
  const refuse = (field: string, found: string, allowed: string): never => {
    throw errors.FIELD_INVALID({ field, found, allowed });
  };
  checkStream(request);
  const { tools = [], tool_choice: choice } = request;
  if (request.top_logprobs !== undefined && request.logprobs !== true) {
    refuse('top_logprobs', String(request.top_logprobs), 'a number together with logprobs: true');
  }
  if (request.max_tokens !== undefined && request.max_completion_tokens !== undefined) {
    refuse('max_tokens', String(request.max_tokens), 'one of max_tokens and max_completion_tokens');
  }
  if (choice !== undefined && choice !== 'none' && tools.length === 0) {
    refuse('tool_choice', 'there without tools', 'one together with tools');
  }
}
