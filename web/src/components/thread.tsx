// The messages of a conversation. Follows a growing answer while its end is in sight, and leaves a reader alone who
// has scrolled away.
import { useSignal, useSignalEffect } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { useApp } from '../state/app-state.ts';
import { AnswerView } from './answer-view.tsx';
import { Composer } from './composer.tsx';
import { ConnectionNote } from './connection-note.tsx';
import { Icon } from './icons.tsx';
import { QuestionView } from './question-view.tsx';
import { Welcome } from './welcome.tsx';

const NEAR_END_PX = 96;

/** The conversation and the box to write in. */
export function Thread(): JSX.Element {
  const { workspace, answering, inspector } = useApp();
  const scroller = useRef<HTMLDivElement>(null);
  const follows = useRef(true);
  const away = useSignal(false);
  const path = workspace.path.value;
  const conversation = workspace.current.value?.id;
  const run = answering.runs.value.get(conversation ?? '');

  const toEnd = (): void => {
    const box = scroller.current;
    if (box !== null) box.scrollTop = box.scrollHeight;
  };
  useEffect(() => {
    follows.current = true;
    toEnd();
  }, [conversation, path.length]);
  useSignalEffect(() => {
    const growing = answering.runs.value.get(workspace.current.value?.id ?? '');
    if (growing?.message.value !== undefined && follows.current) requestAnimationFrame(toEnd);
  });

  function onScroll(): void {
    const box = scroller.current;
    if (box === null) return;
    follows.current = box.scrollHeight - box.scrollTop - box.clientHeight < NEAR_END_PX;
    away.value = !follows.current;
    if (inspector.inspection.value?.held === false) inspector.close();
  }
  return (
    <div class="thread">
      <div
        class="scroller"
        ref={scroller}
        onScroll={onScroll}
        role="log"
        aria-live="off"
        aria-label="Messages"
      >
        <div class="messages">
          {path.length === 0 && <Welcome />}
          {path.map((message) =>
            message.role === 'user' ? (
              <QuestionView key={message.id} message={message} />
            ) : (
              <AnswerView
                key={message.id}
                message={message}
                run={run?.message.peek().id === message.id ? run : undefined}
              />
            ),
          )}
        </div>
      </div>
      <div class="dock">
        {away.value && (
          <button
            type="button"
            class="to-end"
            aria-label="To the end"
            title="To the end"
            onClick={toEnd}
          >
            <Icon name="down" />
          </button>
        )}
        <ConnectionNote />
        <Composer />
      </div>
    </div>
  );
}
