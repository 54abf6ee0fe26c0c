// Above a conversation: the model that answers, what can be done with the conversation, its settings.
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { writeArchive, writeMarkdown } from '../conversation/archive.ts';
import type { Conversation } from '../conversation/message.ts';
import { useApp } from '../state/app-state.ts';
import { download, fileName } from '../state/download.ts';
import { useSettings } from '../state/use-settings.ts';
import { Icon, IconButton } from './icons.tsx';

/** The bar. */
export function TopBar(): JSX.Element {
  const { panels, workspace } = useApp();
  const current = workspace.current.value;
  return (
    <header class="top-bar">
      <IconButton
        icon="menu"
        label="Conversations"
        class="icon-button only-narrow"
        onClick={() => {
          panels.sidebar.value = true;
        }}
      />
      <ModelPicker />
      <span class="space" />
      {current !== undefined && <ConversationMenu conversation={current} />}
      <IconButton
        icon="sliders"
        label="Settings of this conversation (Alt+S)"
        aria-expanded={panels.settings.value}
        onClick={() => {
          panels.settings.value = !panels.settings.value;
        }}
      />
    </header>
  );
}

function ModelPicker(): JSX.Element {
  const { connection } = useApp();
  const [settings, change] = useSettings();
  const models = connection.models.value;
  const chosen = settings.model ?? models[0]?.id ?? '';
  const gone = chosen !== '' && !models.some(({ id }) => id === chosen);
  const group = (adapters: boolean): JSX.Element[] =>
    models
      .filter(({ parent }) => (parent != null) === adapters)
      .map(({ id, parent }) => (
        <option key={id} value={id}>
          {parent == null ? id : `${id} on ${parent}`}
        </option>
      ));
  const adapters = group(true);
  return (
    <label class="model-picker">
      <span class="visually-hidden">Model</span>
      <select
        value={chosen}
        disabled={models.length === 0}
        onChange={(event) => change({ ...settings, model: event.currentTarget.value })}
      >
        {models.length === 0 && <option value="">no model</option>}
        {gone && <option value={chosen}>{chosen} (not served now)</option>}
        {group(false)}
        {adapters.length > 0 && <optgroup label="Adapters">{adapters}</optgroup>}
      </select>
    </label>
  );
}

function ConversationMenu({ conversation }: { readonly conversation: Conversation }): JSX.Element {
  const { workspace, router, notice } = useApp();
  const menu = useRef<HTMLDetailsElement>(null);
  useEffect(() => {
    const closeOutside = (event: Event): void => {
      if (menu.current?.contains(event.target as Node) === false) menu.current.open = false;
    };
    document.addEventListener('pointerdown', closeOutside);
    return () => document.removeEventListener('pointerdown', closeOutside);
  }, []);
  const item = (label: string, run: () => void): JSX.Element => (
    <li>
      <button
        type="button"
        onClick={() => {
          if (menu.current !== null) menu.current.open = false;
          run();
        }}
      >
        {label}
      </button>
    </li>
  );
  const messages = workspace.messages.value;
  async function remove(): Promise<void> {
    const removed = await workspace.remove(conversation.id);
    router.go({ page: 'chat', conversation: undefined });
    if (removed === undefined) return;
    const undo = (): void => {
      void workspace.restore([removed]).then(() => {
        router.go({ page: 'chat', conversation: conversation.id });
      });
    };
    notice.value = {
      text: `Deleted “${conversation.title}”.`,
      action: { label: 'Undo', run: undo },
    };
  }
  function rename(): void {
    const title = window.prompt('Name of the conversation', conversation.title)?.trim();
    if (title) void workspace.update(conversation.id, { title });
  }
  const save = (extension: string, text: string, type: string): void =>
    download(fileName(conversation.title, extension), text, type);
  return (
    <details
      class="menu"
      ref={menu}
      onKeyDown={(event) => {
        if (event.key !== 'Escape' || menu.current?.open !== true) return;
        event.preventDefault();
        menu.current.open = false;
        menu.current.querySelector('summary')?.focus();
      }}
    >
      <summary
        class="icon-button"
        aria-label="More for this conversation"
        title="More for this conversation"
      >
        <Icon name="more" />
      </summary>
      <ul>
        {item('Rename', rename)}
        {item('Export as Markdown', () =>
          save('md', writeMarkdown(conversation, messages), 'text/markdown'),
        )}
        {item('Export as JSON', () =>
          save(
            'json',
            writeArchive([{ conversation, messages: [...messages.values()] }]),
            'application/json',
          ),
        )}
        {item('Delete', () => void remove())}
      </ul>
    </details>
  );
}
