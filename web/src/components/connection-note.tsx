// What stands between the page and its server: a key that is wanted, or a server that does not answer.
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useApp } from '../state/app-state.ts';
import { Icon } from './icons.tsx';

/** A note above the box to write in, while there is something to say. */
export function ConnectionNote(): JSX.Element | null {
  const { connection } = useApp();
  const problem = connection.problem.value;
  if (connection.wantsKey.value) return <KeyForm />;
  if (problem === undefined) return null;
  return (
    <div class="note" role="alert">
      <Icon name="alert" />
      <p>
        {problem.message} <span class="quiet">{problem.hint}</span>
      </p>
      <button
        type="button"
        class="button"
        disabled={connection.loading.value}
        onClick={() => void connection.refresh()}
      >
        Try again
      </button>
    </div>
  );
}

function KeyForm(): JSX.Element {
  const { connection } = useApp();
  const key = useSignal('');
  const remember = useSignal(false);
  return (
    <form
      class="note key-form"
      onSubmit={(event) => {
        event.preventDefault();
        void connection.useKey(key.value, { remember: remember.value });
      }}
    >
      <p role="alert">{connection.problem.value?.message ?? 'This server wants a key.'}</p>
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
