// HTML from templates in which every value is escaped. What is markup already says so by its type, so that
// nothing a model wrote can become markup by accident.

/** Text that is HTML. Only `html` and `trusted` make it. */
export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  toString(): string {
    return this.text;
  }
}

/** What a template takes: markup as it is, lists of it, everything else escaped; nothing for null and false. */
export type HtmlValue = Markup | string | number | null | undefined | false | readonly HtmlValue[];

/**
 * Markup with its values escaped, in text and in quoted attributes alike.
 * @example html`<p title="${name}">${paragraphs}</p>`
 */
export function html(parts: TemplateStringsArray, ...values: readonly HtmlValue[]): Markup {
  let text = parts[0] ?? '';
  for (const [index, value] of values.entries()) text += render(value) + (parts[index + 1] ?? '');
  return new Markup(text);
}

/** Text that is HTML by our own hand: a file of this folder, or an encoding that has no markup in it. */
export function trusted(text: string): Markup {
  return new Markup(text);
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Text as HTML shows it. */
export function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => entities[character] ?? character);
}

function render(value: HtmlValue): string {
  if (value === null || value === undefined || value === false) return '';
  if (value instanceof Markup) return value.text;
  if (typeof value === 'object') return value.map(render).join('');
  return escapeHtml(String(value));
}
