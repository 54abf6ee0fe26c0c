// What can be done with an answer.
import type { JSX } from 'preact';
import type { AssistantMessage } from '../conversation/message.ts';
import { useApp } from '../state/app-state.ts';
import { canInspect, WordMap } from '../words/word-map.ts';
import { CopyButton } from './copy-button.tsx';
import { Icon, IconButton } from './icons.tsx';
import { VersionFlip } from './version-flip.tsx';

/** The row of tools. */
export function AnswerTools({
  answer,
  onEdit,
}: {
  readonly answer: AssistantMessage;
  readonly onEdit: () => void;
}): JSX.Element {
  const { answering } = useApp();
  const whole = answer.state === 'whole';
  return (
    <div class="tools">
      <VersionFlip message={answer} />
      {!whole && answer.text !== '' && (
        <button
          type="button"
          class="button small"
          onClick={() => void answering.continueAnswer(answer)}
        >
          <Icon name="forward" />
          Continue
        </button>
      )}
      <CopyButton text={() => answer.text} label="Copy the answer" />
      <IconButton
        icon="again"
        label="Answer again (Alt+R)"
        onClick={() => void answering.regenerate(answer)}
      />
      <IconButton icon="edit" label="Edit the answer" onClick={onEdit} />
      {whole && answer.text !== '' && (
        <IconButton
          icon="forward"
          label="Continue the answer"
          onClick={() => void answering.continueAnswer(answer)}
        />
      )}
      {answer.tokens.length > 0 && canInspect() && <WordsButton answer={answer} />}
    </div>
  );
}

/** Shades the words that were not sure; by keyboard it also begins to look at them. */
function WordsButton({ answer }: { readonly answer: AssistantMessage }): JSX.Element {
  const { inspector } = useApp();
  const on = inspector.shaded.value === answer.id;
  function onClick(event: MouseEvent): void {
    // A press of a key comes as a click without a place.
    const byKeyboard = event.detail === 0;
    inspector.shaded.value = on && !byKeyboard ? undefined : answer.id;
    const root = document.querySelector(`[data-answer="${answer.id}"]`);
    if (!byKeyboard || root === null) return;
    inspector.look({ message: answer, map: new WordMap(root, answer), index: 0, held: true });
  }
  return (
    <IconButton
      icon="words"
      label="Words and their probabilities (Alt+W)"
      aria-pressed={on}
      data-words={answer.id}
      onClick={onClick}
    />
  );
}
