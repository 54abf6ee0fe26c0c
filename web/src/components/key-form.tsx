// The key of this server: asked for where one is wanted, and given, replaced or forgotten in the settings.
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useApp } from '../state/app-state.ts';

/** A box for the key, and whether this browser is to remember it. */
export function KeyForm({ class: look = '' }: { readonly class?: string }): JSX.Element {
  const { connection } = useApp();
  const key = useSignal('');
  const remember = useSignal(false);
  return (
    <form
      class={`key-form ${look}`}
      onSubmit={(event) => {
        event.preventDefault();
        void connection.useKey(key.value, { remember: remember.value });
      }}
    >
      {connection.wantsKey.value && (
        <p role="alert">{connection.problem.value?.message ?? 'This server wants a key.'}</p>
      )}
      <div class="row">
        <label class="visually-hidden" for="key">
          Key of this server
        </label>
        <input
          id="key"
          type="password"
          autocomplete="off"
          spellcheck={false}
          placeholder="Key of this server"
          value={key.value}
          onInput={(event) => {
            key.value = event.currentTarget.value;
          }}
        />
        <button type="submit" class="button primary" disabled={key.value.trim() === ''}>
          Use it
        </button>
      </div>
      <label class="switch">
        <input
          type="checkbox"
          checked={remember.value}
          onChange={(event) => {
            remember.value = event.currentTarget.checked;
          }}
        />
        <span>Remember it in this browser; otherwise until this tab is closed</span>
      </label>
    </form>
  );
}

/** The key among the settings. Where one is wanted, the note above the box to write in asks for it. */
export function KeySetting(): JSX.Element | null {
  const { connection } = useApp();
  if (connection.wantsKey.value) return null;
  if (!connection.hasKey.value) return <KeyForm class="field" />;
  return (
    <div class="field">
      <span>This page shows the server a key.</span>
      <button
        type="button"
        class="button"
        onClick={() => void connection.useKey('', { remember: false })}
      >
        Forget the key
      </button>
    </div>
  );
}
