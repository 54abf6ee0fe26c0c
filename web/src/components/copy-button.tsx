// Copies a text and says that it did.
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useApp } from '../state/app-state.ts';
import { IconButton } from './icons.tsx';

const SHOWN_MS = 1500;

/** A button that copies. */
export function CopyButton({
  text,
  label,
}: {
  readonly text: () => string;
  readonly label: string;
}): JSX.Element {
  const { notice, announce } = useApp();
  const copied = useSignal(false);
  async function copy(): Promise<void> {
    try {
      await navigator.clipboard.writeText(text());
    } catch {
      notice.value = { text: 'The browser did not let this page copy. Select the text instead.' };
      return;
    }
    announce('Copied.');
    copied.value = true;
    setTimeout(() => {
      copied.value = false;
    }, SHOWN_MS);
  }
  return (
    <IconButton icon={copied.value ? 'check' : 'copy'} label={label} onClick={() => void copy()} />
  );
}
