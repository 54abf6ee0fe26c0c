// The highlighter of code, fetched when the first code is rendered; code drawn before is drawn again when it is there.
import { type ReadonlySignal, signal } from '@preact/signals';
import type { Highlight } from './render-blocks.ts';

const current = signal<Highlight>(askForIt);
let asked = false;

function askForIt(): undefined {
  if (asked) return undefined;
  asked = true;
  // Without it code stays plain, which is no reason to disturb anybody.
  import('./highlight.ts').then(
    ({ highlightCode }) => {
      current.value = highlightCode;
    },
    () => undefined,
  );
  return undefined;
}

/** How code is highlighted now. */
export const highlighter: ReadonlySignal<Highlight> = current;
