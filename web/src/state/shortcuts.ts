// Keys that work anywhere on the page, and the list of all keys for people. Alt with a letter: browsers and screen
// readers leave those alone, and nobody types them by accident.
import type { AssistantMessage } from '../conversation/message.ts';
import { neighbour } from '../conversation/tree.ts';
import type { AppState } from './app-state.ts';

/** A key that works anywhere. */
export interface Shortcut {
  /** The letter's key, as `KeyboardEvent.code` names it. */
  readonly code: string;
  readonly keys: readonly string[];
  readonly does: string;
  readonly run: (app: AppState) => void;
}

/** Keys of single places, for the list. */
export const localKeys: readonly Pick<Shortcut, 'keys' | 'does'>[] = [
  { keys: ['Enter'], does: 'Send the message' },
  { keys: ['Shift', 'Enter'], does: 'Begin a new line' },
  { keys: ['Esc'], does: 'Stop the answer, or close what is open' },
  { keys: ['↑'], does: 'Edit your last message, in an empty box' },
  { keys: ['←', '→'], does: 'Previous or next word, while looking at one' },
];

/** Keys that work anywhere. */
export const shortcuts: readonly Shortcut[] = [
  {
    code: 'KeyN',
    keys: ['Alt', 'N'],
    does: 'New conversation',
    run: ({ router }) => router.go({ page: 'chat', conversation: undefined }),
  },
  {
    code: 'KeyR',
    keys: ['Alt', 'R'],
    does: 'Answer again',
    run: (app) => onAnswer(app, (answer) => void app.answering.regenerate(answer)),
  },
  {
    code: 'KeyW',
    keys: ['Alt', 'W'],
    does: 'Look at the words of the last answer',
    run: (app) =>
      onAnswer(app, ({ id }) => {
        document.querySelector<HTMLElement>(`[data-words="${id}"]`)?.click();
      }),
  },
  { code: 'KeyJ', keys: ['Alt', 'J'], does: 'Version before', run: (app) => flip(app, -1) },
  { code: 'KeyK', keys: ['Alt', 'K'], does: 'Version after', run: (app) => flip(app, 1) },
  {
    code: 'KeyS',
    keys: ['Alt', 'S'],
    does: 'Settings of this conversation',
    run: ({ panels: { settings } }) => {
      settings.value = !settings.value;
    },
  },
  {
    code: 'KeyA',
    keys: ['Alt', 'A'],
    does: 'Activity of the server',
    run: ({ router }) => router.go({ page: 'activity' }),
  },
  {
    code: 'KeyH',
    keys: ['Alt', 'H'],
    does: 'This list',
    run: ({ panels: { shortcuts } }) => {
      shortcuts.value = !shortcuts.value;
    },
  },
];

/** Runs what a key is for, if it is for something. */
export function runShortcut(app: AppState, event: KeyboardEvent): void {
  if (event.key === 'Escape' && !event.defaultPrevented) {
    if (app.inspector.inspection.value !== undefined) app.inspector.close();
    else if (app.panels.settings.value) app.panels.settings.value = false;
    else if (app.panels.sidebar.value) app.panels.sidebar.value = false;
    else app.answering.stop();
    return;
  }
  if (!event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
  const shortcut = shortcuts.find(({ code }) => code === event.code);
  if (shortcut === undefined) return;
  event.preventDefault();
  shortcut.run(app);
}

function onAnswer({ workspace }: AppState, run: (answer: AssistantMessage) => void): void {
  const last = workspace.path.value.at(-1);
  if (last?.role === 'assistant') run(last);
}

// The last message that has versions.
function flip({ workspace }: AppState, step: number): void {
  const { messages, path } = workspace;
  const found = path.value
    .map((message) => neighbour(messages.value, message, step))
    .filter((id) => id !== undefined)
    .at(-1);
  if (found !== undefined) void workspace.show(found);
}
