// The list of keys.
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { useApp } from '../state/app-state.ts';
import { localKeys, type Shortcut, shortcuts } from '../state/shortcuts.ts';
import { IconButton } from './icons.tsx';

/** The list, as a dialog over the page. */
export function ShortcutsDialog(): JSX.Element {
  const { panels } = useApp();
  const dialog = useRef<HTMLDialogElement>(null);
  const open = panels.shortcuts.value;
  useEffect(() => {
    if (open) dialog.current?.showModal();
    else dialog.current?.close();
  }, [open]);
  const close = (): void => {
    panels.shortcuts.value = false;
  };
  return (
    <dialog ref={dialog} class="shortcuts" aria-labelledby="shortcuts-title" onClose={close}>
      <div class="settings-head">
        <h2 id="shortcuts-title">Keys</h2>
        <IconButton icon="close" label="Close" onClick={close} />
      </div>
      <dl>
        {[...localKeys, ...shortcuts].map(({ keys, does }) => (
          <Row key={does} keys={keys} does={does} />
        ))}
      </dl>
    </dialog>
  );
}

function Row({ keys, does }: Pick<Shortcut, 'keys' | 'does'>): JSX.Element {
  return (
    <div>
      <dt>{does}</dt>
      <dd>
        {keys.map((key) => (
          <kbd key={key}>{key}</kbd>
        ))}
      </dd>
    </div>
  );
}
