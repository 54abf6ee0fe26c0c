// POST /v1/chat/completions.
import { randomUUID } from 'node:crypto';
import type { Context } from 'hono';
import { errors } from '../../base/errors.ts';
import type { ApiParts } from '../api-parts.ts';
import { chatChunks, chatReply, type ReplyHead, type ReplyOptions } from '../chat/chat-format.ts';
import { renderChat } from '../chat/render.ts';
import { parseFields } from '../fields/parse-fields.ts';
import { chatFields } from '../fields/text-fields.ts';
import type { ChatRequest } from '../fields/text-requests.ts';
import { describeSettings, samplingOptions } from '../generate-options.ts';
import type { ModelLease } from '../model-pool.ts';
import { readJson } from '../read-json.ts';
import type { ApiEnv } from '../request-context.ts';
import { sendReply } from '../send-reply.ts';
import { type Answer, startAnswer } from '../start-answer.ts';
import { timingsOf } from '../timings.ts';
import { chatLogprobs } from '../token-text.ts';
import { useModel } from '../use-model.ts';

/** Answers a conversation. */
export async function chatCompletions(c: Context<ApiEnv>, parts: ApiParts): Promise<Response> {
  const request = parseFields(await readJson(c, parts.settings), chatFields);
  checkTogether(request);
  const lease = await useModel(request.model, c.var.request, parts.models);
  const { answer, options } = begin(request, lease, c);
  const head: ReplyHead = {
    id: `chatcmpl-${randomUUID().replaceAll('-', '')}`,
    created: Math.floor(Date.now() / 1000),
    model: request.model,
    fingerprint: `corral-${parts.version}`,
  };
  return sendReply(c, parts, {
    stream: request.stream === true,
    whole: () => chatReply(answer, head, options),
    texts: () => chatChunks(answer, head, options),
  });
}

function begin(
  request: ChatRequest,
  lease: ModelLease,
  c: Context<ApiEnv>,
): { readonly answer: Answer; readonly options: ReplyOptions } {
  const { model } = lease;
  try {
    const prompt = renderChat(request, lease);
    const sampling = samplingOptions(request, model);
    const maxTokens =
      request.max_completion_tokens ??
      request.max_tokens ??
      Math.max(1, model.engine.context - prompt.length);
    const logprobs = request.logprobs === true ? (request.top_logprobs ?? 0) : undefined;
    const choices = request.n ?? 1;
    const answer = startAnswer(c.var.request, {
      lease,
      prompt,
      choices,
      options: {
        ...sampling,
        maxTokens,
        start: request.continue_final_message === true ? 'continuation' : 'text',
        ...(logprobs === undefined ? {} : { logprobs }),
      },
    });
    const { settings, timings } = request.corral ?? {};
    const priority = request.priority ?? 'interactive';
    const shown = describeSettings(sampling, { seed: answer.seed, maxTokens, priority });
    const options: ReplyOptions = {
      choices,
      usageInStream: request.stream_options?.include_usage === true,
      tokenIds: request.return_token_ids === true,
      promptIds: prompt,
      logprobs: logprobs === undefined ? undefined : chatLogprobs(model.tokenizer),
      corral: (tally) =>
        settings !== true && timings !== true
          ? undefined
          : {
              ...(settings === true ? { settings: shown } : {}),
              ...(timings === true ? { timings: timingsOf(tally) } : {}),
            },
    };
    return { answer, options };
  } catch (error) {
    lease[Symbol.dispose]();
    throw error;
  }
}

function checkTogether(request: ChatRequest): void {
  const refuse = (field: string, found: string, allowed: string): never => {
    throw errors.FIELD_INVALID({ field, found, allowed });
  };
  if (request.top_logprobs !== undefined && request.logprobs !== true) {
    refuse('top_logprobs', String(request.top_logprobs), 'a number together with logprobs: true');
  }
  if (request.stream_options !== undefined && request.stream !== true) {
    refuse('stream_options', 'an object', 'an object together with stream: true');
  }
  if (request.max_tokens !== undefined && request.max_completion_tokens !== undefined) {
    refuse('max_tokens', String(request.max_tokens), 'one of max_tokens and max_completion_tokens');
  }
}
