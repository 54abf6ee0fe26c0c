import { describe, expect, it } from 'vitest';
import { blockRenderer } from './render-blocks.ts';

const html = (markdown: string): string =>
  blockRenderer(() => undefined)(markdown)
    .map((block) => block.html.trim())
    .join('|');

describe('markdown of a model', () => {
  it('is rendered block by block', () => {
    expect(html('# A\n\nb *c*\n\n- d')).toBe(
      '<h1>A</h1>|<p>b <em>c</em></p>|<ul>\n<li>d</li>\n</ul>',
    );
  });

  it('shows HTML as text', () => {
    expect(html('<img src=x onerror="evil()">')).toBe(
      '&lt;img src=x onerror=&quot;evil()&quot;&gt;',
    );
    expect(html('a <b onclick=evil()>c</b>')).toBe('<p>a &lt;b onclick=evil()&gt;c&lt;/b&gt;</p>');
  });

  it('turns pictures into links and drops links that lead nowhere good', () => {
    expect(html('![cat](https://example.com/cat.png)')).toBe(
      '<p><a href="https://example.com/cat.png" data-site="example.com">cat</a></p>',
    );
    expect(html('[click](javascript:evil())')).toBe('<p>click</p>');
  });

  it('escapes code and the name of its language', () => {
    expect(html('```"><x\n<b>\n```')).toBe('<pre data-language=""><code>&lt;b&gt;</code></pre>');
    expect(html('```c++\n1\n```')).toBe('<pre data-language="c++"><code>1</code></pre>');
  });

  it('makes only the growing block again', () => {
    const render = blockRenderer(() => undefined);
    const [first, second] = render('one\n\ntw');
    const [same, longer] = render('one\n\ntwo');
    expect(same).toBe(first);
    expect(longer).not.toBe(second);
    expect(longer?.html.trim()).toBe('<p>two</p>');
  });

  it('resolves a reference once its definition has come', () => {
    const render = blockRenderer(() => undefined);
    expect(render('[a][1]')[0]?.html).toContain('[a][1]');
    expect(render('[a][1]\n\n[1]: https://example.com')[0]?.html).toContain('href');
  });
});
