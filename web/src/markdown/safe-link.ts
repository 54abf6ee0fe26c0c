// Which addresses a model may have people click.

/** Where a link may lead, and the site to show beside it; undefined for anything but the web and mail. */
export function safeLink(
  address: string,
): { readonly href: string; readonly site: string } | undefined {
  let url: URL;
  try {
    url = new URL(address);
  } catch {
    return undefined;
  }
  if (url.protocol === 'mailto:') return { href: url.href, site: 'mail' };
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return undefined;
  // `https://bank.example@evil.example/` would read as the wrong site.
  url.username = '';
  url.password = '';
  return { href: url.href, site: url.host };
}
