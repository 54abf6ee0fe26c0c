// A word under the pointer: how likely it was, what else it might have been, and the way to what else.
import type { JSX } from 'preact';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import type { Alternative } from '../conversation/message.ts';
import { useApp } from '../state/app-state.ts';
import type { Inspection } from '../state/inspector.ts';
import { canBranch, wordAround } from '../words/place-tokens.ts';
import { IconButton } from './icons.tsx';

/** What is shown of the word that is looked at, if one is. */
export function WordPopover(): JSX.Element | null {
  const inspection = useApp().inspector.inspection.value;
  return inspection === undefined ? null : <Card inspection={inspection} />;
}

function Card({ inspection }: { readonly inspection: Inspection }): JSX.Element {
  const { inspector, answering } = useApp();
  const { message, index, held } = inspection;
  const card = useRef<HTMLDivElement>(null);
  const opener = useRef<Element | null>(null);
  useLayoutEffect(() => place(card.current, inspection), [inspection]);
  // Focus moves in when a word is held, and back when it is let go.
  useEffect(() => {
    if (!held) return;
    opener.current = document.activeElement;
    card.current?.focus({ preventScroll: true });
    return () => (opener.current as HTMLElement | null)?.focus({ preventScroll: true });
  }, [held]);

  const token = message.tokens[index];
  if (token === undefined) return <div ref={card} />;
  const rows = rowsOf(token.text, token);
  const word = wordAround(message.tokens, index);
  const parts = word.to - word.from;
  const others = 1 - rows.reduce((sum, row) => sum + Math.exp(row.logprob), 0);
  const branch = (alternative: Alternative): void => {
    inspector.close();
    void answering.branch(message, index, alternative);
  };
  function onKeyDown(event: KeyboardEvent): void {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const turn = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (step !== undefined) inspector.move(step);
    else if (turn !== undefined) focusRow(card.current, turn);
    else return;
    event.preventDefault();
  }
  return (
    <div
      class="word-card"
      ref={card}
      role="dialog"
      aria-label={`${visible(token.text)}: ${percent(token.logprob)}`}
      tabIndex={-1}
      data-held={held}
      onPointerEnter={() => inspector.stay()}
      onPointerLeave={() => inspector.leave()}
      onKeyDown={onKeyDown}
    >
      <div class="word-head">
        <span class="word-text">{visible(token.text)}</span>
        <span class="word-share">{token.chosen === true ? 'yours' : percent(token.logprob)}</span>
      </div>
      <p class="word-context">
        {parts > 1
          ? `Part ${index - word.from + 1} of ${parts} of “${word.text}” (${share(word.probability)})`
          : `Token ${index + 1} of ${message.tokens.length}`}
        {token.chosen === true && ` · the model gave it ${percent(token.logprob)}`}
      </p>
      <ul class="alternatives" aria-label="Alternatives">
        {rows.map((row) => (
          <li key={`${row.label ?? ''}${row.text}`}>
            <AlternativeRow
              alternative={row}
              taken={row.text === token.text && row.ends !== true}
              onBranch={canBranch(token, row) ? () => branch(row) : undefined}
            />
          </li>
        ))}
      </ul>
      <p class="word-foot">
        <span>
          {others > 0.0005 ? `All others ${share(others)}. ` : ''}
          {held ? 'Choose one to go on from there.' : 'Click the word to hold this.'}
        </span>
        {held && (
          <span class="word-steps">
            <IconButton icon="left" label="Word before (←)" onClick={() => inspector.move(-1)} />
            <IconButton icon="right" label="Word after (→)" onClick={() => inspector.move(1)} />
            <IconButton icon="close" label="Close (Esc)" onClick={() => inspector.close()} />
          </span>
        )}
      </p>
    </div>
  );
}

function AlternativeRow({
  alternative,
  taken,
  onBranch,
}: {
  readonly alternative: Alternative;
  readonly taken: boolean;
  readonly onBranch: (() => void) | undefined;
}): JSX.Element {
  const { text, logprob, label, ends } = alternative;
  const name = ends === true ? 'end here' : text === '' ? (label ?? '') : visible(text);
  const says = ends === true ? 'End the answer here' : `Continue with ${name}`;
  return (
    <button
      type="button"
      class="alternative"
      data-taken={taken}
      disabled={onBranch === undefined}
      aria-label={`${taken ? `Said: ${name}` : says}, ${percent(logprob)}`}
      onClick={onBranch}
    >
      <span class="alternative-text" data-ends={ends === true}>
        {name}
      </span>
      <progress class="bar" aria-hidden="true" max={1} value={Math.exp(logprob)} />
      <span class="alternative-share">{percent(logprob)}</span>
    </button>
  );
}

/** The alternatives, likeliest first, with what was said among them. */
function rowsOf(text: string, token: Inspection['message']['tokens'][number]): Alternative[] {
  const { alternatives, logprob } = token;
  const listed = alternatives.some((one) => one.text === text && one.ends !== true);
  const all = listed ? alternatives : [...alternatives, { text, logprob }];
  return [...all].sort((a, b) => b.logprob - a.logprob);
}

// Below the word, or above it where there is no room; never out of the window.
function place(card: HTMLElement | null, { map, index }: Inspection): void {
  if (card === null) return;
  const word = map.rangeOf(index)?.getClientRects()[0];
  const { offsetWidth: width, offsetHeight: height } = card;
  const { clientWidth, clientHeight } = document.documentElement;
  const left = word?.left ?? Number.parseFloat(card.style.left || '16');
  const bottom = word?.bottom ?? clientHeight / 2;
  const below = bottom + 6;
  const fits = below + height < clientHeight - 8;
  const top = fits || word === undefined ? below : word.top - height - 6;
  card.style.left = `${Math.max(8, Math.min(left - 12, clientWidth - width - 8))}px`;
  card.style.top = `${Math.max(8, Math.min(top, clientHeight - height - 8))}px`;
}

function focusRow(card: HTMLElement | null, step: number): void {
  const rows = Array.from(card?.querySelectorAll<HTMLElement>('.alternative:enabled') ?? []);
  const at = rows.indexOf(document.activeElement as HTMLElement);
  const next = at === -1 ? (step > 0 ? 0 : rows.length - 1) : at + step;
  rows[Math.max(0, Math.min(next, rows.length - 1))]?.focus();
}

/** A token's text with its white space visible. */
function visible(text: string): string {
  if (text === '') return 'part of a character';
  return text.replaceAll('\n', '↵').replaceAll('\t', '⇥').replaceAll(' ', '␣');
}

function percent(logprob: number): string {
  return share(Math.exp(logprob));
}

function share(value: number): string {
  const hundred = value * 100;
  if (hundred < 0.1) return '< 0.1 %';
  return `${hundred < 9.95 ? hundred.toFixed(1) : Math.round(hundred)} %`;
}
