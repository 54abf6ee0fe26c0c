// What a model said: its text, what can be done with it, and how it went.
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import type { AssistantMessage } from '../conversation/message.ts';
import { type Run, settled } from '../state/answering.ts';
import { useApp } from '../state/app-state.ts';
import { AnswerAnnouncer } from './announcer.tsx';
import { AnswerStrip } from './answer-strip.tsx';
import { AnswerText } from './answer-text.tsx';
import { AnswerTools } from './answer-tools.tsx';
import { Editor } from './editor.tsx';
import { Icon } from './icons.tsx';

/** An answer, growing or whole. */
export function AnswerView({
  message,
  run,
}: {
  readonly message: AssistantMessage;
  readonly run: Run | undefined;
}): JSX.Element {
  const { answering } = useApp();
  const editing = useSignal(false);
  const answer = run?.message.value ?? settled(message);
  const running = run !== undefined;
  if (editing.value) {
    return (
      <Editor
        label="Edit the answer"
        text={answer.text}
        confirm="Keep as a new version"
        onConfirm={(text) => {
          editing.value = false;
          void answering.editAnswer(answer, text);
        }}
        onCancel={() => {
          editing.value = false;
        }}
      />
    );
  }
  return (
    <article class="answer" aria-label={`${answer.model} answers`} aria-busy={running}>
      <p class="author" aria-hidden="true">
        {answer.model}
      </p>
      {answer.text === '' && running ? (
        <Waiting />
      ) : (
        <AnswerText answer={answer} running={running} />
      )}
      {answer.problem !== undefined && (
        <div class="note" role="alert">
          <Icon name="alert" />
          <p>
            {answer.problem.message} <span class="quiet">{answer.problem.hint}</span>
          </p>
        </div>
      )}
      {!running && (
        <div class="answer-foot">
          <AnswerTools answer={answer} onEdit={() => (editing.value = true)} />
          <AnswerStrip answer={answer} />
        </div>
      )}
      {running && <AnswerAnnouncer message={run.message} />}
    </article>
  );
}

function Waiting(): JSX.Element {
  return (
    <p class="waiting">
      <span class="visually-hidden">The model is reading.</span>
      <i aria-hidden="true" />
      <i aria-hidden="true" />
      <i aria-hidden="true" />
    </p>
  );
}
