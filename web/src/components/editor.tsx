// Changing a message in place. What was there stays as a version of its own.
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';

/** A text being changed. */
export function Editor({
  label,
  text,
  confirm,
  onConfirm,
  onCancel,
}: {
  readonly label: string;
  readonly text: string;
  readonly confirm: string;
  readonly onConfirm: (text: string) => void;
  readonly onCancel: () => void;
}): JSX.Element {
  const draft = useSignal(text);
  const area = useRef<HTMLTextAreaElement>(null);
  useEffect(() => {
    area.current?.focus();
    area.current?.setSelectionRange(text.length, text.length);
  }, [text.length]);
  const done = (): void => {
    if (draft.value.trim() !== '') onConfirm(draft.value);
  };
  return (
    <form
      class="editor"
      onSubmit={(event) => {
        event.preventDefault();
        done();
      }}
    >
      <textarea
        ref={area}
        aria-label={label}
        rows={Math.min(16, text.split('\n').length + 1)}
        value={draft.value}
        onInput={(event) => {
          draft.value = event.currentTarget.value;
        }}
        onKeyDown={(event) => {
          if (event.key === 'Escape') {
            event.preventDefault();
            onCancel();
          } else if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) {
            event.preventDefault();
            done();
          }
        }}
      />
      <div class="row">
        <button type="button" class="button" onClick={onCancel}>
          Cancel
        </button>
        <button type="submit" class="button primary">
          {confirm}
        </button>
      </div>
    </form>
  );
}
