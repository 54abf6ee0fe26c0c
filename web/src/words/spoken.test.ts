import { describe, expect, it } from 'vitest';
import { spokenPart } from './spoken.ts';

describe('what is read aloud of a growing answer', () => {
  it('is nothing until a paragraph is complete', () => {
    expect(spokenPart('One. Tw', 0, false)).toEqual({ text: '', next: 0 });
    expect(spokenPart('One. Two.\n\nThr', 0, false)).toEqual({ text: 'One. Two.', next: 9 });
  });

  it('is the rest at the end, and nothing twice', () => {
    expect(spokenPart('One.\n\nTwo', 4, false).text).toBe('');
    expect(spokenPart('One.\n\nTwo', 4, true)).toEqual({ text: 'Two', next: 9 });
  });

  it('has no marks of markdown and does not spell code', () => {
    const text = '# **A** [link](https://x.example)\n- item\n```js\nlet a;\n```\nend';
    expect(spokenPart(text, 0, true).text).toBe('A link item (code) end');
    expect(spokenPart('| a | b |\n|---|:-:|\n| c | d |', 0, true).text).toBe('a b c d');
  });
});
