// The words of a conversation that every chat format shares.
import type { TokenId } from './tokenizer.ts';

/** Who may speak. */
export const chatRoles = ['system', 'user', 'assistant', 'tool'] as const;
export type ChatRole = (typeof chatRoles)[number];

/** One message. Further fields (`tool_calls`, `name` …) go to the template as they are. */
export interface ChatMessage {
  readonly role: ChatRole;
  readonly content: string;
  readonly [field: string]: unknown;
}

/** A conversation as tokens. */
export interface ChatEncoding {
  readonly ids: TokenId[];
  /** For each id: is it the assistant's own, the token that ends its turn included? What training learns from. */
  readonly assistant: boolean[];
  /** The conversation as text, control tokens as their strings. For people; encoding it again is not safe. */
  readonly text: string;
}
