// Asking for answers: sending, stopping, asking again, going on, branching. What a model has said is in the database
// once a second while it is said, so that nothing is lost when the server or the page goes away.
import { type ReadonlySignal, signal } from '@preact/signals';
import type { ChatTurn } from '../api/client.ts';
import type { Alternative, AssistantMessage, Message, Settings } from '../conversation/message.ts';
import { pathTo, titleFrom } from '../conversation/tree.ts';
import { branchAt, readyToContinue } from '../words/place-tokens.ts';
import type { Connection } from './connection.ts';
import type { Preferences } from './preferences.ts';
import { runAnswer } from './run-answer.ts';
import type { Workspace } from './workspace.ts';

/** An answer being made. */
export interface Run {
  readonly message: ReadonlySignal<AssistantMessage>;
  stop(): void;
}

/** What a person can ask for. */
export interface Answering {
  /** Answers being made, by conversation: one in each at most. */
  readonly runs: ReadonlySignal<ReadonlyMap<string, Run>>;
  /** A message to the open conversation, or to a new one. */
  send(text: string): Promise<void>;
  /** The same message worded anew: a new version of it, and an answer. */
  editQuestion(message: Message, text: string): Promise<void>;
  /** An answer as a person would have it: a new version. */
  editAnswer(message: AssistantMessage, text: string): Promise<void>;
  /** Another answer to the same message. */
  regenerate(message: AssistantMessage): Promise<void>;
  /** Goes on where an answer ended. */
  continueAnswer(message: AssistantMessage): Promise<void>;
  /** A new version of an answer, with the alternative in place of token `index`. */
  branch(message: AssistantMessage, index: number, alternative: Alternative): Promise<void>;
  stop(): void;
}

/** What answering needs. */
export interface AnsweringOptions {
  readonly workspace: Workspace;
  readonly connection: Connection;
  readonly preferences: Preferences;
  readonly newId: () => string;
  readonly now: () => number;
}

/** Makes the ways to ask. */
export function createAnswering(options: AnsweringOptions): Answering {
  const { workspace, connection, preferences, newId, now } = options;
  const runs = signal<ReadonlyMap<string, Run>>(new Map());

  const settings = (): Settings => workspace.current.value?.settings ?? preferences.settings.value;
  const model = (): string => settings().model ?? connection.models.value[0]?.id ?? '';

  /** An empty answer to a message. */
  function blank(conversation: string, parent: string | null): AssistantMessage {
    const common = { id: newId(), conversation, parent, text: '', createdAt: now() };
    const start = { state: 'running', tokensFrom: 0, tokens: [] } as const;
    return { ...common, ...start, role: 'assistant', model: model() };
  }

  /** A new version of an answer, to begin with what is kept of it. */
  function versionOf(
    { conversation, parent }: AssistantMessage,
    kept: Pick<AssistantMessage, 'text' | 'tokens' | 'tokensFrom'>,
  ): AssistantMessage {
    return { ...blank(conversation, parent), ...kept };
  }

  async function ask(draft: AssistantMessage): Promise<void> {
    const { conversation } = draft;
    if (runs.value.has(conversation)) return;
    await workspace.put(draft, { show: true });
    const { system, sampling } = settings();
    const abort = new AbortController();
    const message = signal(draft);
    runs.value = new Map(runs.value).set(conversation, { message, stop: () => abort.abort() });
    const question = {
      model: draft.model,
      turns: turnsOf(system, pathTo(workspace.messages.value, draft.parent), draft.text),
      sampling,
      continues: draft.text !== '',
      probabilities: preferences.probabilities.value,
      signal: abort.signal,
    };
    const ended = await runAnswer({
      events: connection.client.chat(question),
      signal: abort.signal,
      message,
      save: (part) => void workspace.put(part),
    });
    await workspace.put(ended);
    runs.value = new Map([...runs.value].filter(([id]) => id !== conversation));
    if (ended.problem !== undefined) connection.report(ended.problem);
  }

  async function question(
    parent: string | null,
    conversation: string,
    text: string,
  ): Promise<void> {
    const message = { id: newId(), conversation, parent, text, createdAt: now() };
    await workspace.put({ ...message, role: 'user' }, { show: true });
    await ask(blank(conversation, message.id));
  }

  return {
    runs,
    send: async (text) => {
      const home = workspace.current.value ?? (await workspace.create(titleFrom(text), settings()));
      await question(workspace.path.value.at(-1)?.id ?? null, home.id, text);
    },
    editQuestion: ({ parent, conversation }, text) => question(parent, conversation, text),
    editAnswer: async (message, text) => {
      const kept = { text, tokens: [], tokensFrom: text.length };
      await workspace.put({ ...versionOf(message, kept), state: 'whole' }, { show: true });
    },
    regenerate: ({ conversation, parent }) => ask(blank(conversation, parent)),
    continueAnswer: (message) => {
      const { problem: _, timing: __, ...rest } = readyToContinue(message);
      return ask({ ...rest, model: model(), state: 'running' });
    },
    branch: async (message, index, alternative) => {
      const version = versionOf(message, branchAt(message, index, alternative));
      if (alternative.ends !== true) return ask(version);
      await workspace.put({ ...version, state: 'whole' }, { show: true });
    },
    stop: () => runs.value.get(workspace.current.value?.id ?? '')?.stop(),
  };
}

function turnsOf(system: string, path: readonly Message[], begun: string): ChatTurn[] {
  return [
    ...(system.trim() === '' ? [] : [{ role: 'system' as const, content: system }]),
    ...path.map(({ role, text }) => ({ role, content: text })),
    ...(begun === '' ? [] : [{ role: 'assistant' as const, content: begun }]),
  ];
}

/** An answer as it is shown: one that was being made when its page was closed is cut. */
export function settled(message: AssistantMessage): AssistantMessage {
  if (message.state !== 'running') return message;
  const problem = {
    kind: 'lost',
    message: 'The page was closed while this was being said.',
    hint: 'What was said until then is kept: continue it, or ask again.',
  } as const;
  return { ...message, state: 'cut', problem };
}
