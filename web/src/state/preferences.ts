// What a person chose for this browser: colours, probabilities, settings of the next conversation. Kept in local
// storage; without one (a private window) they last as long as the page.
import { effect, type Signal, signal } from '@preact/signals';
import type { Settings } from '../conversation/message.ts';

/** Colours: the system's, or one of two. */
export type Theme = 'system' | 'light' | 'dark';

/** The choices, each a signal that is kept when it changes. */
export interface Preferences {
  readonly theme: Signal<Theme>;
  /** Ask for the probability of every word? */
  readonly probabilities: Signal<boolean>;
  /** What new conversations start with. */
  readonly settings: Signal<Settings>;
}

const themes: readonly Theme[] = ['system', 'light', 'dark'];

/** Reads the choices, and keeps them from now on. */
export function createPreferences(storage: Pick<Storage, 'getItem' | 'setItem'>): Preferences {
  const saved = read(storage);
  const theme = themes.find((name) => name === saved['theme']) ?? 'system';
  const settings = saved['settings'] as Partial<Settings> | undefined;
  const preferences: Preferences = {
    theme: signal<Theme>(theme),
    probabilities: signal(saved['probabilities'] !== false),
    settings: signal<Settings>({ system: '', sampling: {}, ...settings }),
  };
  effect(() => {
    const { theme, probabilities, settings } = preferences;
    const values = {
      theme: theme.value,
      probabilities: probabilities.value,
      settings: settings.value,
    };
    try {
      storage.setItem('corral', JSON.stringify(values));
    } catch {
      // Full or forbidden: the choices last as long as the page.
    }
  });
  return preferences;
}

function read(storage: Pick<Storage, 'getItem'>): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(storage.getItem('corral') ?? '{}');
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}
