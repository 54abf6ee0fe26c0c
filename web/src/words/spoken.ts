// What a screen reader is told of a growing answer: whole paragraphs, never single tokens.

/** Paragraphs that are complete. */
export interface Spoken {
  readonly text: string;
  /** Where in the answer the next ones begin. */
  readonly next: number;
}

/** The paragraphs of an answer from `from` on that will not change any more; all that is left once it has ended. */
export function spokenPart(answer: string, from: number, ended: boolean): Spoken {
  const end = ended ? answer.length : answer.lastIndexOf('\n\n');
  if (end <= from) return { text: '', next: from };
  return { text: plain(answer.slice(from, end)), next: end };
}

// Marks of markdown are noise to listeners; code is announced, not spelled.
function plain(markdown: string): string {
  return markdown
    .replace(/```[^\n]*\n[\s\S]*?(```|$)/g, ' (code) ')
    .replace(/^[ \t]*\|?[ \t:|-]*-{2,}[ \t:|-]*$/gm, '')
    .replace(/!?\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replace(/^\s*(#{1,6}|>|[-*+])\s+/gm, '')
    .replace(/[*_`~|]+/g, '')
    .replace(/\s+/g, ' ')
    .trim();
}
