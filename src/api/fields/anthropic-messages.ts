// Messages of a conversation as Anthropic writes them: texts, calls of tools, and their results. Blocks that
// are none of these are refused by name.
import { z } from 'zod';

/** A stretch of text. */
export interface TextBlock {
  readonly type: 'text';
  readonly text: string;
}

/** A call of a tool that the assistant made. */
export interface ToolUseBlock {
  readonly type: 'tool_use';
  readonly id: string;
  readonly name: string;
  readonly input: Readonly<Record<string, unknown>>;
}

/** What a call gave. */
export interface ToolResultBlock {
  readonly type: 'tool_result';
  readonly tool_use_id: string;
  readonly content?: string | readonly TextBlock[] | undefined;
  readonly is_error?: boolean | undefined;
}

/** A message as it came in. */
export type AnthropicMessage =
  | { readonly role: 'system'; readonly content: string | readonly TextBlock[] }
  | { readonly role: 'user'; readonly content: string | readonly (TextBlock | ToolResultBlock)[] }
  | {
      readonly role: 'assistant';
      readonly content: string | readonly (TextBlock | ToolUseBlock)[];
    };

/** What marks where a prompt may be cached; of no effect. */
export const cacheControl: z.ZodType = z
  .strictObject({ type: z.literal('ephemeral'), ttl: z.enum(['5m', '1h']).optional() })
  .nullish();

const textBlock = z.strictObject({
  type: z.literal('text'),
  text: z.string(),
  cache_control: cacheControl,
  // What clients copy from an answer, where there is nothing in it.
  citations: z.array(z.never()).nullish(),
});

const toolUseBlock = z.strictObject({
  type: z.literal('tool_use'),
  id: z.string().min(1),
  name: z.string(),
  input: z.record(z.string(), z.unknown()),
  cache_control: cacheControl,
  caller: z.strictObject({ type: z.literal('direct') }).optional(),
  toolset_name: z.null().optional(),
});

/** Blocks of one kind, or the same as a text. */
const texts = z.union([z.string(), z.array(blockOf([textBlock], 'text'))]);

const toolResultBlock = z.strictObject({
  type: z.literal('tool_result'),
  tool_use_id: z.string(),
  content: texts.optional(),
  is_error: z.boolean().optional(),
  cache_control: cacheControl,
  toolset_name: z.null().optional(),
});

type Blocks = Parameters<typeof z.discriminatedUnion>[1];

// The words of an error about any other block.
function blockOf<const Options extends Blocks>(
  options: Options,
  allowed: string,
): z.ZodDiscriminatedUnion<Options, 'type'> {
  return z.discriminatedUnion('type', options, { error: () => allowed });
}

/** A system prompt. */
export const systemPrompt: z.ZodType<string | readonly TextBlock[]> = texts;

/** One message. */
export const anthropicMessage: z.ZodType<AnthropicMessage> = z.discriminatedUnion(
  'role',
  [
    z.strictObject({ role: z.literal('system'), content: texts }),
    z.strictObject({
      role: z.literal('user'),
      content: z.union([
        z.string(),
        z.array(blockOf([textBlock, toolResultBlock], 'text, tool_result')),
      ]),
    }),
    z.strictObject({
      role: z.literal('assistant'),
      content: z.union([z.string(), z.array(blockOf([textBlock, toolUseBlock], 'text, tool_use'))]),
    }),
  ],
  { error: () => 'user, assistant, system' },
);
