// What a screen reader hears without asking: an answer paragraph by paragraph, and short reports.
import { type ReadonlySignal, useSignalEffect } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { AssistantMessage } from '../conversation/message.ts';
import { useApp } from '../state/app-state.ts';
import { spokenPart } from '../words/spoken.ts';

/** The one live region of the page. */
export function Announcer(): JSX.Element {
  const { announcements } = useApp();
  return (
    <div class="visually-hidden" role="log" aria-live="polite">
      {[...announcements.value].map(([id, text]) => (
        <p key={id}>{text}</p>
      ))}
    </div>
  );
}

/** Announces an answer as long as it is mounted, which is as long as it grows. */
export function AnswerAnnouncer({
  message,
}: {
  readonly message: ReadonlySignal<AssistantMessage>;
}): null {
  const { announce } = useApp();
  const next = useRef(message.peek().text.length);
  const say = (ended: boolean): void => {
    const spoken = spokenPart(message.peek().text, next.current, ended);
    next.current = spoken.next;
    if (spoken.text !== '') announce(spoken.text);
    else if (ended) announce('The answer is complete.');
  };
  useSignalEffect(() => {
    if (message.value.text !== '') say(false);
  });
  useEffect(() => () => say(true), []);
  return null;
}
