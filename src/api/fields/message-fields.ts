// The fields of Anthropic's /v1/messages and /v1/messages/count_tokens: what is honoured, what is accepted
// because it asks for nothing that changes an answer, and what is refused. Limits are the engine's.
import { z } from 'zod';
import {
  type AnthropicMessage,
  anthropicMessage,
  cacheControl,
  systemPrompt,
  type TextBlock,
} from './anthropic-messages.ts';
import { docsOf, type Fields } from './fields.ts';

/** A tool that the model may use. */
export interface AnthropicTool {
  readonly name: string;
  readonly description?: string | undefined;
  readonly input_schema: Readonly<Record<string, unknown>>;
  readonly strict?: boolean | undefined;
}

/** Whether tools may, must or must not be used. */
export type AnthropicToolChoice =
  | { readonly type: 'auto' | 'any'; readonly disable_parallel_tool_use?: boolean | undefined }
  | {
      readonly type: 'tool';
      readonly name: string;
      readonly disable_parallel_tool_use?: boolean | undefined;
    }
  | { readonly type: 'none' };

/** A conversation as asked to be counted. */
export interface CountTokensRequest {
  readonly model: string;
  readonly messages: readonly AnthropicMessage[];
  readonly system?: string | readonly TextBlock[] | undefined;
  readonly tools?: readonly AnthropicTool[] | undefined;
  readonly tool_choice?: AnthropicToolChoice | undefined;
  readonly output_config?:
    | {
        readonly format?:
          | { readonly type: 'json_schema'; readonly schema: Readonly<Record<string, unknown>> }
          | null
          | undefined;
      }
    | undefined;
}

/** A conversation as asked to be answered. */
export interface MessageRequest extends CountTokensRequest {
  readonly max_tokens: number;
  readonly stop_sequences?: readonly string[] | undefined;
  readonly stream?: boolean | undefined;
  readonly temperature?: number | undefined;
  readonly top_p?: number | undefined;
  readonly top_k?: number | undefined;
  readonly min_p?: number | undefined;
  readonly seed?: number | undefined;
  readonly priority?: 'interactive' | 'batch' | undefined;
}

const large = 2 ** 31 - 1;

const tool = z.strictObject({
  type: z.literal('custom').nullish(),
  name: z.string().regex(/^[\w-]{1,128}$/),
  description: z.string().optional(),
  input_schema: z.record(z.string(), z.unknown()),
  strict: z.boolean().optional(),
  cache_control: cacheControl,
  // What asks for nothing beyond what is done anyway.
  eager_input_streaming: z.boolean().nullish(),
  defer_loading: z.literal(false).optional(),
  allowed_callers: z.tuple([z.literal('direct')]).optional(),
});

const disable_parallel_tool_use = z.boolean().optional();

const toolChoice = z.discriminatedUnion(
  'type',
  [
    z.strictObject({ type: z.literal('auto'), disable_parallel_tool_use }),
    z.strictObject({ type: z.literal('any'), disable_parallel_tool_use }),
    z.strictObject({ type: z.literal('tool'), name: z.string(), disable_parallel_tool_use }),
    z.strictObject({ type: z.literal('none') }),
  ],
  { error: () => 'auto, any, tool, none' },
);

const outputConfig = z.strictObject({
  format: z
    .strictObject({
      type: z.literal('json_schema'),
      schema: z.record(z.string(), z.unknown()),
    })
    .nullish(),
});

const conversation = {
  model: z.string().min(1).describe('which of the served models answers'),
  messages: z
    .array(anthropicMessage)
    .min(1)
    .max(100_000)
    .describe('the conversation: text, `tool_use` and `tool_result` blocks'),
  system: systemPrompt.optional().describe('comes before the conversation'),
  tools: z.array(tool).max(128).optional().describe('tools, as the model’s template takes them'),
  tool_choice: toolChoice
    .optional()
    .describe('`any` and a named `tool` are held to, as a schema is'),
  output_config: outputConfig
    .optional()
    .describe('`format`: a JSON schema that the answer is held to exactly; no `effort`'),
} as const;

const accepted = {
  cache_control: cacheControl.describe('equal beginnings are shared without it'),
  thinking: z
    .strictObject({ type: z.literal('disabled') })
    .optional()
    .describe('`disabled`: there is no other way'),
  speed: z.literal('standard').optional().describe('there is one speed'),
} as const;

const refused = {
  betas: 'they are a header, which nobody looks at',
  billing_policy: 'nobody is billed here',
  compaction: 'the context is what the request says',
  container: 'there are no containers here',
  context_management: 'the context is what the request says',
  diagnostics: 'the cache tells of itself in `usage` alone',
  fallback_credit_token: 'nobody is billed here',
  fallbacks: 'one model answers',
  inference_geo: 'the model runs where this server does',
  mcp_servers: 'the server makes no outgoing connections',
  output_format: 'it was replaced by output_config.format',
  thread: 'nothing is stored',
  user_profile_id: 'it is a header, which nobody looks at',
  workspace_id: 'it is a header, which nobody looks at',
} as const;

const messages = {
  honoured: {
    ...conversation,
    max_tokens: z
      .int()
      .min(1)
      .describe('longest answer; where the context has less room, the answer ends there'),
    stop_sequences: z
      .array(z.string().min(1))
      .max(16)
      .optional()
      .describe('up to 16 strings that end the answer'),
    stream: z.boolean().optional().describe('server-sent events'),
    temperature: z.number().min(0).max(100).optional().describe('0 is greedy'),
    top_p: z.number().min(0).max(1).optional().describe('draw from the likeliest that reach it'),
    top_k: z.int().min(0).max(large).optional().describe('draw from the K likeliest; 0 from all'),
  },
  extra: {
    min_p: z.number().min(0).max(1).optional().describe('drop what is less likely than this share'),
    seed: z
      .int()
      .min(0)
      .max(Number.MAX_SAFE_INTEGER)
      .optional()
      .describe('the same seed gives the same tokens, alone or under load'),
    priority: z
      .enum(['interactive', 'batch'])
      .optional()
      .describe('`batch` waits for `interactive` (the default)'),
  },
  accepted: {
    ...accepted,
    metadata: z
      .strictObject({ user_id: z.string().nullish() })
      .optional()
      .describe('nobody looks at it'),
    service_tier: z.enum(['auto', 'standard_only']).optional().describe('there is one tier'),
  },
} as const;

/** The fields of a message. */
export const messageFields: Fields<MessageRequest> = {
  schema: z.strictObject({ ...messages.honoured, ...messages.extra, ...messages.accepted }),
  docs: docsOf(messages),
  refused,
};

/** The fields of a count. */
export const countTokensFields: Fields<CountTokensRequest> = {
  schema: z.strictObject({ ...conversation, ...accepted }),
  docs: docsOf({ honoured: conversation, extra: {}, accepted }),
  refused,
};
