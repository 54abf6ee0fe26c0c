// The whole page: conversations on one side, the open one or the activity of the server on the other.
import { useSignalEffect } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { useApp } from '../state/app-state.ts';
import { runShortcut } from '../state/shortcuts.ts';
import { ActivityPage } from './activity-page.tsx';
import { Announcer } from './announcer.tsx';
import { NoticeBar } from './notice-bar.tsx';
import { SettingsPanel } from './settings-panel.tsx';
import { ShortcutsDialog } from './shortcuts-dialog.tsx';
import { Sidebar } from './sidebar.tsx';
import { Thread } from './thread.tsx';
import { TopBar } from './top-bar.tsx';
import { WordPopover } from './word-popover.tsx';

/** The page. */
export function App(): JSX.Element {
  const app = useApp();
  const { router, workspace, panels, inspector } = app;
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent): void => runShortcut(app, event);
    const onPointerDown = (event: Event): void => {
      const inside = (event.target as Element).closest('.word-card, .prose');
      if (inside === null) inspector.close();
    };
    document.addEventListener('keydown', onKeyDown);
    document.addEventListener('pointerdown', onPointerDown);
    return () => {
      document.removeEventListener('keydown', onKeyDown);
      document.removeEventListener('pointerdown', onPointerDown);
    };
  }, [app, inspector]);
  // The address says what is open…
  useSignalEffect(() => {
    const route = router.route.value;
    inspector.close();
    panels.sidebar.value = false;
    if (route.page !== 'chat' || route.conversation === workspace.current.peek()?.id) return;
    void workspace.open(route.conversation).then((exists) => {
      if (!exists) router.go({ page: 'chat', conversation: undefined });
    });
  });
  // …and a new conversation gets an address when it gets its first message.
  useSignalEffect(() => {
    const id = workspace.current.value?.id;
    const route = router.route.peek();
    if (id !== undefined && route.page === 'chat' && route.conversation === undefined) {
      router.go({ page: 'chat', conversation: id });
    }
  });
  useSignalEffect(() => {
    const { page } = router.route.value;
    const title = page === 'activity' ? 'Activity' : workspace.current.value?.title;
    document.title = title === undefined ? 'Corral' : `${title} · Corral`;
  });
  const activity = router.route.value.page === 'activity';
  return (
    <div class="page" data-settings={panels.settings.value && !activity}>
      <button type="button" class="skip" onClick={skipToMessage}>
        Skip to the message box
      </button>
      <Sidebar />
      <main>
        {activity ? (
          <ActivityPage />
        ) : (
          <>
            <TopBar />
            <Thread />
          </>
        )}
      </main>
      {panels.settings.value && !activity && <SettingsPanel />}
      <WordPopover />
      <ShortcutsDialog />
      <NoticeBar />
      <Announcer />
    </div>
  );
}

function skipToMessage(): void {
  document.querySelector<HTMLElement>('#message')?.focus();
}
