// The text of an answer, block by block, and its words under the pointer.
import { useComputed, useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useLayoutEffect, useMemo, useRef } from 'preact/hooks';
import type { AssistantMessage } from '../conversation/message.ts';
import { highlighter } from '../markdown/lazy-highlight.ts';
import { blockRenderer } from '../markdown/render-blocks.ts';
import { useApp } from '../state/app-state.ts';
import { canInspect, unshade, WordMap } from '../words/word-map.ts';
import { BlockView } from './block-view.tsx';

/** The text. */
export function AnswerText({
  answer,
  running,
}: {
  readonly answer: AssistantMessage;
  readonly running: boolean;
}): JSX.Element {
  const { inspector } = useApp();
  const root = useRef<HTMLDivElement>(null);
  const pointed = useSignal(-1);
  const highlight = highlighter.value;
  const render = useMemo(() => blockRenderer(highlight), [highlight]);
  const blocks = render(answer.text);
  const canPoint = answer.tokens.length > 0 && canInspect();
  const shaded = useComputed(() => inspector.shaded.value === answer.id).value;

  const map = useRef<WordMap | undefined>(undefined);
  useLayoutEffect(() => {
    map.current = undefined;
  }, [answer, highlight]);
  const words = (): WordMap | undefined => {
    if (root.current === null || !canPoint) return undefined;
    map.current ??= new WordMap(root.current, answer);
    return map.current;
  };
  useEffect(() => {
    if (!shaded) return;
    words()?.shade();
    return unshade;
  }, [shaded, answer, highlight]);

  function look(event: PointerEvent, held: boolean): void {
    const found = words();
    const index = found?.tokenFromPoint(event.clientX, event.clientY) ?? -1;
    if (found === undefined || index === -1) {
      pointed.value = -1;
      inspector.leave();
      return;
    }
    if (!held && pointed.value === index) {
      inspector.stay();
      return;
    }
    pointed.value = index;
    inspector.look({ message: answer, map: found, index, held });
  }
  function onMove(event: PointerEvent): void {
    const held = inspector.inspection.peek()?.held === true;
    if (event.pointerType === 'mouse' && event.buttons === 0 && !held && !running)
      look(event, false);
  }
  function onUp(event: PointerEvent): void {
    const link = (event.target as Element).closest('a, button');
    // A selection is being made, or something else was meant.
    if (running || link !== null || window.getSelection()?.isCollapsed === false) return;
    look(event, true);
  }
  return (
    <div
      class="prose"
      ref={root}
      data-running={running}
      data-can-point={canPoint && !running}
      data-answer={answer.id}
      onPointerMove={onMove}
      onPointerUp={onUp}
      onPointerLeave={() => {
        pointed.value = -1;
        inspector.leave();
      }}
    >
      {blocks.map(({ html }, index) => (
        <BlockView key={index} html={html} />
      ))}
    </div>
  );
}
