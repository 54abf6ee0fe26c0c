// A conversation as a request has it, to the tokens of the model's own template.
import { errors } from '../../base/errors.ts';
import {
  type ChatMessage,
  encodeChat,
  type TokenId,
  type Tokenizer,
} from '../../tokenizer/index.ts';
import type { IncomingMessage, ToolCall } from '../fields/chat-messages.ts';
import type { ChatRequest } from '../fields/text-requests.ts';
import type { ModelLease } from '../model-pool.ts';

/** Tokens of the prompt. Throws CHAT_TEMPLATE_MISSING, CHAT_INVALID, TEMPLATE_INVALID or FIELD_INVALID. */
export function renderMessages(
  request: Pick<
    ChatRequest,
    'messages' | 'tools' | 'tool_choice' | 'add_generation_prompt' | 'continue_final_message'
  >,
  { name, model }: ModelLease,
): TokenId[] {
  const { tokenizer, chatTemplate } = model;
  if (chatTemplate === undefined) throw errors.CHAT_TEMPLATE_MISSING({ model: name });
  const messages = toTemplateMessages(request.messages);
  const tools = request.tool_choice === 'none' ? [] : (request.tools ?? []);
  const continues = request.continue_final_message === true;
  const addGenerationPrompt = request.add_generation_prompt ?? !continues;
  if (continues) checkContinuation(request);
  const encoding = encodeChat(tokenizer, messages, {
    template: chatTemplate,
    addGenerationPrompt,
    ...(tools.length === 0 ? {} : { tools }),
  });
  return continues
    ? cutAfterAnswer(encoding.ids, textOf(request.messages.at(-1)?.content), tokenizer)
    : encoding.ids;
}

function checkContinuation({
  messages,
  add_generation_prompt: adds,
}: Pick<ChatRequest, 'messages' | 'add_generation_prompt'>): void {
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

// Templates put little after an answer: the token that ends the turn, a line end.
const maxAfterAnswer = 16;
// Enough to know the answer's end by.
const tailCharacters = 100;

/** The tokens without what the template puts after the last message, so that its text goes on. */
function cutAfterAnswer(ids: readonly TokenId[], answer: string, tokenizer: Tokenizer): TokenId[] {
  const tail = answer.trimEnd().slice(-tailCharacters);
  const from = Math.max(0, ids.length - maxAfterAnswer - 4 * tailCharacters);
  for (let length = ids.length; length > ids.length - maxAfterAnswer && length > 0; length--) {
    const text = tokenizer.decode(ids.slice(from, length), { control: 'show' });
    if (text.endsWith(tail)) return ids.slice(0, length);
  }
  throw errors.TEMPLATE_INVALID({
    reason: 'it does not show where the last answer ends, so that cannot be continued',
  });
}

function toTemplateMessages(messages: readonly IncomingMessage[]): ChatMessage[] {
  // Templates want to know which tool a result is from; OpenAI's messages name the call alone.
  const names = new Map<string, string>();
  return messages.map((message, at) => {
    const content = textOf(message.content);
    if (message.role === 'tool') {
      const { tool_call_id: id } = message;
      const name = names.get(id);
      return { role: 'tool', content, tool_call_id: id, ...(name === undefined ? {} : { name }) };
    }
    // A developer's message is what a system message was called before.
    if (message.role === 'developer') return { role: 'system', content };
    if (message.role !== 'assistant') return { role: message.role, content };
    const calls = message.tool_calls ?? [];
    for (const call of calls) names.set(call.id, call.function.name);
    return {
      role: 'assistant',
      content: content === '' ? (message.refusal ?? '') : content,
      ...(calls.length === 0
        ? {}
        : {
            tool_calls: calls.map((call, index) =>
              parsedCall(call, `messages[${at}].tool_calls[${index}]`),
            ),
          }),
    };
  });
}

// Templates write arguments with tojson, and so want them as values.
function parsedCall(call: ToolCall, field: string): object {
  try {
    const { name, arguments: text } = call.function;
    return { ...call, function: { name, arguments: text === '' ? {} : JSON.parse(text) } };
  } catch {
    const allowed = 'JSON as text';
    throw errors.FIELD_INVALID({
      field: `${field}.function.arguments`,
      found: 'another text',
      allowed,
    });
  }
}

// Parts are joined by line ends, as vLLM joins them.
function textOf(content: IncomingMessage['content']): string {
  if (content == null) return '';
  if (typeof content === 'string') return content;
  return content
    .map((part) => ('text' in part ? String(part.text) : 'refusal' in part ? part.refusal : ''))
    .join('\n');
}
