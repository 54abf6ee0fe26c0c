// Messages of a chat as OpenAI writes them. Parts that are no text are refused by name.
import { z } from 'zod';

/** A part of a message's content. */
export type ContentPart =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'refusal'; readonly refusal: string };

/** A call of a tool that the assistant made; `arguments` is JSON as text. */
export interface ToolCall {
  readonly id: string;
  readonly type: 'function';
  readonly function: { readonly name: string; readonly arguments: string };
}

type Content = string | readonly ContentPart[];

/** A message as it came in. */
export type IncomingMessage =
  | {
      readonly role: 'system' | 'developer' | 'user';
      readonly content: Content;
      readonly name?: string | undefined;
    }
  | {
      readonly role: 'assistant';
      readonly content?: Content | null | undefined;
      readonly refusal?: string | null | undefined;
      readonly name?: string | undefined;
      readonly tool_calls?: readonly ToolCall[] | null | undefined;
    }
  | { readonly role: 'tool'; readonly content: Content; readonly tool_call_id: string };

const textPart = z.strictObject({ type: z.literal('text'), text: z.string() });
const refusalPart = z.strictObject({ type: z.literal('refusal'), refusal: z.string() });

const text = z.union([z.string(), z.array(textPart).min(1)]);
const answerText = z.union([
  z.string(),
  z.array(z.discriminatedUnion('type', [textPart, refusalPart])).min(1),
]);
const name = z.string().optional();

const toolCall = z.strictObject({
  id: z.string(),
  type: z.literal('function'),
  function: z.strictObject({ name: z.string(), arguments: z.string() }),
});

/** One message. */
export const chatMessage: z.ZodType<IncomingMessage> = z.discriminatedUnion('role', [
  z.strictObject({ role: z.literal('system'), content: text, name }),
  z.strictObject({ role: z.literal('developer'), content: text, name }),
  z.strictObject({ role: z.literal('user'), content: text, name }),
  z.strictObject({
    role: z.literal('assistant'),
    content: answerText.nullish(),
    refusal: z.string().nullish(),
    name,
    tool_calls: z.array(toolCall).nullish(),
    // What clients copy from an answer, where there is nothing in it.
    annotations: z.array(z.never()).nullish(),
    audio: z.null().optional(),
    function_call: z.null().optional(),
  }),
  z.strictObject({ role: z.literal('tool'), content: text, tool_call_id: z.string() }),
]);
