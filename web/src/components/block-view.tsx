// One block of an answer as sanitised nodes, with a head on code: its language and a way to copy it.
import type { JSX } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { sanitise } from '../markdown/sanitise.ts';
import { type AppState, useApp } from '../state/app-state.ts';

/** A block; made again only when its HTML changes. */
export function BlockView({ html }: { readonly html: string }): JSX.Element {
  const app = useApp();
  const block = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const nodes = sanitise(html);
    for (const code of nodes.querySelectorAll('pre')) addHead(code, app);
    for (const table of nodes.querySelectorAll('table')) scrollSideways(table);
    block.current?.replaceChildren(nodes);
  }, [html, app]);
  return <div class="block" ref={block} />;
}

function addHead(code: HTMLPreElement, { announce, notice }: AppState): void {
  const head = document.createElement('div');
  head.className = 'code-head';
  const name = document.createElement('span');
  name.textContent = code.dataset['language'] || 'code';
  const copy = document.createElement('button');
  copy.type = 'button';
  copy.textContent = 'Copy';
  copy.addEventListener('click', () => {
    navigator.clipboard.writeText(code.textContent ?? '').then(
      () => {
        copy.textContent = 'Copied';
        announce('Code copied.');
      },
      () => {
        notice.value = { text: 'The browser did not let this page copy. Select the code instead.' };
      },
    );
  });
  head.append(name, copy);
  const frame = document.createElement('div');
  frame.className = 'code';
  code.replaceWith(frame);
  code.tabIndex = 0;
  frame.append(head, code);
}

function scrollSideways(table: HTMLTableElement): void {
  const frame = document.createElement('div');
  frame.className = 'table';
  frame.tabIndex = 0;
  table.replaceWith(frame);
  frame.append(table);
}
