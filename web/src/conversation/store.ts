// Conversations in the browser's own database. Messages lie beside their conversation, one record each, so that an
// answer being made is one small write. What this module gives back was put in by it, or checked by `readArchive`.
import { type DBSchema, type IDBPDatabase, openDB } from 'idb';
import type { Conversation, Message } from './message.ts';

interface Schema extends DBSchema {
  conversations: { key: string; value: Conversation; indexes: { updatedAt: number } };
  messages: { key: string; value: Message; indexes: { conversation: string } };
}

/** A conversation with all its messages, as it is exported. */
export interface StoredConversation {
  readonly conversation: Conversation;
  readonly messages: readonly Message[];
}

/** The database of conversations. */
export interface ConversationStore {
  /** Without messages, last changed first. */
  list(): Promise<Conversation[]>;
  /** Messages of one, in no order. */
  messages(conversation: string): Promise<Message[]>;
  putConversation(conversation: Conversation): Promise<void>;
  /** Puts a message unless its conversation was deleted meanwhile. */
  putMessage(message: Message): Promise<void>;
  /** Puts whole conversations; what has the same id is replaced. */
  restore(all: readonly StoredConversation[]): Promise<void>;
  /** Deletes messages of a conversation that goes on. */
  deleteMessages(ids: readonly string[]): Promise<void>;
  /** Deletes a conversation and gives it back, for whoever regrets it. */
  delete(id: string): Promise<StoredConversation | undefined>;
  close(): void;
}

/** Opens the database; its name is an argument for the sake of tests. */
export async function openStore(name = 'corral'): Promise<ConversationStore> {
  const database: IDBPDatabase<Schema> = await openDB<Schema>(name, 1, {
    upgrade(fresh) {
      const conversations = fresh.createObjectStore('conversations', { keyPath: 'id' });
      conversations.createIndex('updatedAt', 'updatedAt');
      const messages = fresh.createObjectStore('messages', { keyPath: 'id' });
      messages.createIndex('conversation', 'conversation');
    },
    // A newer page in another tab must not wait for this one.
    blocking: () => database.close(),
  });
  const both = ['conversations', 'messages'] as const;

  return {
    list: async () => (await database.getAllFromIndex('conversations', 'updatedAt')).reverse(),
    messages: (conversation) => database.getAllFromIndex('messages', 'conversation', conversation),
    putConversation: async (conversation) => {
      await database.put('conversations', conversation);
    },
    putMessage: async (message) => {
      const change = database.transaction(both, 'readwrite');
      const home = await change.objectStore('conversations').getKey(message.conversation);
      if (home !== undefined) await change.objectStore('messages').put(message);
      await change.done;
    },
    restore: async (all) => {
      const change = database.transaction(both, 'readwrite');
      const writes = all.flatMap(({ conversation, messages }) => [
        change.objectStore('conversations').put(conversation),
        ...messages.map((message) => change.objectStore('messages').put(message)),
      ]);
      await Promise.all([...writes, change.done]);
    },
    deleteMessages: async (ids) => {
      const change = database.transaction('messages', 'readwrite');
      await Promise.all([...ids.map((id) => change.store.delete(id)), change.done]);
    },
    delete: async (id) => {
      const change = database.transaction(both, 'readwrite');
      const conversation = await change.objectStore('conversations').get(id);
      const store = change.objectStore('messages');
      const messages = await store.index('conversation').getAll(id);
      await Promise.all(messages.map((message) => store.delete(message.id)));
      await change.objectStore('conversations').delete(id);
      await change.done;
      return conversation && { conversation, messages };
    },
    close: () => database.close(),
  };
}
