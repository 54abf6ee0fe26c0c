// Llama 2's chat format as Meta's reference code builds it: each turn a string of its own between BOS
// and EOS, joined as token lists, so that no text can pass for a boundary.
import { errors } from '../base/errors.ts';
import type { ChatEncoding, ChatMessage } from './chat-message.ts';
import type { TokenId, Tokenizer } from './tokenizer.ts';

const TAGS = ['[INST]', '[/INST]', '<<SYS>>', '<</SYS>>'] as const;

/** The system prompt Llama 2 was released with; Meta removed it as a default on 2023-08-07. */
export const llama2SystemPrompt: string = [
  'You are a helpful, respectful and honest assistant. Always answer as helpfully as possible, while being safe. Your answers should not include any harmful, unethical, racist, sexist, toxic, dangerous, or illegal content. Please ensure that your responses are socially unbiased and positive in nature.',
  "If a question does not make any sense, or is not factually coherent, explain why instead of answering something not correct. If you don't know the answer to a question, please don't share false information.",
].join('\n\n');

/** The tokens of a conversation in Llama 2's format. */
export function encodeLlama2Chat(
  tokenizer: Tokenizer,
  messages: readonly ChatMessage[],
  { addGenerationPrompt }: { readonly addGenerationPrompt: boolean },
): ChatEncoding {
  const { bos, eos } = tokenizer;
  if (bos === undefined || eos === undefined) {
    throw errors.TEMPLATE_INVALID({ reason: 'the llama-2 format needs BOS and EOS tokens' });
  }
  refuseTags(messages);
  const ids: TokenId[] = [];
  const assistant: boolean[] = [];
  let text = '';
  const add = (tokens: readonly TokenId[], isAssistant: boolean): void => {
    for (const id of tokens) {
      ids.push(id);
      assistant.push(isAssistant);
    }
  };
  for (const { user, answer } of pairTurns(messages, addGenerationPrompt)) {
    const prompt = `[INST] ${user.trim()} [/INST]`;
    text += tokenizer.piece(bos) + prompt;
    const promptIds = tokenizer.encode(prompt, { bos: true });
    if (answer === undefined) {
      add(promptIds, false);
      continue;
    }
    const rest = ` ${answer.trim()} `;
    text += rest + tokenizer.piece(eos);
    const turn = tokenizer.encode(prompt + rest, { bos: true, eos: true });
    // pieces begin at spaces, so the prompt's tokens are the first of the turn's
    let shared = 0;
    while (shared < promptIds.length && promptIds[shared] === turn[shared]) shared += 1;
    add(turn.slice(0, shared), false);
    add(turn.slice(shared), true);
  }
  return { ids, assistant, text };
}

interface Turn {
  readonly user: string;
  /** Absent in the turn that asks for an answer. */
  readonly answer: string | undefined;
}

function pairTurns(messages: readonly ChatMessage[], addGenerationPrompt: boolean): Turn[] {
  const invalid = (reason: string): Error => errors.CHAT_INVALID({ reason });
  const hasSystem = messages[0]?.role === 'system';
  const system = hasSystem ? `<<SYS>>\n${messages[0]?.content}\n<</SYS>>\n\n` : '';
  const spoken = hasSystem ? messages.slice(1) : messages;
  const turns: Turn[] = [];
  for (let at = 0; at < spoken.length; at += 2) {
    const user = spoken[at] as ChatMessage;
    const answer = spoken[at + 1];
    if (user.role !== 'user')
      throw invalid(`a user message was due, found one of role ${user.role}`);
    if (answer && answer.role !== 'assistant') {
      throw invalid(`an assistant message was due, found one of role ${answer.role}`);
    }
    turns.push({ user: (at === 0 ? system : '') + user.content, answer: answer?.content });
  }
  const last = turns.at(-1);
  if (!last) throw invalid('it has no user message');
  if (addGenerationPrompt && last.answer !== undefined) {
    throw invalid('an answer is asked for, but the last message is the assistant’s');
  }
  return turns;
}

/** Meta's rule: the tags of the format may not occur in a message. */
export function refuseTags(messages: readonly ChatMessage[]): void {
  for (const [at, message] of messages.entries()) {
    const tag = TAGS.find((one) => message.content.includes(one));
    if (tag === undefined) continue;
    throw errors.CHAT_INVALID({
      reason: `message ${at + 1} contains ${tag}, which this format keeps for itself`,
    });
  }
}
