// Light, dark, or as the system has it.
import { useSignalEffect } from '@preact/signals';
import type { JSX } from 'preact';
import { useApp } from '../state/app-state.ts';
import type { Theme } from '../state/preferences.ts';
import { IconButton } from './icons.tsx';

const next: Readonly<Record<Theme, Theme>> = { system: 'light', light: 'dark', dark: 'system' };
const icons = { system: 'system', light: 'sun', dark: 'moon' } as const;
const names = { system: 'as the system', light: 'light', dark: 'dark' } as const;

/** Goes round the three. */
export function ThemeButton(): JSX.Element {
  const { theme } = useApp().preferences;
  useSignalEffect(() => {
    document.documentElement.dataset['theme'] = theme.value;
  });
  return (
    <IconButton
      icon={icons[theme.value]}
      label={`Colours: ${names[theme.value]}`}
      onClick={() => {
        theme.value = next[theme.value];
      }}
    />
  );
}
