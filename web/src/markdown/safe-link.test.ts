import { describe, expect, it } from 'vitest';
import { safeLink } from './safe-link.ts';

describe('a link of a model', () => {
  it('leads to the web or to mail, and shows the site', () => {
    expect(safeLink('https://example.com:8080/a?b')).toEqual({
      href: 'https://example.com:8080/a?b',
      site: 'example.com:8080',
    });
    expect(safeLink('mailto:a@example.com')?.site).toBe('mail');
  });

  it('cannot pass for another site by a user name before it', () => {
    expect(safeLink('https://bank.example:x@evil.example/')).toEqual({
      href: 'https://evil.example/',
      site: 'evil.example',
    });
  });

  it.each([
    'javascript:alert(1)',
    ' JaVaScRiPt:alert(1)',
    'java\nscript:alert(1)',
    'data:text/html,<script>alert(1)</script>',
    'vbscript:x',
    'file:///etc/passwd',
    '/v1/models',
    '//evil.example',
    '#anchor',
  ])('is none where it leads elsewhere: %j', (address) => {
    expect(safeLink(address)).toBeUndefined();
  });
});
