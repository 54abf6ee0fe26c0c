// Escaping of templates.
import { expect, it } from 'vitest';
import { html, trusted } from './html.ts';

it('escapes values in text and in attributes', () => {
  const evil = `"><script>alert('1' & 2)</script>`;
  expect(html`<p title="${evil}">${evil}</p>`.text).toBe(
    '<p title="&quot;&gt;&lt;script&gt;alert(&#39;1&#39; &amp; 2)&lt;/script&gt;">&quot;&gt;&lt;script&gt;alert(&#39;1&#39; &amp; 2)&lt;/script&gt;</p>',
  );
});

it('keeps markup, joins lists and leaves out what is nothing', () => {
  const items = ['a', '<'].map((text) => html`<li>${text}</li>`);
  const list = html`<ul>${items}${null}${undefined}${false}${0}${trusted('<hr>')}</ul>`;
  expect(list.text).toBe('<ul><li>a</li><li>&lt;</li>0<hr></ul>');
});
