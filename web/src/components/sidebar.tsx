// The conversations of this browser, and the way to everything else.
import type { JSX } from 'preact';
import { readArchive, writeArchive } from '../conversation/archive.ts';
import { useApp } from '../state/app-state.ts';
import { download } from '../state/download.ts';
import { addressOf } from '../state/router.ts';
import { Icon, IconButton, Mark } from './icons.tsx';
import { ThemeButton } from './theme-button.tsx';

/** The list, its ways in and out, and the pages beside it. */
export function Sidebar(): JSX.Element {
  const app = useApp();
  const { workspace, router, panels } = app;
  const { page } = router.route.value;
  const close = (): void => {
    panels.sidebar.value = false;
  };
  return (
    <nav class="sidebar" aria-label="Conversations" data-open={panels.sidebar.value}>
      <div class="brand">
        <Mark />
        <span>Corral</span>
        <IconButton icon="close" label="Close the list" onClick={close} />
      </div>
      <a class="new-conversation" href="#/">
        <Icon name="plus" />
        New conversation
      </a>
      <ul class="conversations">
        {workspace.list.value.map(({ id, title }) => (
          <li key={id}>
            <a
              href={addressOf({ page: 'chat', conversation: id })}
              aria-current={
                page === 'chat' && workspace.current.value?.id === id ? 'page' : undefined
              }
              title={title}
            >
              {title}
            </a>
          </li>
        ))}
      </ul>
      {workspace.list.value.length === 0 && (
        <p class="quiet">Conversations stay in this browser. The server keeps none.</p>
      )}
      <Files />
      <div class="sidebar-foot">
        <a
          class="foot-link"
          href="#/activity"
          aria-current={page === 'activity' ? 'page' : undefined}
        >
          <Icon name="pulse" />
          Activity
        </a>
        <IconButton
          icon="keyboard"
          label="Keyboard shortcuts (Alt+H)"
          onClick={() => {
            panels.shortcuts.value = true;
          }}
        />
        <ThemeButton />
      </div>
    </nav>
  );
}

/** Export and import of everything. */
function Files(): JSX.Element {
  const { workspace, notice } = useApp();
  async function exportAll(): Promise<void> {
    const text = writeArchive(await workspace.exportAll());
    download('corral-conversations.json', text, 'application/json');
  }
  async function importFrom(input: HTMLInputElement): Promise<void> {
    const file = input.files?.[0];
    input.value = '';
    if (file === undefined) return;
    try {
      const all = readArchive(await file.text());
      await workspace.restore(all);
      const count = all.length === 1 ? '1 conversation' : `${all.length} conversations`;
      notice.value = { text: `Imported ${count}.` };
    } catch (error) {
      notice.value = { text: error instanceof Error ? error.message : String(error) };
    }
  }
  return (
    <div class="files">
      <button
        type="button"
        class="text-button"
        onClick={() => void exportAll()}
        disabled={workspace.list.value.length === 0}
      >
        Export all
      </button>
      <label class="text-button">
        Import
        <input
          class="visually-hidden"
          type="file"
          accept="application/json,.json"
          onChange={(event) => void importFrom(event.currentTarget)}
        />
      </label>
    </div>
  );
}
