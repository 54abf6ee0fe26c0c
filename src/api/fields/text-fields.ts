// The fields of /v1/chat/completions and /v1/completions: what is honoured, what vLLM and llama.cpp add,
// what is accepted because it asks for nothing that changes an answer, and what is refused. Limits are the
// engine's.
import { z } from 'zod';
import { chatMessage } from './chat-messages.ts';
import { docsOf, type Fields } from './fields.ts';
import type { ChatRequest, CompletionRequest } from './text-requests.ts';

const large = 2 ** 31 - 1;

const shared = {
  model: z.string().min(1).describe('which of the served models answers'),
  temperature: z.number().min(0).max(100).optional().describe('0 is greedy'),
  top_p: z.number().min(0).max(1).optional().describe('draw from the likeliest that reach it'),
  frequency_penalty: z.number().min(-100).max(100).optional().describe('per occurrence'),
  presence_penalty: z.number().min(-100).max(100).optional().describe('once per token'),
  logit_bias: z
    .record(z.string().regex(/^\d{1,9}$/), z.number().min(-100).max(100))
    .optional()
    .describe('added to logits by token id; -100 bans'),
  seed: z
    .int()
    .min(Number.MIN_SAFE_INTEGER)
    .max(Number.MAX_SAFE_INTEGER)
    .optional()
    .describe('the same seed gives the same tokens, alone or under load'),
  stop: z
    .union([z.string().min(1), z.array(z.string().min(1)).max(16)])
    .optional()
    .describe('up to 16 strings that end the answer'),
  n: z.int().min(1).max(128).optional().describe('answers to give; the prompt is computed once'),
  stream: z.boolean().optional().describe('server-sent events, one per token'),
  stream_options: z
    .strictObject({
      include_usage: z.boolean().optional(),
      include_obfuscation: z.boolean().optional(),
    })
    .optional()
    .describe('`include_usage` ends the stream with usage; `include_obfuscation` has no effect'),
} as const;

const sharedExtra = {
  top_k: z.int().min(0).max(large).optional().describe('draw from the K likeliest; 0 from all'),
  min_p: z.number().min(0).max(1).optional().describe('drop what is less likely than this share'),
  typical_p: z.number().min(0).max(1).optional().describe('draw from the most typical'),
  repetition_penalty: z.number().min(0.01).max(100).optional().describe('above 1: say new things'),
  grammar: z.string().min(1).optional().describe('the text is one of this grammar, in GBNF'),
  regex: z.string().min(1).optional().describe('the text matches this expression as a whole'),
  priority: z
    .enum(['interactive', 'batch'])
    .optional()
    .describe('`batch` waits for `interactive` (the default)'),
  return_token_ids: z
    .boolean()
    .optional()
    .describe('the ids of the prompt and of the answer, as vLLM gives them'),
  corral: z
    .strictObject({ settings: z.boolean().optional(), timings: z.boolean().optional() })
    .optional()
    .describe('`settings`: reply with what applied; `timings`: with how long it took'),
} as const;

const user = z.string().optional().describe('nobody looks at it');

const tool = z.strictObject({
  type: z.literal('function'),
  function: z.strictObject({
    name: z.string().regex(/^[\w-]{1,64}$/),
    description: z.string().nullish(),
    parameters: z.record(z.string(), z.unknown()).nullish(),
    strict: z.boolean().nullish(),
  }),
});

const toolChoice = z.union([
  z.enum(['none', 'auto', 'required']),
  z.strictObject({
    type: z.literal('function'),
    function: z.strictObject({ name: z.string() }),
  }),
]);

const responseFormat = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('text') }),
  z.strictObject({ type: z.literal('json_object') }),
  z.strictObject({
    type: z.literal('json_schema'),
    json_schema: z.strictObject({
      name: z.string(),
      description: z.string().nullish(),
      schema: z.record(z.string(), z.unknown()).nullish(),
      strict: z.boolean().nullish(),
    }),
  }),
]);

const chat = {
  honoured: {
    ...shared,
    messages: z.array(chatMessage).min(1).max(100_000).describe('the conversation, in text'),
    max_completion_tokens: z
      .int()
      .min(1)
      .optional()
      .describe('longest answer; default: what is left of the context'),
    max_tokens: z.int().min(1).optional().describe('the older name of `max_completion_tokens`'),
    logprobs: z.boolean().optional().describe('log-probability of each token'),
    tools: z
      .array(tool)
      .max(128)
      .optional()
      .describe('functions, as the model’s template takes them'),
    tool_choice: toolChoice
      .optional()
      .describe('`required` and a named function are held to, as a schema is'),
    response_format: responseFormat
      .optional()
      .describe('`json_object`, `json_schema`: held to exactly, strict or not; `text`'),
    parallel_tool_calls: z.boolean().optional().describe('false: at most one call'),
    top_logprobs: z.int().min(0).max(20).optional().describe('alternatives per token'),
  },
  extra: {
    ...sharedExtra,
    add_generation_prompt: z
      .boolean()
      .optional()
      .describe('begin an answer of the assistant; default true'),
    continue_final_message: z
      .boolean()
      .optional()
      .describe('go on with the last message, which is the assistant’s'),
  },
  accepted: {
    user,
    metadata: z.record(z.string(), z.string()).optional().describe('nothing is stored'),
    store: z.literal(false).optional().describe('nothing is stored'),
    service_tier: z.enum(['auto', 'default']).optional().describe('there is one tier'),
    safety_identifier: z.string().optional().describe('nobody looks at it'),
    prompt_cache_key: z.string().optional().describe('equal beginnings are shared without it'),
    prompt_cache_retention: z
      .literal('in_memory')
      .optional()
      .describe('the cache keeps what it has room for'),
    modalities: z
      .tuple([z.literal('text')])
      .optional()
      .describe('text is what there is'),
  },
} as const;

/** The fields of a chat completion. */
export const chatFields: Fields<ChatRequest> = {
  schema: z.strictObject({ ...chat.honoured, ...chat.extra, ...chat.accepted }),
  docs: docsOf(chat),
  refused: {
    audio: 'answers are text',
    function_call: 'it was replaced by tool_choice',
    functions: 'they were replaced by tools',
    moderation: 'there is no moderation model here',
    prediction: 'there is no predicted output',
    prompt_cache_options: 'the cache has no options; equal beginnings are shared',
    reasoning_effort: 'Llama models have no such control',
    verbosity: 'Llama models have no such control',
    web_search_options: 'the server makes no outgoing connections',
  },
};

const ids = z.array(z.int().min(0)).min(1);

const completion = {
  honoured: {
    ...shared,
    prompt: z
      .union([z.string(), ids, z.array(z.string()).min(1), z.array(ids).min(1)])
      .describe('a text, token ids, or a list of either'),
    max_tokens: z.int().min(0).optional().describe('longest answer; default 16'),
    best_of: z.int().min(1).max(128).optional().describe('of so many, the likeliest per token'),
    echo: z.boolean().optional().describe('the prompt comes before the answer'),
    logprobs: z.int().min(0).max(32).optional().describe('alternatives per token'),
  },
  extra: sharedExtra,
  accepted: { user },
} as const;

/** The fields of a completion. */
export const completionFields: Fields<CompletionRequest> = {
  schema: z.strictObject({ ...completion.honoured, ...completion.extra, ...completion.accepted }),
  docs: docsOf(completion),
  refused: { suffix: 'Llama models continue a text, they do not fill it in' },
};
