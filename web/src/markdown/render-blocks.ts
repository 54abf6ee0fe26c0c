// Markdown to HTML, block by block, so that of a growing answer only the last block is made again. HTML that a model
// writes is shown as the text it is; pictures become links, since fetching them would tell others what is read here.
import { Marked, type RendererObject, type Token, type Tokens } from 'marked';
import { escapeHtml } from './escape-html.ts';
import { safeLink } from './safe-link.ts';

/** One block: its markdown and its HTML, not yet sanitised. */
export interface Block {
  readonly source: string;
  readonly html: string;
}

/** Code to HTML with its words classed; undefined while no highlighter is there or for a language it does not know. */
export type Highlight = (code: string, language: string) => string | undefined;

/** Renders markdown. One renderer keeps the blocks of one answer. */
export type BlockRenderer = (markdown: string) => Block[];

/** Makes a renderer. */
export function blockRenderer(highlight: Highlight): BlockRenderer {
  const marked = new Marked<string, string>({
    gfm: true,
    breaks: false,
    renderer: rendererWith(highlight),
  });
  let kept = new Map<string, Block>();
  return (markdown) => {
    const tokens = marked.lexer(markdown);
    const definitions = JSON.stringify(tokens.links);
    const next = new Map<string, Block>();
    const blocks = tokens
      .filter(({ type }) => type !== 'space' && type !== 'def')
      .map((token: Token): Block => {
        const name = `${token.raw}\n${definitions}`;
        const block = next.get(name) ??
          kept.get(name) ?? { source: token.raw, html: render(token) };
        next.set(name, block);
        return block;
      });
    kept = next;
    return blocks;
  };

  function render(token: Token): string {
    return marked.parser([token]);
  }
}

function rendererWith(highlight: Highlight): RendererObject<string, string> {
  return {
    html: ({ text }: Tokens.HTML | Tokens.Tag) => escapeHtml(text),
    image: ({ href, text }: Tokens.Image) => linkTo(href, escapeHtml(text || href)),
    link({ href, tokens }: Tokens.Link) {
      return linkTo(href, this.parser.parseInline(tokens));
    },
    checkbox: ({ checked }: Tokens.Checkbox) => (checked ? '☑ ' : '☐ '),
    code({ text, lang = '' }: Tokens.Code) {
      const language = /^[\w+#.-]+/.exec(lang)?.[0] ?? '';
      const html = highlight(text, language.toLowerCase()) ?? escapeHtml(text);
      return `<pre data-language="${escapeHtml(language)}"><code>${html}</code></pre>`;
    },
  };
}

function linkTo(address: string, html: string): string {
  const link = safeLink(address);
  if (link === undefined) return html;
  const { href, site } = link;
  return `<a href="${escapeHtml(href)}" data-site="${escapeHtml(site)}">${html}</a>`;
}
