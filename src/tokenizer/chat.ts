// Conversations to tokens. Which format applies is the caller's choice or the checkpoint's template;
// nothing is guessed. Text of messages never becomes a control token, whatever it says.
import { errors } from '../base/errors.ts';
import { type ChatEncoding, type ChatMessage, type ChatRole, chatRoles } from './chat-message.ts';

export type { ChatEncoding, ChatMessage, ChatRole } from './chat-message.ts';

import { encodeJinjaChat } from './jinja-chat.ts';
import { encodeLlama2Chat } from './llama2-chat.ts';
import type { Tokenizer } from './tokenizer.ts';

/** How a conversation is written down. */
export interface ChatOptions {
  /** `llama-2` (Meta's format, made from token lists) or the Jinja source of a template. */
  readonly template?: string | undefined;
  /** A system message for a conversation that does not begin with one. */
  readonly system?: string | undefined;
  /** Tool descriptions, for templates that know them. */
  readonly tools?: readonly unknown[] | undefined;
  /** End where the assistant's answer begins. Default: unless the last message is the assistant's. */
  readonly addGenerationPrompt?: boolean | undefined;
  /** More variables for a Jinja template, such as `enable_thinking`. */
  readonly variables?: Readonly<Record<string, unknown>> | undefined;
  /**
   * `required`: throw when a template does not let us tell which tokens are the assistant's.
   * `best-effort` (default): such a message counts as nobody's.
   */
  readonly labels?: 'required' | 'best-effort' | undefined;
  /** What a template that asks for the date is told. Default: now. */
  readonly now?: Date | undefined;
}

/**
 * The tokens of a conversation.
 * @example const { ids } = encodeChat(tokenizer, [{ role: 'user', content: 'Hello' }], { template: 'llama-2' });
 */
export function encodeChat(
  tokenizer: Tokenizer,
  messages: readonly ChatMessage[],
  options: ChatOptions = {},
): ChatEncoding {
  const { template, system } = options;
  if (template === undefined) {
    throw errors.TEMPLATE_INVALID({ reason: 'the model has none, and none was given' });
  }
  checkMessages(messages);
  const conversation: readonly ChatMessage[] =
    system === undefined || messages[0]?.role === 'system'
      ? messages
      : [{ role: 'system', content: system }, ...messages];
  const addGenerationPrompt =
    options.addGenerationPrompt ?? conversation.at(-1)?.role !== 'assistant';
  if (template === 'llama-2') {
    if (options.tools && options.tools.length > 0) {
      throw errors.CHAT_INVALID({ reason: 'the llama-2 format has no place for tools' });
    }
    return encodeLlama2Chat(tokenizer, conversation, { addGenerationPrompt });
  }
  return encodeJinjaChat(tokenizer, conversation, {
    template,
    addGenerationPrompt,
    tools: options.tools,
    variables: options.variables,
    labelsRequired: options.labels === 'required',
    now: options.now ?? new Date(),
  });
}

/**
 * The format to use for a checkpoint: its own template where it has one; `llama-2` where it has none
 * but the Llama 2 vocabulary (also Code Llama's, a few pieces larger); otherwise undefined, and the
 * user must say. A base model with that vocabulary was not trained on the format: offer, do not impose.
 */
export function defaultChatTemplate(checkpoint: {
  readonly chatTemplate: string | undefined;
  readonly tokenizer: Tokenizer;
}): string | undefined {
  const { chatTemplate, tokenizer } = checkpoint;
  if (chatTemplate !== undefined && chatTemplate.trim() !== '') return chatTemplate;
  const isLlama2 =
    tokenizer.kind === 'sentencepiece' &&
    tokenizer.bos === 1 &&
    tokenizer.eos === 2 &&
    tokenizer.idOf('\u2581[') === 518 &&
    tokenizer.idOf('INST') === 25580;
  return isLlama2 ? 'llama-2' : undefined;
}

function checkMessages(messages: readonly ChatMessage[]): void {
  if (messages.length === 0) throw errors.CHAT_INVALID({ reason: 'it has no messages' });
  for (const [at, message] of messages.entries()) {
    if (!(chatRoles as readonly string[]).includes(message.role)) {
      throw errors.CHAT_INVALID({
        reason: `message ${at + 1} has the role ${String(message.role as ChatRole)}; roles are ${chatRoles.join(', ')}`,
      });
    }
    if (typeof message.content !== 'string') {
      throw errors.CHAT_INVALID({ reason: `the content of message ${at + 1} is no text` });
    }
  }
}
