// Sources and what marked renders of them, written down by hand as text nodes.
import { describe, expect, it } from 'vitest';
import { alignText } from './align.ts';

/** Every rendered character with the source character it was aligned with. */
function pairs(source: string, pieces: string[]): string {
  return alignText(source, pieces)
    .map((offsets) => Array.from(offsets, (offset) => source[offset] ?? '·').join(''))
    .join('|');
}

describe('rendered text and its source', () => {
  it('agree where there is no markdown', () => {
    expect(Array.from(alignText('plain', ['plain'])[0] as Int32Array)).toEqual([0, 1, 2, 3, 4]);
  });

  it('skip emphasis, headings, lists and quotes', () => {
    const source = '# A *fine* day\n\n- one\n- **two**\n\n> said';
    const pieces = ['A ', 'fine', ' day', '\n', 'one', 'two', 'said'];
    expect(pairs(source, pieces)).toBe(pieces.join('|'));
    const [, fine] = alignText(source, pieces);
    expect(fine?.[0]).toBe(source.indexOf('fine'));
  });

  it('take the words after a link, not the same letters inside its address', () => {
    const source = 'See [the net](https://example.com/net/next) next to it';
    const [, , after] = alignText(source, ['See ', 'the net', ' next to it']);
    expect(after?.[1]).toBe(source.lastIndexOf('next'));
  });

  it('skip the name of a language before code', () => {
    const source = '```css\ncolor: red;\n```';
    const [code] = alignText(source, ['color: red;']);
    expect(code?.[0]).toBe(source.indexOf('color'));
  });

  it('come back after an entity, which has no character of its own', () => {
    expect(pairs('a &lt;b&gt; c and more', ['a <b> c and more'])).toBe('a ·b· c and more');
  });
});
