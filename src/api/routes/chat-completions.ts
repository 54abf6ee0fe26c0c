// POST /v1/chat/completions.
import type { Context } from 'hono';
import { errors } from '../../base/errors.ts';
import type { ApiParts } from '../api-parts.ts';
import { type ChatReplyOptions, chatChunks, chatReply } from '../chat/chat-format.ts';
import { renderMessages } from '../chat/render.ts';
import { ToolCallReader, type ToolFormat, toolFormatOf } from '../chat/tools.ts';
import { constraintOf } from '../constraint-of.ts';
import { parseFields } from '../fields/parse-fields.ts';
import { chatFields } from '../fields/text-fields.ts';
import type { ChatRequest } from '../fields/text-requests.ts';
import { describeSettings, samplingOptions } from '../generate-options.ts';
import type { ModelLease } from '../model-pool.ts';
import { readJson } from '../read-json.ts';
import { checkStream, corralOf, makeHead } from '../reply-options.ts';
import type { ApiEnv, RequestContext } from '../request-context.ts';
import { sendReply } from '../send-reply.ts';
import { type Answer, startAnswer } from '../start-answer.ts';
import { chatLogprobs } from '../token-text.ts';
import { useModel } from '../use-model.ts';

/** Answers a conversation. */
export async function chatCompletions(c: Context<ApiEnv>, parts: ApiParts): Promise<Response> {
  const request = parseFields(await readJson(c, parts.settings), chatFields);
  checkTogether(request);
  const lease = await useModel(request.model, c.var.request, parts.models);
  const { answer, options } = await begin(request, lease, { context: c.var.request, parts });
  return sendReply(c, parts, {
    stream: request.stream === true,
    whole: () => chatReply(answer, options),
    texts: () => chatChunks(answer, options),
  });
}

async function begin(
  request: ChatRequest,
  lease: ModelLease,
  { context, parts }: { readonly context: RequestContext; readonly parts: ApiParts },
): Promise<{ readonly answer: Answer; readonly options: ChatReplyOptions }> {
  const { model } = lease;
  try {
    const format = formatOf(request, lease);
    const tools = readerOf(request, format);
    const constraint = await constraintOf(request, model, format);
    const prompt = renderMessages(request, lease);
    const sampling = samplingOptions(request, model);
    const { max_completion_tokens: most = request.max_tokens } = request;
    const maxTokens = most ?? Math.max(1, model.engine.context - prompt.length);
    const logprobs = request.logprobs === true ? (request.top_logprobs ?? 0) : undefined;
    const choices = request.n ?? 1;
    const answer = startAnswer(context, {
      lease,
      prompts: [prompt],
      choices,
      options: {
        ...sampling,
        maxTokens,
        start: request.continue_final_message === true ? 'continuation' : 'text',
        ...(logprobs === undefined ? {} : { logprobs }),
        ...(constraint === undefined ? {} : { constraint }),
      },
    });
    const settings = describeSettings(sampling, { seed: answer.seed, maxTokens });
    const options: ChatReplyOptions = {
      head: makeHead('chatcmpl', request.model, parts.version),
      choices,
      usageInStream: request.stream_options?.include_usage === true,
      tokenIds: request.return_token_ids === true,
      promptIds: prompt,
      logprobs: logprobs === undefined ? undefined : chatLogprobs(model.tokenizer),
      more: (tally) => corralOf(request, settings, tally),
      tools,
    };
    return { answer, options };
  } catch (error) {
    lease[Symbol.dispose]();
    throw error;
  }
}

/** How the model writes calls, where it may make any. Throws TOOLS_UNSUPPORTED. */
function formatOf(
  { tools = [], tool_choice: choice }: ChatRequest,
  { name, model }: ModelLease,
): ToolFormat | undefined {
  if (tools.length === 0) return undefined;
  const format = toolFormatOf(model.chatTemplate);
  if (format === undefined) throw errors.TOOLS_UNSUPPORTED({ model: name });
  return choice === 'none' ? undefined : format;
}

/** What reads calls of the request's tools. */
function readerOf(
  { tools = [], parallel_tool_calls: parallel }: ChatRequest,
  format: ToolFormat | undefined,
): (() => ToolCallReader) | undefined {
  if (format === undefined) return undefined;
  const names = new Set(tools.map((tool) => tool.function.name));
  const limit = parallel === false ? 1 : Number.POSITIVE_INFINITY;
  return () => new ToolCallReader(format, { names, limit });
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
  const isFree = choice === undefined || choice === 'auto';
  if (isFree && tools.some((tool) => tool.function.strict === true)) {
    const allowed = 'strict: true together with a tool_choice of required, or of one function';
    refuse('tools', 'a function with strict: true that need not be called', allowed);
  }
}
