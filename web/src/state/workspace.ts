// The conversations of this browser, and the one that is open. Every change is in the database before the page is
// told that it happened; what the page shows is always what a reload would show.
import { batch, computed, type ReadonlySignal, signal } from '@preact/signals';
import type { Conversation, Message, Settings } from '../conversation/message.ts';
import type { ConversationStore, StoredConversation } from '../conversation/store.ts';
import { showing, shownPath } from '../conversation/tree.ts';

/** The conversations and what can be done with them. */
export interface Workspace {
  readonly list: ReadonlySignal<readonly Conversation[]>;
  /** The open one; undefined while a new one has no message yet. */
  readonly current: ReadonlySignal<Conversation | undefined>;
  readonly messages: ReadonlySignal<ReadonlyMap<string, Message>>;
  /** The messages on the page, first to last. */
  readonly path: ReadonlySignal<readonly Message[]>;
  load(): Promise<void>;
  /** Opens one (undefined: a new one); says whether it is there. */
  open(id: string | undefined): Promise<boolean>;
  create(title: string, settings: Settings): Promise<Conversation>;
  update(id: string, changes: Partial<Conversation>): Promise<void>;
  /** Keeps a message; `show` also brings it on the page. */
  put(message: Message, options?: { readonly show?: boolean }): Promise<void>;
  /** Shows another version of a message. */
  show(id: string): Promise<void>;
  remove(id: string): Promise<StoredConversation | undefined>;
  restore(all: readonly StoredConversation[]): Promise<void>;
  /** All of them with their messages. */
  exportAll(): Promise<StoredConversation[]>;
}

/** What the workspace needs. */
export interface WorkspaceOptions {
  readonly store: ConversationStore;
  readonly newId: () => string;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** Makes the workspace; `load` fills it. */
export function createWorkspace({ store, newId, now }: WorkspaceOptions): Workspace {
  const list = signal<readonly Conversation[]>([]);
  const openId = signal<string | undefined>(undefined);
  const messages = signal<ReadonlyMap<string, Message>>(new Map());
  const current = computed(() => list.value.find(({ id }) => id === openId.value));
  const path = computed(() =>
    current.value === undefined ? [] : shownPath(messages.value, current.value.shown),
  );
  const find = (id: string): Conversation | undefined => list.value.find((one) => one.id === id);

  function listed(conversation: Conversation): void {
    const others = list.value.filter(({ id }) => id !== conversation.id);
    list.value = [conversation, ...others].sort((a, b) => b.updatedAt - a.updatedAt);
  }

  async function update(id: string, changes: Partial<Conversation>): Promise<void> {
    const before = find(id);
    if (before === undefined) return;
    // Shown at once: a person typing must not wait for a disk.
    const conversation = { ...before, ...changes };
    listed(conversation);
    await store.putConversation(conversation);
  }

  async function load(): Promise<void> {
    list.value = await store.list();
  }

  async function open(id: string | undefined): Promise<boolean> {
    const found = id === undefined ? [] : await store.messages(id);
    if (id !== undefined && find(id) === undefined) await load();
    const exists = id === undefined || find(id) !== undefined;
    batch(() => {
      openId.value = exists ? id : undefined;
      messages.value = new Map(exists ? found.map((message) => [message.id, message]) : []);
    });
    return exists;
  }

  async function put(message: Message, { show = false } = {}): Promise<void> {
    const home = find(message.conversation);
    if (home === undefined) return;
    const isOpen = openId.value === home.id;
    if (isOpen) messages.value = new Map(messages.value).set(message.id, message);
    if (show) {
      const known = isOpen ? messages.value : new Map([[message.id, message]]);
      const changes = { shown: showing(known, home.shown, message.id), updatedAt: now() };
      await update(home.id, changes);
    }
    await store.putMessage(message);
  }

  return {
    list,
    current,
    messages,
    path,
    load,
    open,
    put,
    update,
    create: async (title, settings) => {
      const at = now();
      const conversation = {
        id: newId(),
        title,
        createdAt: at,
        updatedAt: at,
        settings,
        shown: {},
      };
      await store.putConversation(conversation);
      batch(() => {
        listed(conversation);
        openId.value = conversation.id;
        messages.value = new Map();
      });
      return conversation;
    },
    show: async (id) => {
      const home = current.value;
      if (home === undefined) return;
      await update(home.id, { shown: showing(messages.value, home.shown, id) });
    },
    remove: async (id) => {
      const removed = await store.delete(id);
      list.value = list.value.filter((one) => one.id !== id);
      return removed;
    },
    restore: async (all) => {
      await store.restore(all);
      await load();
    },
    exportAll: async () => {
      const all = await store.list();
      return Promise.all(
        all.map(async (conversation) => ({
          conversation,
          messages: await store.messages(conversation.id),
        })),
      );
    },
  };
}
