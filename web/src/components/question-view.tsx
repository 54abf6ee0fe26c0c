// What a person wrote, and its other wordings.
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import type { UserMessage } from '../conversation/message.ts';
import { useApp } from '../state/app-state.ts';
import { CopyButton } from './copy-button.tsx';
import { Editor } from './editor.tsx';
import { IconButton } from './icons.tsx';
import { VersionFlip } from './version-flip.tsx';

/** A message of a person. */
export function QuestionView({ message }: { readonly message: UserMessage }): JSX.Element {
  const { answering } = useApp();
  const editing = useSignal(false);
  if (editing.value) {
    return (
      <Editor
        label="Edit your message"
        text={message.text}
        confirm="Send"
        onConfirm={(text) => {
          editing.value = false;
          void answering.editQuestion(message, text);
        }}
        onCancel={() => {
          editing.value = false;
        }}
      />
    );
  }
  return (
    <article class="question" aria-label="You">
      <div class="bubble">{message.text}</div>
      <div class="tools">
        <VersionFlip message={message} />
        <CopyButton text={() => message.text} label="Copy your message" />
        <IconButton
          icon="edit"
          label="Edit your message"
          data-edit-question
          onClick={() => {
            editing.value = true;
          }}
        />
      </div>
    </article>
  );
}
