// Leafs through the versions of a message.
import type { JSX } from 'preact';
import type { Message } from '../conversation/message.ts';
import { neighbour, versionsOf } from '../conversation/tree.ts';
import { useApp } from '../state/app-state.ts';
import { IconButton } from './icons.tsx';

/** Which version this is, and the ways to its neighbours; nothing where there is one alone. */
export function VersionFlip({ message }: { readonly message: Message }): JSX.Element | null {
  const { workspace } = useApp();
  const messages = workspace.messages.value;
  const { ids, index } = versionsOf(messages, message);
  if (ids.length < 2) return null;
  const flip = (step: number): void => {
    const id = neighbour(messages, message, step);
    if (id !== undefined) void workspace.show(id);
  };
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset would be announced as a form
    <span class="versions" role="group" aria-label="Versions">
      <IconButton
        icon="left"
        label="Version before"
        disabled={index <= 0}
        onClick={() => flip(-1)}
      />
      <span>
        {index + 1}
        <span aria-hidden="true">/</span>
        <span class="visually-hidden"> of </span>
        {ids.length}
      </span>
      <IconButton
        icon="right"
        label="Version after"
        disabled={index >= ids.length - 1}
        onClick={() => flip(1)}
      />
    </span>
  );
}
