// All of the page's state, put together once and handed to the components.
import { type ReadonlySignal, type Signal, signal } from '@preact/signals';
import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import type { ConversationStore } from '../conversation/store.ts';
import { type Answering, createAnswering } from './answering.ts';
import { type Connection, createConnection } from './connection.ts';
import { createInspector, type Inspector } from './inspector.ts';
import { createPreferences, type Preferences } from './preferences.ts';
import { createRouter, type Router } from './router.ts';
import { createWorkspace, type Workspace } from './workspace.ts';

/** A line that comes up and goes away, with one thing to do about it. */
export interface Notice {
  readonly text: string;
  readonly action?: { readonly label: string; readonly run: () => void };
}

/** What of the page is open. */
export interface Panels {
  /** The list of conversations, where there is no room for it beside the rest. */
  readonly sidebar: Signal<boolean>;
  readonly settings: Signal<boolean>;
  readonly shortcuts: Signal<boolean>;
}

/** The state of the page. */
export interface AppState {
  readonly preferences: Preferences;
  readonly connection: Connection;
  readonly workspace: Workspace;
  readonly answering: Answering;
  readonly inspector: Inspector;
  readonly router: Router;
  readonly panels: Panels;
  readonly notice: Signal<Notice | undefined>;
  /** What a screen reader was told last, by a rising number. */
  readonly announcements: ReadonlySignal<ReadonlyMap<number, string>>;
  /** Tells a screen reader. */
  announce(text: string): void;
}

const ANNOUNCEMENTS = 20;

/** Puts the state together. */
export function createAppState(store: ConversationStore, baseUrl: string): AppState {
  const preferences = createPreferences(localStorage);
  const keys = { session: sessionStorage, local: localStorage };
  const connection = createConnection(baseUrl, keys);
  const newId = () => crypto.getRandomValues(new Uint32Array(4)).join('-');
  const now = () => Date.now();
  const announcements = signal<ReadonlyMap<number, string>>(new Map());
  let told = 0;
  const workspace = createWorkspace({ store, newId, now });
  return {
    preferences,
    connection,
    workspace,
    answering: createAnswering({ workspace, connection, preferences, newId, now }),
    inspector: createInspector(),
    router: createRouter(window),
    panels: { sidebar: signal(false), settings: signal(false), shortcuts: signal(false) },
    notice: signal(undefined),
    announcements,
    announce: (text) => {
      // Added, not replaced: what comes in quick succession is read one after the other.
      const kept = [...announcements.value].slice(1 - ANNOUNCEMENTS);
      told += 1;
      announcements.value = new Map([...kept, [told, text]]);
    },
  };
}

/** Where components find the state. */
export const AppContext = createContext<AppState | undefined>(undefined);

/** The state of the page, in a component. */
export function useApp(): AppState {
  const app = useContext(AppContext);
  if (app === undefined) throw new Error('A component stands outside the page.');
  return app;
}
