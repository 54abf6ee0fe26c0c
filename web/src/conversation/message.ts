// What a conversation is made of. Plain values: they are stored, exported and imported as they are.

/** How tokens are chosen; what is absent is left to the server. */
export interface Sampling {
  readonly temperature?: number;
  readonly topP?: number;
  readonly topK?: number;
  readonly minP?: number;
  readonly maxTokens?: number;
  readonly seed?: number;
  readonly stop?: readonly string[];
}

/** What a person sets for one conversation. */
export interface Settings {
  /** Name of a model or adapter; absent: the server's first. */
  readonly model?: string;
  readonly system: string;
  readonly sampling: Sampling;
}

/** What a model might have said instead. */
export interface Alternative {
  /** What it adds to an answer: nothing if its bytes are only a part of a character, or if it ends the answer. */
  readonly text: string;
  readonly logprob: number;
  /** How it is named where it has no text. */
  readonly label?: string;
  /** The answer ends here. */
  readonly ends?: boolean;
}

/** One token of an answer. */
export interface AnswerToken {
  /** What it added to the answer: nothing while a character is incomplete. */
  readonly text: string;
  /** Natural logarithm of its probability. */
  readonly logprob: number;
  /** Likeliest first; the token itself may be among them. */
  readonly alternatives: readonly Alternative[];
  /** A person put it there. */
  readonly chosen?: boolean;
}

/** How an answer went. Milliseconds where not said otherwise. */
export interface Timing {
  readonly firstTokenMs: number;
  readonly tokensPerSecond?: number;
  readonly promptTokens?: number;
  readonly cachedTokens?: number;
  readonly completionTokens?: number;
}

/** What went wrong: the server's sentence, and what to do. */
export interface Problem {
  /** `lost`: the connection broke; `unauthorised`: a key is needed; `refused`: the server said no. */
  readonly kind: 'lost' | 'unauthorised' | 'busy' | 'refused';
  readonly message: string;
  readonly hint: string;
}

/** Why an answer is as long as it is; `cut` by a reload or a lost connection, `length` by a limit. */
export type AnswerState = 'running' | 'whole' | 'stopped' | 'length' | 'cut';

interface Common {
  readonly id: string;
  readonly conversation: string;
  /** The message before; null: this is a first one. */
  readonly parent: string | null;
  readonly text: string;
  /** Milliseconds since 1970; orders the versions of a message. */
  readonly createdAt: number;
}

/** What a person wrote. */
export interface UserMessage extends Common {
  readonly role: 'user';
}

/** What a model wrote. */
export interface AssistantMessage extends Common {
  readonly role: 'assistant';
  readonly model: string;
  readonly state: AnswerState;
  /** Where in the text the tokens begin: what a person wrote before has none. */
  readonly tokensFrom: number;
  readonly tokens: readonly AnswerToken[];
  readonly timing?: Timing;
  readonly problem?: Problem;
}

/** A message of a conversation. */
export type Message = UserMessage | AssistantMessage;

/** A conversation without its messages. */
export interface Conversation {
  readonly id: string;
  readonly title: string;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly settings: Settings;
  /** Which of several versions is shown, by the id of the message before ('' for the first). */
  readonly shown: Readonly<Record<string, string>>;
}
