// A conversation to an answer in the making, for every route that takes conversations: its prompt, what its
// text must be, and how calls of tools are read from it. Knows no reply's format.
import { errors } from '../../base/errors.ts';
import type { TokenId } from '../../tokenizer/index.ts';
import { constraintOf } from '../constraint-of.ts';
import type { ChatRequest } from '../fields/text-requests.ts';
import { describeSettings, samplingOptions } from '../generate-options.ts';
import type { ModelLease } from '../model-pool.ts';
import type { RequestContext } from '../request-context.ts';
import { type Answer, startAnswer } from '../start-answer.ts';
import { renderMessages } from './render.ts';
import { ToolCallReader, type ToolFormat, toolFormatOf } from './tools.ts';

/** An answer under way, and what its reply needs to know. */
export interface StartedChat {
  readonly answer: Answer;
  readonly prompt: readonly TokenId[];
  /** Tokens the answer may take. */
  readonly maxTokens: number;
  /** Reads calls of tools, one reader per answer; undefined where there are none. */
  readonly tools: (() => ToolCallReader) | undefined;
  /** What applied, in the words of the API. */
  readonly settings: object;
}

/** How it is started. */
export interface StartChatOptions {
  readonly lease: ModelLease;
  readonly context: RequestContext;
  /** Where the context has less room than the request allows: `refuse` it, or `cut` the answer there. */
  readonly overflow: 'refuse' | 'cut';
}

/** Starts it. Rejects with what cannot be asked of the model; the lease is then released. */
export async function startChat(
  request: ChatRequest,
  { lease, context, overflow }: StartChatOptions,
): Promise<StartedChat> {
  const { model } = lease;
  try {
    const format = toolFormatFor(request, lease);
    const constraint = await constraintOf(request, model, format);
    const prompt = renderMessages(request, lease);
    const sampling = samplingOptions(request, model);
    const room = Math.max(1, model.engine.context - prompt.length);
    const { max_completion_tokens: most = request.max_tokens ?? room } = request;
    const maxTokens = overflow === 'cut' ? Math.min(most, room) : most;
    const logprobs = request.logprobs === true ? (request.top_logprobs ?? 0) : undefined;
    const answer = startAnswer(context, {
      lease,
      prompts: [prompt],
      choices: request.n ?? 1,
      options: {
        ...sampling,
        maxTokens,
        start: request.continue_final_message === true ? 'continuation' : 'text',
        ...(logprobs === undefined ? {} : { logprobs }),
        ...(constraint === undefined ? {} : { constraint }),
      },
    });
    const settings = describeSettings(sampling, { seed: answer.seed, maxTokens });
    return { answer, prompt, maxTokens, tools: readerOf(request, format), settings };
  } catch (error) {
    lease[Symbol.dispose]();
    throw error;
  }
}

/** How the model writes calls, where it may make any. Throws TOOLS_UNSUPPORTED. */
export function toolFormatFor(
  { tools = [], tool_choice: choice }: Pick<ChatRequest, 'tools' | 'tool_choice'>,
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
