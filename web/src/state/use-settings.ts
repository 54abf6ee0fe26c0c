// Settings of the open conversation, or of the next one while none is open.
import type { Settings } from '../conversation/message.ts';
import { useApp } from './app-state.ts';

/** The settings and how to change them; a change is also what the next conversation starts with. */
export function useSettings(): readonly [Settings, (settings: Settings) => void] {
  const { workspace, preferences } = useApp();
  const current = workspace.current.value;
  const change = (settings: Settings): void => {
    preferences.settings.value = settings;
    if (current !== undefined) void workspace.update(current.id, { settings });
  };
  return [current?.settings ?? preferences.settings.value, change];
}
