// What stands between the page and its server: a key that is wanted, or a server that does not answer.
import type { JSX } from 'preact';
import { useApp } from '../state/app-state.ts';
import { Icon } from './icons.tsx';
import { KeyForm } from './key-form.tsx';

/** A note above the box to write in, while there is something to say. */
export function ConnectionNote(): JSX.Element | null {
  const { connection } = useApp();
  const problem = connection.problem.value;
  if (connection.wantsKey.value) return <KeyForm class="note" />;
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
