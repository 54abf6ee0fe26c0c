// A conversation as a request has it, to the tokens of the model's own template.
import { errors } from '../../base/errors.ts';
import { type ChatMessage, encodeChat, type TokenId } from '../../tokenizer/index.ts';
import type { IncomingMessage } from '../fields/chat-messages.ts';
import type { ChatRequest } from '../fields/text-requests.ts';
import type { ModelLease } from '../model-pool.ts';

/** Tokens of the prompt. Throws CHAT_TEMPLATE_MISSING, CHAT_INVALID, TEMPLATE_INVALID or FIELD_INVALID. */
export function renderChat(request: ChatRequest, { name, model }: ModelLease): TokenId[] {
  const { tokenizer, chatTemplate } = model;
  if (chatTemplate === undefined) throw errors.CHAT_TEMPLATE_MISSING({ model: name });
  const messages = request.messages.map(toTemplateMessage);
  const continues = request.continue_final_message === true;
  const addGenerationPrompt = request.add_generation_prompt ?? !continues;
  if (continues) checkContinuation(request);
  const encoding = encodeChat(tokenizer, messages, {
    template: chatTemplate,
    addGenerationPrompt,
  });
  return continues
    ? cutAfterAnswer(encoding.ids, encoding.assistant, tokenizer.controls)
    : encoding.ids;
}

function checkContinuation({ messages, add_generation_prompt: adds }: ChatRequest): void {
  if (adds === true) {
    throw errors.FIELD_INVALID({
      field: 'add_generation_prompt',
      found: 'true',
      allowed: 'false together with continue_final_message',
    });
  }
  const last = messages.at(-1);
  if (last?.role !== 'assistant' || textOf(last.content) === '') {
    throw errors.FIELD_INVALID({
      field: 'continue_final_message',
      found: 'true',
      allowed: 'true where the last message is the assistant’s and has text',
    });
  }
}

/** The tokens without what the template puts after the last answer: the token that ends the turn. */
function cutAfterAnswer(
  ids: readonly TokenId[],
  assistant: readonly boolean[],
  controls: ReadonlyMap<string, TokenId>,
): TokenId[] {
  const ends = new Set(controls.values());
  let length = ids.length;
  while (length > 0 && (assistant[length - 1] !== true || ends.has(ids[length - 1] as TokenId))) {
    length--;
  }
  if (length > 0) return ids.slice(0, length);
  throw errors.TEMPLATE_INVALID({
    reason: 'it does not show where the last answer ends, so that cannot be continued',
  });
}

function toTemplateMessage(message: IncomingMessage): ChatMessage {
  const content = textOf(message.content);
  // A developer's message is what a system message was called before.
  if (message.role === 'developer') return { role: 'system', content };
  if (message.role === 'assistant' && message.refusal != null && content === '') {
    return { role: 'assistant', content: message.refusal };
  }
  return { role: message.role, content };
}

// Parts are joined by line ends, as vLLM joins them.
function textOf(content: IncomingMessage['content']): string {
  if (content == null) return '';
  if (typeof content === 'string') return content;
  return content
    .map((part) => ('text' in part ? String(part.text) : 'refusal' in part ? part.refusal : ''))
    .join('\n');
}
