// A conversation in Anthropic's shape to the one that all of the server speaks, which is OpenAI's. What the
// one can say and the other cannot is refused here, in the words of the request.
import { errors } from '../../base/errors.ts';
import type { AnthropicMessage, TextBlock, ToolResultBlock } from '../fields/anthropic-messages.ts';
import type { ContentPart, IncomingMessage, ToolCall } from '../fields/chat-messages.ts';
import type {
  AnthropicTool,
  AnthropicToolChoice,
  CountTokensRequest,
  MessageRequest,
} from '../fields/message-fields.ts';
import type { ChatRequest, Tool, ToolChoice } from '../fields/text-requests.ts';

/** The request as a chat. Throws FIELD_INVALID. */
export function toChat(request: MessageRequest): ChatRequest {
  const { max_tokens, stream, temperature, top_p, top_k, min_p, seed, priority } = request;
  const { output_config: output, stop_sequences: stop } = request;
  const format = output?.format ?? undefined;
  const chat = toConversation(request);
  const holds = format === undefined ? heldBy(chat) : 'output_config.format';
  if (stop !== undefined && stop.length > 0 && holds !== undefined) {
    refuse(
      'stop_sequences',
      `there beside ${holds}`,
      'none, since the answer ends when it is whole',
    );
  }
  const sampling = { temperature, top_p, top_k, min_p, seed, priority, stop };
  return {
    ...chat,
    ...sampling,
    stream,
    max_tokens,
    response_format:
      format === undefined
        ? undefined
        : { type: 'json_schema', json_schema: { name: 'format', schema: format.schema } },
  };
}

function heldBy({ tools = [], tool_choice: choice = 'auto' }: ChatRequest): string | undefined {
  if (choice === 'none') return undefined;
  if (choice !== 'auto') return 'tool_choice';
  return tools.some((tool) => tool.function.strict === true) ? 'strict tools' : undefined;
}

/** What of a request decides its prompt. Throws FIELD_INVALID. */
export function toConversation(request: CountTokensRequest): ChatRequest {
  const { model, system, tools = [], tool_choice: choice } = request;
  checkTools(request);
  const turns = new Turns();
  if (system !== undefined) turns.add('system', partsOf(system));
  for (const [at, message] of request.messages.entries()) turns.addMessage(message, at);
  return {
    model,
    messages: turns.messages(),
    tools: tools.map(toTool),
    tool_choice: toToolChoice(choice),
    parallel_tool_calls: choice?.type === 'none' ? true : !choice?.disable_parallel_tool_use,
    continue_final_message: continues(request.messages),
  };
}

// An answer goes on where the last message ends, when that is the assistant's own.
function continues(messages: readonly AnthropicMessage[]): boolean {
  const last = messages.at(-1);
  if (last?.role !== 'assistant') return false;
  const { content } = last;
  const block = typeof content === 'string' ? content : content.at(-1);
  const text = typeof block === 'string' ? block : block?.type === 'text' ? block.text : '';
  if (text === '' || /\s$/.test(text)) {
    const found = text === '' ? 'the assistant’s, and ends without text' : 'ending in white space';
    const allowed = 'a message of the user, or text of the assistant that does not end in space';
    refuse(`messages[${messages.length - 1}]`, found, allowed);
  }
  return true;
}

function checkTools({ tools = [], tool_choice: choice, output_config }: CountTokensRequest): void {
  if (choice !== undefined && choice.type !== 'none' && tools.length === 0) {
    refuse('tool_choice', 'there without tools', 'one together with tools');
  }
  if (output_config?.format != null && tools.length > 0 && choice?.type !== 'none') {
    const allowed = 'a format without tools, or with a tool_choice of none';
    refuse('output_config.format', 'there beside tools', allowed);
  }
}

function toTool({ name, description, input_schema: parameters, strict }: AnthropicTool): Tool {
  return { type: 'function', function: { name, description, parameters, strict } };
}

function toToolChoice(choice: AnthropicToolChoice | undefined): ToolChoice | undefined {
  if (choice === undefined) return undefined;
  if (choice.type === 'any') return 'required';
  if (choice.type !== 'tool') return choice.type;
  return { type: 'function', function: { name: choice.name } };
}

function partsOf(content: string | readonly TextBlock[]): TextBlock[] {
  if (typeof content === 'string') return [{ type: 'text', text: content }];
  return content.map(({ text }) => ({ type: 'text', text }));
}

type Role = 'system' | 'user' | 'assistant';

type Turn =
  | { readonly role: Role; readonly parts: ContentPart[]; readonly calls: ToolCall[] }
  | { readonly role: 'tool'; readonly call: string; readonly content: string };

/** Collects turns. Several messages of one role in a row are one turn, as Anthropic has it. */
class Turns {
  readonly #turns: Turn[] = [];
  readonly #calls = new Set<string>();

  add(role: Role, parts: readonly ContentPart[], calls: readonly ToolCall[] = []): void {
    const last = this.#turns.at(-1);
    if (last?.role === role) {
      last.parts.push(...parts);
      last.calls.push(...calls);
    } else this.#turns.push({ role, parts: [...parts], calls: [...calls] });
  }

  addMessage({ role, content }: AnthropicMessage, at: number): void {
    // A message without blocks is a turn, too.
    if (content.length === 0) this.add(role, []);
    const blocks = typeof content === 'string' ? partsOf(content) : content;
    for (const [index, block] of blocks.entries()) {
      if (block.type === 'text') this.add(role, partsOf([block]));
      else if (block.type === 'tool_result') {
        this.#addResult(block, `messages[${at}].content[${index}].tool_use_id`);
      } else {
        const { id, name, input } = block;
        this.#calls.add(id);
        const call = { name, arguments: JSON.stringify(input) };
        this.add(role, [], [{ id, type: 'function', function: call }]);
      }
    }
  }

  messages(): IncomingMessage[] {
    return this.#turns.map((turn): IncomingMessage => {
      if (turn.role === 'tool') {
        return { role: 'tool', tool_call_id: turn.call, content: turn.content };
      }
      const { role, parts: content, calls } = turn;
      return role === 'assistant' ? { role, content, tool_calls: calls } : { role, content };
    });
  }

  #addResult({ tool_use_id: call, content = '', is_error }: ToolResultBlock, field: string): void {
    if (!this.#calls.has(call)) {
      refuse(field, JSON.stringify(call.slice(0, 80)), 'the id of an earlier tool_use block');
    }
    const text = partsOf(content)
      .map((part) => part.text)
      .join('\n');
    // Templates have no place for failures: the text itself says so.
    this.#turns.push({ role: 'tool', call, content: is_error === true ? `Error: ${text}` : text });
  }
}

function refuse(field: string, found: string, allowed: string): never {
  throw errors.FIELD_INVALID({ field, found, allowed });
}
