// How an answer went: its speed, the wait for its first word, and how much of the prompt was known already.
import type { JSX } from 'preact';
import type { AssistantMessage } from '../conversation/message.ts';

/** The numbers under an answer. */
export function AnswerStrip({ answer }: { readonly answer: AssistantMessage }): JSX.Element {
  const { timing, state } = answer;
  const items: [text: string, title: string][] = [];
  if (timing?.completionTokens !== undefined) {
    items.push([counted(timing.completionTokens, 'token'), 'Length of the answer']);
  }
  if (timing?.tokensPerSecond !== undefined) {
    items.push([`${speed(timing.tokensPerSecond)} tok/s`, 'Tokens per second after the first']);
  }
  if (timing !== undefined) {
    items.push([`first after ${duration(timing.firstTokenMs)}`, 'From sending to the first token']);
  }
  if (timing?.promptTokens !== undefined && timing.cachedTokens !== undefined) {
    const share = Math.round((100 * timing.cachedTokens) / Math.max(1, timing.promptTokens));
    const title = `${timing.cachedTokens} of ${timing.promptTokens} prompt tokens were not computed again`;
    items.push([`${share} % cached`, title]);
  }
  if (state === 'stopped') items.push(['stopped', 'You stopped the answer']);
  if (state === 'length')
    items.push(['cut at the limit', 'The longest answer or the context is full']);
  return (
    <ul class="strip" aria-label="How the answer went">
      {items.map(([text, title]) => (
        <li key={title} title={title}>
          {text}
        </li>
      ))}
    </ul>
  );
}

function counted(count: number, noun: string): string {
  return `${count.toLocaleString('en')} ${noun}${count === 1 ? '' : 's'}`;
}

function speed(perSecond: number): string {
  return perSecond < 10 ? perSecond.toFixed(1) : Math.round(perSecond).toLocaleString('en');
}

function duration(ms: number): string {
  return ms < 1000 ? `${ms} ms` : `${(ms / 1000).toFixed(1)} s`;
}
