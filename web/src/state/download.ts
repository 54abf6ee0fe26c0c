// Files out of the page and into it.

/** Has the browser save a text as a file. */
export function download(name: string, text: string, type: string): void {
  const address = URL.createObjectURL(new Blob([text], { type }));
  const link = document.createElement('a');
  link.href = address;
  link.download = name;
  link.click();
  // The browser has taken hold of it once the click was handled.
  setTimeout(() => URL.revokeObjectURL(address), 1000);
}

/** A name that any file system takes. */
export function fileName(title: string, extension: string): string {
  const safe =
    title
      .replace(/[^\p{L}\p{N} _-]+/gu, '')
      .trim()
      .slice(0, 60) || 'conversation';
  return `${safe}.${extension}`;
}
