// Where a person writes. Enter sends, Shift+Enter begins a line; what was begun stays while conversations are changed.
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { useApp } from '../state/app-state.ts';
import { Icon } from './icons.tsx';

/** The box at the bottom. */
export function Composer(): JSX.Element {
  const { workspace, answering, connection } = useApp();
  const text = useSignal('');
  const box = useRef<HTMLTextAreaElement>(null);
  const conversation = workspace.current.value?.id ?? '';
  const running = answering.runs.value.has(conversation);
  const ready = connection.models.value.length > 0;

  useEffect(() => box.current?.focus({ preventScroll: true }), [conversation]);
  useEffect(() => {
    const area = box.current;
    if (area === null) return;
    // As high as its text, up to what the style allows.
    area.style.height = 'auto';
    area.style.height = `${area.scrollHeight}px`;
  }, [text.value]);

  function send(): void {
    const message = text.value.trim();
    if (message === '' || running || !ready) return;
    text.value = '';
    void answering.send(message);
  }
  function onKeyDown(event: KeyboardEvent): void {
    // While an input method composes, Enter chooses a word.
    if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      send();
    } else if (event.key === 'ArrowUp' && text.value === '') {
      const edits = document.querySelectorAll<HTMLElement>('[data-edit-question]');
      edits[edits.length - 1]?.click();
      if (edits.length > 0) event.preventDefault();
    }
  }
  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <label class="visually-hidden" for="message">
        Message
      </label>
      <textarea
        id="message"
        ref={box}
        rows={1}
        value={text.value}
        placeholder={ready ? 'Write a message' : 'No model answers yet'}
        enterkeyhint="send"
        onInput={(event) => {
          text.value = event.currentTarget.value;
        }}
        onKeyDown={onKeyDown}
      />
      {running ? (
        <button
          type="button"
          class="send"
          aria-label="Stop the answer (Esc)"
          title="Stop the answer (Esc)"
          onClick={() => answering.stop()}
        >
          <Icon name="stop" />
        </button>
      ) : (
        <button
          type="submit"
          class="send"
          aria-label="Send (Enter)"
          title="Send (Enter)"
          disabled={!ready || text.value.trim() === ''}
        >
          <Icon name="send" />
        </button>
      )}
    </form>
  );
}
