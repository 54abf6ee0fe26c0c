// The last gate before the page: whatever HTML was made, only these elements and attributes get through.
import DOMPurify, { type Config } from 'dompurify';

const allowed: Config = {
  ALLOWED_TAGS: [
    ...['p', 'br', 'hr', 'strong', 'em', 'del', 'code', 'pre', 'blockquote', 'span', 'a'],
    ...['h1', 'h2', 'h3', 'h4', 'h5', 'h6', 'ul', 'ol', 'li'],
    ...['table', 'thead', 'tbody', 'tr', 'th', 'td'],
  ],
  ALLOWED_ATTR: ['href', 'class', 'start', 'align', 'data-language', 'data-site'],
  // The pattern below is for addresses; these hold none.
  ADD_URI_SAFE_ATTR: ['start', 'align', 'data-language', 'data-site'],
  ALLOWED_URI_REGEXP: /^(?:https?|mailto):/i,
  ALLOW_DATA_ATTR: false,
  ALLOW_ARIA_ATTR: false,
  RETURN_DOM_FRAGMENT: true,
};

const purify = DOMPurify(window);

// After the attributes were checked: these are ours.
purify.addHook('afterSanitizeAttributes', (node) => {
  if (node.tagName !== 'A') return;
  node.setAttribute('target', '_blank');
  node.setAttribute('rel', 'noopener noreferrer nofollow');
  node.setAttribute('title', node.getAttribute('href') ?? '');
});

/** HTML as nodes that run nothing, load nothing and lead only to the web. */
export function sanitise(html: string): DocumentFragment {
  return purify.sanitize(html, { ...allowed, RETURN_DOM_FRAGMENT: true });
}
