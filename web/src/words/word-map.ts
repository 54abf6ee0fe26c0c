// The words of an answer on the page: which token lies under a pointer, and where a token is drawn. Reads the page's
// text nodes and adds nothing to them: marks are CSS highlights, so that selecting, copying and reading aloud stay whole.
import type { AssistantMessage } from '../conversation/message.ts';
import { alignText } from './align.ts';
import { type Place, placeTokens, tokenAt } from './place-tokens.ts';

/** Highlight names of tokens by probability, unlikely ones first; the likely have none. */
const shades = [
  { name: 'word-rare', below: 0.1 },
  { name: 'word-unlikely', below: 0.35 },
  { name: 'word-open', below: 0.7 },
] as const;

/** Text nodes under an element that stem from the answer. */
function textNodes(root: Element): Text[] {
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT, (node) =>
    node.parentElement?.closest('.code-head') ? NodeFilter.FILTER_REJECT : NodeFilter.FILTER_ACCEPT,
  );
  const nodes: Text[] = [];
  while (walker.nextNode() !== null) nodes.push(walker.currentNode as Text);
  return nodes;
}

/** A map of one answer as it is drawn now; made anew when the answer changes. */
export class WordMap {
  readonly places: readonly Place[];
  readonly #answer: AssistantMessage;
  readonly #nodes: readonly Text[];
  readonly #offsets: readonly Int32Array[];
  #ranges: (Range | undefined)[] | undefined;

  constructor(root: Element, answer: AssistantMessage) {
    this.#answer = answer;
    this.places = placeTokens(answer);
    this.#nodes = textNodes(root);
    this.#offsets = alignText(
      answer.text,
      this.#nodes.map(({ data }) => data),
    );
  }

  /** Index of the token drawn at a point of the window; -1 for none. */
  tokenFromPoint(x: number, y: number): number {
    const caret = document.caretPositionFromPoint(x, y);
    const node = caret === null ? -1 : this.#nodes.indexOf(caret.offsetNode as Text);
    if (caret === null || node === -1) return -1;
    // A caret lies between characters: the point is on the one before it or the one after it.
    for (const at of [caret.offset, caret.offset - 1]) {
      const offset = this.#offsets[node]?.[at] ?? -1;
      const token = offset === -1 ? -1 : tokenAt(this.places, offset);
      if (token !== -1 && this.#covers(token, x, y)) return token;
    }
    return -1;
  }

  #covers(token: number, x: number, y: number): boolean {
    const rects = this.rangeOf(token)?.getClientRects() ?? [];
    return Array.from(rects).some(
      (r) => x >= r.left - 1 && x <= r.right + 1 && y >= r.top - 3 && y <= r.bottom + 3,
    );
  }

  /** Where a token is drawn; undefined if rendering left nothing of it. */
  rangeOf(token: number): Range | undefined {
    this.#ranges ??= this.#measure();
    return this.#ranges[token];
  }

  // One walk over all characters: their source offsets rise, and so do the places.
  #measure(): (Range | undefined)[] {
    const ranges: (Range | undefined)[] = [];
    for (const [i, node] of this.#nodes.entries()) {
      const offsets = this.#offsets[i] as Int32Array;
      for (let at = 0; at < offsets.length; at++) {
        const offset = offsets[at] as number;
        const token = offset === -1 ? -1 : tokenAt(this.places, offset);
        if (token === -1) continue;
        const range = ranges[token];
        if (range !== undefined) range.setEnd(node, at + 1);
        // A space before a word is no part of what is marked.
        else if (/\S/.test(node.data[at] as string)) {
          const fresh = document.createRange();
          fresh.setStart(node, at);
          fresh.setEnd(node, at + 1);
          ranges[token] = fresh;
        }
      }
    }
    return ranges;
  }

  /** Marks the tokens that were not sure, by how unsure. */
  shade(): void {
    const { tokens } = this.#answer;
    const marks = shades.map(() => new Highlight());
    for (const index of this.places.keys()) {
      const probability = Math.exp(tokens[index]?.logprob ?? 0);
      const shade = shades.findIndex(({ below }) => probability < below);
      const range = this.rangeOf(index);
      if (range !== undefined && shade !== -1) marks[shade]?.add(range);
    }
    for (const [i, { name }] of shades.entries()) CSS.highlights.set(name, marks[i] as Highlight);
  }
}

/** Takes the shades away. */
export function unshade(): void {
  for (const { name } of shades) CSS.highlights.delete(name);
}

/** Marks one word of the page, or none. */
export function markWord(range: Range | undefined): void {
  if (range === undefined) CSS.highlights.delete('word');
  else CSS.highlights.set('word', new Highlight(range));
}

/** Can this browser point at words? Without it answers read as they always do. */
export function canInspect(): boolean {
  return 'highlights' in CSS && 'caretPositionFromPoint' in document;
}
